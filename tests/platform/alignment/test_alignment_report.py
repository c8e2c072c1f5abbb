"""What alignments tell of a grid: planted relations with scores and gains are found, where there is none none is."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from tests.fixtures.commands import dragoman as dragoman
from tests.platform.alignment.conftest import LANGUAGES, AlignedGrid

from dragoman.alignment.findings import aligned_models, layer_findings, score_findings
from dragoman.alignment.named_measures import MEASURES
from dragoman.alignment.parallel_lines import parallel_lines
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError
from dragoman.figures import FigureForm, figure_bytes
from dragoman.pair import Pair
from dragoman.reports.alignment import AlignmentChoice, alignment_report
from dragoman.reports.analyses import ANALYSES
from dragoman.store.alignment_records import Pooling
from dragoman.tables.render import Form, render

CENTRED = MEASURES["retrieval-centred"]


def test_means_and_changes_by_layer(planted: AlignedGrid) -> None:
    lines = parallel_lines(planted.store, "g")
    models = aligned_models(planted.store, "g", lines, Pooling.MEAN)
    found = {(each.model, each.layer): each for each in layer_findings(models, CENTRED)}
    assert list(found) == [("base", 0), ("base", 1), ("tuned", 0), ("tuned", 1)]
    base, tuned = found["base", 1], found["tuned", 1]
    values = [value for model in models if model.name == "tuned" for value in model.values(1, CENTRED).values()]
    assert tuned.estimate == pytest.approx(np.mean(values))
    assert tuned.change == pytest.approx(tuned.estimate - base.estimate)
    assert tuned.change_low is not None and tuned.change_low < 0.1 < (tuned.change_high or 0)
    assert tuned.p is not None and tuned.p < 0.001
    assert (base.change, base.p) == (None, None)
    assert (tuned.n, tuned.languages, tuned.chance) == (56, 8, pytest.approx(0.05))


def test_planted_relations_with_scores_are_found_and_others_are_not(planted: AlignedGrid) -> None:
    lines = parallel_lines(planted.store, "g")
    models = aligned_models(planted.store, "g", lines, Pooling.MEAN)
    question = ScoreQuestion("g", "bleu")
    found = {
        (each.model, each.of, each.scope, each.layer): each
        for each in score_findings(planted.store, question, models, CENTRED, permutations=500)
    }
    for key in (("base", "score", "all", 1), ("tuned", "score", "all", 1), ("tuned", "gain", "all", 1)):
        assert found[key].estimate == pytest.approx(1) and found[key].p < 0.01, key
        assert (found[key].n, found[key].languages) == (56, 8)
    for key in (("base", "score", "all", 0), ("tuned", "score", "all", 0), ("tuned", "gain", "all", 0)):
        assert abs(found[key].estimate) < 0.4 and found[key].p > 0.02, key
    tuned = next(model for model in models if model.name == "tuned")
    graph = planted.store.models.get("model1-tuned").graph
    both = [pair for pair in planted.pairs if graph.partition(pair) == "unseen_both"]
    own, scores = tuned.values(0, CENTRED), {pair: tuned.values(1, CENTRED)[pair] for pair in both}
    expected = spearmanr([own[pair] for pair in both], [scores[pair] for pair in both]).statistic
    assert found["tuned", "score", "unseen_both", 0].estimate == pytest.approx(expected)
    assert found["tuned", "score", "unseen_both", 0].n == len(both)
    assert not any(each.scope == "seen" for each in found.values()), "three languages are too few"


def test_the_report_has_tables_figures_and_choices(planted: AlignedGrid) -> None:
    report = ANALYSES["align"].report(planted.store, {"grid": "g", "measure": "cka"})
    names = [table.name for table in report.captioned]
    assert names == ["layers", "changes", "scores", "scores_by_layer", "pairs"]
    assert {(row["model"], row["layer"]) for row in report.tables[2].rows} <= {("base", 0), ("base", 1), ("tuned", 1)}
    assert len(report.tables[3].rows) > len(report.tables[2].rows)
    assert "20 sentences in 8 languages" in report.about[0] and "56 directed pairs" in report.about[0]
    by_name = {table.name: table for table in report.tables}
    assert len(by_name["layers"].rows) == 4 and len(by_name["pairs"].rows) == 4 * 56
    assert by_name["layers"].rows[0]["mutual_knn_chance"] == pytest.approx(10 / 19)
    assert [drawing.name for drawing in report.drawings] == ["layers", "heatmap", "scatter"]
    for drawing in report.drawings:
        assert drawing.data in by_name and drawing.alt.endswith(".")
        for form in (FigureForm.SVG, FigureForm.PDF):
            content = figure_bytes(drawing.draw, form)
            assert content == figure_bytes(drawing.draw, form)
    assert {choice.name: choice.value for choice in report.choices}["measure"] == "cka"
    for form in Form:
        assert render(report.captioned, form) == render(
            ANALYSES["align"].report(planted.store, {"grid": "g", "measure": "cka"}).captioned, form
        )


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_has_a_report(planted: AlignedGrid, measure: str) -> None:
    lines = parallel_lines(planted.store, "g")
    choice = AlignmentChoice(measure=measure, permutations=100, models=("tuned",), layers=(1,))
    report = alignment_report(planted.store, ScoreQuestion("g", "bleu"), lines, choice)
    rows = {table.name: table.rows for table in report.tables}
    assert {(row["model"], row["layer"]) for row in rows["changes"]} == {("base", 1), ("tuned", 1)}
    sign = 1 if MEASURES[measure].higher_is_better else -1
    ((tuned,),) = ([row for row in rows["scores"] if row["scope"] == "all" and row["of"] == "gain"],)
    assert tuned["estimate"] == pytest.approx(sign)


def test_wrong_input_is_a_sentence_with_the_remedy(planted: AlignedGrid) -> None:
    store, lines = planted.store, parallel_lines(planted.store, "g")
    with pytest.raises(StoreError, match=r"No alignment of the grid g .* `dragoman align g` does it"):
        alignment_report(store, ScoreQuestion("g", "bleu"), lines, AlignmentChoice(layers=(9,)))
    with pytest.raises(StoreError, match=r"no measure 'cca'.*cka"):
        ANALYSES["align"].report(store, {"grid": "g", "measure": "cca"})
    with pytest.raises(StoreError, match="no pooling 'max'"):
        ANALYSES["align"].report(store, {"grid": "g", "pooling": "max"})
    with pytest.raises(StoreError, match="no grid 'h'"):
        parallel_lines(store, "h")
    with pytest.raises(StoreError, match="has no language 'ta'"):
        parallel_lines(store, "g", languages=["ta"])
    with pytest.raises(StoreError, match=r"test lines in 1 of the languages: alignment takes two"):
        parallel_lines(store, "g", languages=["de"])


def test_a_test_set_that_is_not_multi_parallel_is_refused(planted: AlignedGrid) -> None:
    with planted.store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE test_keys SET corpus_rows = NULL")
    with pytest.raises(StoreError, match=r"g is not multi-parallel.*such as .*evaluate on FLORES"):
        parallel_lines(planted.store, "g")


def test_lines_are_those_that_all_languages_have(planted: AlignedGrid) -> None:
    store = planted.store
    lines = parallel_lines(store, "g")
    assert list(lines.texts) == list(LANGUAGES) and lines.count == 20
    assert lines.texts["fi"][3] == "fi 3"
    assert list(parallel_lines(store, "g", languages=["fr", "deu"]).texts) == ["de", "fr"]
    with store.database.writing() as connection:  # rows that other pairs do not have
        connection.exec_driver_sql("DELETE FROM test_keys WHERE rowid > 1")
    with pytest.raises(StoreError, match="not multi-parallel"):
        parallel_lines(store, "g")


def test_an_alignment_is_stored_once_and_goes_with_its_model(planted: AlignedGrid) -> None:
    store = planted.store
    before = aligned_models(store, "g", parallel_lines(store, "g"), Pooling.MEAN)[1].records[1][Pair("de", "en")]
    store.alignment.add([before.model_copy(update={"retrieval": 0.9})])
    (after,) = store.alignment.read([before.of])
    assert after == before, "what is there stays as it is"
    from dragoman.store.maintenance.deletion import delete_grid

    delete_grid(store, "g")
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM alignment").scalar() == 0
