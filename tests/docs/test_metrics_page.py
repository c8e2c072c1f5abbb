"""docs/metrics.md says what the metrics are: their names, directions, tokenisers and signatures."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from dragoman import plugins
from dragoman.metrics.base import Metric
from dragoman.metrics.language_detector import THRESHOLD
from dragoman.metrics.model_metric import ModelMetric
from dragoman.metrics.resampling import SAMPLES, SEED
from dragoman.metrics.sacrebleu import _TOKENIZERS, _UNSPACED
from dragoman.pair import Pair

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
OWN = sorted(
    name
    for name, entry in plugins.available("metrics").items()
    if entry.value.startswith("dragoman.") and not issubclass(entry.load(), ModelMetric)
)


def rows(section: str) -> list[list[str]]:
    """The rows of the first table of a section, without its head."""
    text = PAGE.split(f"{section}\n")[1].split("\n#")[0]
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [re.split(r" (?<!\\)\| ", line) for line in lines[2:]]


def test_every_metric_has_a_row_with_its_direction() -> None:
    table = {row[0].strip("`"): row for row in rows("# Metrics")}
    assert sorted(table) == OWN
    for name, row in table.items():
        kind: type[Metric] = plugins.load("metrics", name)
        assert row[3] == ("higher" if kind.higher_is_better else "lower")


def test_the_tokenisers_are_those_of_the_code() -> None:
    table = {code: row[1] for row in rows("## Tokenisers of BLEU") for code in re.findall(r"`(\w{4})`", row[0])}
    assert {code: said.split("`")[1] for code, said in table.items()} == {
        **_TOKENIZERS,
        **dict.fromkeys(_UNSPACED, "char"),
    }


@pytest.mark.parametrize("row", rows("## Signatures"), ids=lambda row: f"{row[0]}-{row[1]}")
def test_the_signatures_are_those_of_the_code(row: list[str]) -> None:
    name, target, said = row[0].strip("`"), row[1].split(",")[0], row[2].strip("`").replace("\\|", "|")
    metric: Metric = plugins.load("metrics", name)(Pair("en", target), ("de", "en"))
    installed = {
        "version:2.6.0": f"version:{version('sacrebleu')}",
        "py3langid-0.4.0": f"py3langid-{version('py3langid')}",
    }
    for written, now in installed.items():
        said = said.replace(written, now)
    assert metric.signature == said


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"{SAMPLES:,} bootstrap resamples" in PAGE
    assert f"seed, {SEED}" in PAGE
    assert f"a probability of {THRESHOLD} or more" in PAGE
