"""Names and paths have bounds: NAME_MAX is 255 bytes and PATH_MAX 4096 with the zero at the end (limits.h of Linux)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.errors import SpecError
from dragoman.planning.manifest import manifest_path
from dragoman.spec.base import LONGEST_NAME, LONGEST_WRITTEN
from dragoman.spec.loading import load_campaign, load_spec

LONG = "n" * (LONGEST_WRITTEN + 1)
METHOD = {"kind": "full", "steps": 1, "learning_rate": 0.001}
CYRILLIC = "ж" * 128
"""Fewer than 255 letters, and more bytes."""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": LONG}, "name has 201 bytes, and a name has at most 200: shorten it"),
        (
            {"models": [{"name": LONG, "pairs": "all", "examples": 1, "method": METHOD}]},
            "models.0.name .* has 201 bytes, and a name has at most 200",
        ),
        ({"baselines": [{"name": LONG}]}, "baselines.0.name .* has 201 bytes, and a name has at most 200"),
        (
            {"evaluation": {"prompts": [{"template": "mfti", "name": LONG}]}},
            "prompts.0.name .* has 201 bytes, and a name has at most 200",
        ),
        (
            {"promotion": {"model": LONG, "rules": [{"at_least": 1}]}},
            "promotion.model .* has 201 bytes, and a name has at most 200",
        ),
        (
            {"promotion": {"model": "m", "alias": "a" * 201, "rules": [{"at_least": 1}]}},
            "promotion.alias .* at most 200",
        ),
        (
            {"base": CYRILLIC},
            "base .* has a part of 256 bytes in its path, and a file's name has at most 255; shorten it",
        ),
        ({"base": ""}, "base .* is empty; give a path or a name"),
        ({"base": {"model": f"models/{'g' * 256}"}}, "base.model .* has a part of 256 bytes"),
        ({"base": "/".join(["folder"] * 700)}, "base .* has a path of 4899 bytes, where there may be 4095 at most"),
        ({"baselines": [{"name": "b", "model": CYRILLIC}]}, "baselines.0.model .* has a part of 256 bytes"),
        ({"corpus": {"kind": "flores200", "path": CYRILLIC}}, "corpus.* has a part of 256 bytes"),
        ({"evaluation": {"corpus": {"kind": "tsv", "path": {"test": CYRILLIC}}}}, "corpus.* has a part of 256 bytes"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_name_that_no_file_can_have_is_one_sentence(
    demo: dict[str, Any], spec_file: Callable[[Any], Path], change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpecError, match=sentence) as caught:
        load_spec(spec_file(demo | change))
    assert "\n" not in str(caught.value)


def test_the_longest_name_is_a_files_name(tmp_path: Path) -> None:
    path = manifest_path(tmp_path, "n" * LONGEST_NAME)
    path.parent.mkdir()
    path.touch()


def test_an_address_may_have_long_parts(demo: dict[str, Any], spec_file: Callable[[Any], Path]) -> None:
    path = f"https://host/{'g' * 300}.tsv"
    assert load_spec(spec_file(demo | {"corpus": {"kind": "tsv", "path": {"test": path}}})).corpus.options["path"]


def test_a_sweeps_names_are_shortened_by_a_hash_and_only_where_they_must_be(
    demo: dict[str, Any], spec_file: Callable[[Any], Path]
) -> None:
    def names(length: int) -> list[str]:
        sweep = {"seed": {"s" * length: 1, f"{'s' * length}t": 2}}
        return [grid.name for grid in load_campaign(spec_file(demo | {"name": "demo", "sweep": sweep})).grids]

    fitting = LONGEST_NAME - len("demo-t")
    assert names(fitting) == [f"demo-{'s' * fitting}", f"demo-{'s' * fitting}t"]
    shortened = names(300)
    assert shortened == names(300)
    assert len(set(shortened)) == 2
    # sha256 of the whole name, as the command sha256sum has it
    assert [name[-13:] for name in shortened] == ["-c09d2f6b60df", "-01da5e2cfec0"]
    assert {len(name) for name in shortened} == {LONGEST_NAME}
