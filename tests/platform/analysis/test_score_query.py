"""Grouped scores, held to pandas on random grids."""

import math

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.analysis.dimensions import Dimension
from dragoman.analysis.score_query import scores
from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph

LANGUAGES = ["ar", "de", "en", "fi"]
PAIRS = all_pairs(LANGUAGES)
FAMILY = {
    "ar": "Afro-Asiatic languages", "de": "Indo-European languages", "en": "Indo-European languages",
    "fi": "Uralic languages",
}  # fmt: skip
SCRIPT = {"ar": "Arab", "de": "Latn", "en": "Latn", "fi": "Latn"}
GRAPH = TrainingGraph.of([Pair("en", "de"), Pair("en", "ar"), Pair("de", "en")])


@pytest.fixture(scope="module")
def filled(campaign_in, tmp_path_factory):
    """Two models with holes, and every cell of them as a row."""
    with campaign_in(tmp_path_factory.mktemp("selected")) as campaign:
        without = {
            ("base", Pair("de", "fi")): (CellState.FAILED, "out of memory"),
            ("tuned", Pair("de", "en")): (CellState.PLANNED, None),
            ("tuned", Pair("ar", "fi")): (CellState.FAILED, "out of memory"),
        }
        quality = {("base", pair): 0.3 + 0.03 * n for n, pair in enumerate(PAIRS)} | {"tuned": 0.6}
        segments = {pair: 10 + n for n, pair in enumerate(PAIRS)}
        campaign.fill(
            {"base": TrainingGraph(), "tuned": GRAPH}, PAIRS, quality=quality, without=without, segments=segments
        )
        store = campaign.store
        rows = []
        for cell in store.cells.of_grid("g"):
            model = cell.cell.model.removeprefix("model-")
            scores = store.cells.scores(cell.cell.id)
            source, target = cell.cell.pair
            rows.append(
                {
                    "model": model, "source": source, "target": target,
                    "partition": (GRAPH if model == "tuned" else TrainingGraph()).partition(cell.cell.pair).value,
                    "source_family": FAMILY[source], "target_family": FAMILY[target],
                    "source_script": SCRIPT[source], "target_script": SCRIPT[target],
                    "value": scores[0].value if scores else math.nan, "weight": cell.segments,
                }
            )  # fmt: skip
        yield store, pd.DataFrame(rows)


DIMENSIONS = [dimension.value for dimension in Dimension if dimension is not Dimension.MODEL]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(DIMENSIONS), unique=True, max_size=3), st.booleans(), st.booleans())
def test_any_grouping_equals_pandas(filled, dimensions, micro, compared):
    store, cells = filled
    selection = scores(store, "bleu", model="tuned").by(*dimensions)
    selection = selection.micro() if micro else selection
    selection = selection.against("base") if compared else selection
    tuned = cells[cells.model == "tuned"].merge(
        cells[cells.model == "base"][["source", "target", "value"]], on=["source", "target"], suffixes=("", "_base")
    )
    tuned["one"] = 0
    expected = {}
    for key, group in tuned.groupby(dimensions or ["one"]):
        done, both = group.dropna(subset="value"), group.dropna(subset=["value", "value_base"])
        both = both if compared else both.head(0)
        weights, shared = (frame.weight if micro else frame.weight * 0 + 1 for frame in (done, both))
        delta = both.value - both.value_base
        expected[key if dimensions else ()] = (
            len(group), len(done), (done.value * weights).sum() / weights.sum() if len(done) else None,
            done.value.median() if len(done) else None, len(both),
            (delta * shared).sum() / shared.sum() if len(both) else None, (delta > 0).sum(), (delta < 0).sum(),
        )  # fmt: skip
    found = {
        tuple(group.group.values()): (
            group.pairs, group.done, group.mean, group.median, group.both, group.delta, group.wins, group.losses,
        )
        for group in selection
    }  # fmt: skip
    assert found.keys() == expected.keys()
    for key, figures in expected.items():
        assert found[key] == pytest.approx(figures)


def test_several_models_are_never_taken_together(filled):
    store, cells = filled
    groups = scores(store, "bleu").rows()
    assert [group.group for group in groups] == [{"model": "base"}, {"model": "tuned"}]
    assert groups[1].mean == pytest.approx(cells[cells.model == "tuned"].value.mean())


def test_groups_stand_in_the_order_of_partitions(filled):
    store, _ = filled
    partitions = [group.group["partition"] for group in scores(store, "bleu", model="tuned").by("partition")]
    assert partitions == ["seen", "reversed", "recombined", "one_sided", "unseen_source", "unseen_target"]


def test_narrowing_takes_any_notation_of_a_language(filled):
    store, _ = filled
    rows = (
        scores(store, "bleu", model="tuned")
        .where(target="deu_Latn", partition=["unseen"])
        .by("source", "target")
        .rows()
    )
    assert [group.group for group in rows] == [{"source": "ar", "target": "de"}, {"source": "fi", "target": "de"}]


def test_a_frame_has_a_column_for_each_dimension(filled):
    store, _ = filled
    frame = scores(store, "bleu", model="tuned").by("partition", "target").against("base").frame()
    assert list(frame.columns[:2]) == ["partition", "target"]
    assert {"mean", "median", "delta", "done", "pairs"} <= set(frame.columns)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda store: scores(store, "bleu").by("partiton"), "did you mean 'partition'"),
        (lambda store: scores(store, "bleu").where(target="xx").rows(), "not a language"),
        (lambda store: scores(store, "bleu").where(target="sw").rows(), "no target 'sw'"),
        (lambda store: scores(store, "bleu").where(partition="sen").rows(), "did you mean 'seen'"),
        (lambda store: scores(store, "bleu", model="tune"), "no grid with the model tune"),
        (lambda store: scores(store, "bleu", model="tune", grid="g").rows(), "did you mean 'tuned'"),
        (lambda store: scores(store, "bleu").against("bse").rows(), "did you mean 'base'"),
    ],
)
def test_what_is_misspelt_is_refused_with_the_remedy(filled, ask, said):
    with pytest.raises(StoreError, match=said):
        ask(filled[0])


def test_a_tag_of_the_grid_is_found_though_it_is_not_canonical(campaign):
    store = campaign.fill({"base": TrainingGraph()}, [Pair("de", "yue"), Pair("yue", "de")])
    [group] = scores(store, "bleu", grid="g").by("target").where(target="yue").rows()
    assert (group.group, group.done) == ({"target": "yue"}, 1)
