"""`base.pretraining`: languages and amounts; grids without it, and the cells of those with it, stay the same."""

from typing import Any

import pytest
from pydantic import ValidationError

from dragoman.planning.planner import make_plan
from dragoman.spec.grid import GridSpec

SPEC: dict[str, Any] = {
    "name": "g", "base": {"model": "facebook/xglm-564M"}, "languages": ["en", "de"], "corpus": "cldr",
    "evaluation": {"sentences": 3},
}  # fmt: skip


def spec(amounts: dict[str, Any]) -> GridSpec:
    return GridSpec.model_validate({**SPEC, "base": {**SPEC["base"], "pretraining": amounts}})


def test_languages_are_canonical_and_what_is_unset_is_not_written() -> None:
    assert spec({"eng_Latn": "8e11", "zh": 0}).base.pretraining == {"en": 8e11, "zh-Hans": 0}
    assert "pretraining" not in GridSpec.model_validate(SPEC).model_dump(mode="json")["base"]


def test_it_changes_no_model_and_no_cell() -> None:
    plain, told = make_plan(GridSpec.model_validate(SPEC)), make_plan(spec({"en": 8e11, "de": 9e10}))
    assert [model.id for model in told.models] == [model.id for model in plain.models]
    assert [cell.id for cell in told.cells()] == [cell.id for cell in plain.cells()]


@pytest.mark.parametrize("amounts", [{"en": -1}, {"en": "many"}, {"klingonish": 5}, {"en": float("inf")}])
def test_what_is_no_amount_of_a_language_is_refused(amounts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(amounts)
