"""A grid whose languages an earlier version called otherwise keeps its rows, and answers to any notation."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from dragoman.analysis.score_query import scores
from dragoman.errors import StoreError
from dragoman.language import canonical_tag
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.spec.grid import GridSpec

OLDER = ["en", "ko-Hang", "no"]


@pytest.fixture
def older(campaign_in: Callable[[Path], AbstractContextManager[Any]], tmp_path: Path):
    with campaign_in(tmp_path) as campaign:
        campaign.fill({"base": TrainingGraph()}, all_pairs(OLDER))
        yield campaign.store


@pytest.mark.parametrize(
    ("written", "tag"), [("ko-Hang", "ko-Hang"), ("Korean", "ko-Hang"), ("nb", "no"), ("no", "no")]
)
def test_scores_are_found_by_the_older_name_and_by_any_of_today(older, written: str, tag: str) -> None:
    groups = scores(older, "bleu", model="base").where(target=written).by("target").rows()
    assert [group.group for group in groups] == [{"target": tag}]
    assert groups[0].done == 2


def test_a_language_the_grid_has_not_is_still_refused(older) -> None:
    with pytest.raises(StoreError, match="This grid has no target 'de'"):
        scores(older, "bleu", model="base").where(target="de").rows()


def test_pairs_are_named_as_the_store_has_them() -> None:
    assert Pair.among("Korean", "eng_Latn", OLDER) == ("ko-Hang", "en")
    assert Pair.among("de", "nb", OLDER) == ("de", "no")
    for pair in (Pair("en", "ko-Hang"), Pair("no", "en"), Pair("zh-Hans", "ks-Deva")):
        assert Pair.read_back(str(pair)) == pair


def test_a_stored_spec_keeps_its_tags_and_a_written_one_does_not() -> None:
    content = {
        "name": "older", "base": "facebook/xglm-564M", "languages": OLDER, "corpus": {"kind": "cldr", "options": {}},
        "evaluation": {"pairs": [["en", "ko-Hang"], ["no", "en"]]},
    }  # fmt: skip
    stored = GridSpec.from_store(content)
    assert stored.languages == tuple(OLDER)
    assert stored.evaluation.pairs == (Pair("en", "ko-Hang"), Pair("no", "en"))
    written = GridSpec.model_validate(content)
    assert written.languages == ("en", "ko", "nb")
    assert written.evaluation.pairs == (Pair("en", "ko"), Pair("nb", "en"))
    assert canonical_tag("ko-Hang") == "ko"
