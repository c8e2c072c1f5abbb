"""docs/neural-metrics.md says what the neural metrics are: their names, directions, licences and settings."""

import re
from pathlib import Path

from dragoman import plugins
from dragoman.environments import environments
from dragoman.metrics.model_metric import ModelMetric
from dragoman.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "neural-metrics.md").read_text()
MODULES = tuple(f"dragoman.metrics.{name}:" for name in ("comet", "metricx", "bertscore"))
OWN = [name for name, entry in plugins.available("metrics").items() if entry.value.startswith(MODULES)]


def rows(section: str) -> list[list[str]]:
    """The rows of the first table of a section, without its head."""
    text = PAGE.split(f"{section}\n")[1].split("\n#")[0]
    return [line.split(" | ") for line in re.findall(r"^\| (.*) \|$", text, re.MULTILINE)[1:]]


def test_every_metric_has_a_row_with_its_direction_and_licence() -> None:
    table = {row[0].strip("`"): row for row in rows("## The metrics")}
    assert sorted(table) == sorted(OWN)
    for name, (_, _, score, better, licence, _) in table.items():
        kind: type[ModelMetric] = plugins.load("metrics", name)
        assert kind.name == name
        assert better == ("higher" if kind.higher_is_better else "lower")
        assert licence == (kind.licence or "not known") + (", gated" if kind.gated else "")
        if None not in kind.bounds:
            assert score == "{:g} to {:g}".format(*kind.bounds)


def test_every_environment_has_a_row() -> None:
    assert [row[0].strip("`") for row in rows("## Environments")] == [each.name for each in environments()]


def test_its_settings_are_there() -> None:
    named = set(re.findall(r"`(metric_\w+|build_environments|environments)[ `]", PAGE))
    assert named == {name for name in Settings.model_fields if name.startswith("metric_") or "environments" in name}
