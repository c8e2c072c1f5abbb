"""A grid of two test sets, some of whose lines have several references or labels, with a system that is quoted."""

from pathlib import Path

from tests.platform.sharing.conftest import LINES, sentence, translation

from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.planning.quoted_systems import add_scores, baseline_with_scores
from dragoman.segment import Located, Segment
from dragoman.store.line_keys import LineKeys
from dragoman.store.line_labels import labels_of
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import ModelRecord, TestSetRecord
from dragoman.store.store import Store
from dragoman.testing.grid_builder import GridBuilder

NEWS, TALKS = "news", "talks"
METRICS = ("bleu", "chrf++")
DE_EN, EN_DE, EN_FR = Pair("de", "en"), Pair("en", "de"), Pair("en", "fr")
PAIRS = {NEWS: [DE_EN, EN_DE, EN_FR], TALKS: [DE_EN, EN_DE]}
FURTHER = {DE_EN: [(), *[(sentence("en", 50 + number),) for number in range(LINES - 2)], ("a dog barks", "the dog")]}
"""Further references of the news: of one line none, of one two."""
DOMAINS = ["politics"] * 3 + ["sports"] * (LINES - 4) + [""]
QUOTED = "Doe et al. 2026, table 5"


def located(test_set: str, pair: Pair) -> list[Located]:
    """The lines of a pair: on the talks other sentences than in the news."""
    first = 0 if test_set == NEWS else 20
    further = FURTHER.get(pair, [()] * LINES) if test_set == NEWS else [()] * LINES
    return [
        Located(
            Segment(*(sentence(tag, first + number) for tag in pair)), number, f"doc {number // 3}",
            (("domain", DOMAINS[number]),) if test_set == NEWS else (), further[number],
        )
        for number in range(LINES)
    ]  # fmt: skip


def build(store: Store, folder: Path, name: str = "several") -> None:
    """Write the grid into a store, and the table of quoted scores into a folder."""
    base = ModelRecord(id="model1-base", name="xglm", recipe={"model": "x"}, graph=TrainingGraph())
    tuned = ModelRecord(
        id="model1-a", name="a", parent=base.id, base=base.id, recipe={"a": 1}, graph=TrainingGraph.of([DE_EN], 10)
    )
    parts = {}
    for test_set, pairs in PAIRS.items():
        # on the hub the two are one data set: only what is taken of it differs
        record = TestSetRecord(id=f"test1-{test_set}", corpus="tsv", revision="r1", split="test", sentences=LINES)
        lines = {pair: [line.segment for line in located(test_set, pair)] for pair in pairs}
        parts[test_set] = GridBuilder(
            store, [base, tuned], pairs, name=name, metrics=METRICS, languages=["de", "en", "fr"], lines=lines,
            further=FURTHER if test_set == NEWS else None, test_set=record,
        )  # fmt: skip
        parts[test_set].add()
    first = parts[NEWS]
    named = {part.test_set.id: test_set for test_set, part in parts.items()}
    store.grids.add(
        first.grid.model_copy(update={"test_sets": named}), [cell for part in parts.values() for cell in part.cells]
    )
    names = {"model1-base": "base", "model1-a": "a"}
    for test_set, part in parts.items():
        for cell in (record.cell for record in part.cells):
            shift = 0 if test_set == NEWS else 20
            texts = [translation(cell.pair.target, shift + number, names[cell.model]) for number in range(LINES)]
            part.translate(cell, [], hypotheses=[(text, "stop", 3) for text in texts])
        texts_of = {(each.cell.pair, each.cell.content): located(test_set, each.cell.pair) for each in part.cells}
        keys = {key: LineKeys.of(key[0], lines) for key, lines in texts_of.items()}
        store.conditions.add_keys(part.test_set.id, keys)
        if test_set == NEWS:
            store.conditions.add_labels(part.test_set.id, {key: labels_of(its) for key, its in texts_of.items()})
    rescore(store, name, METRICS)
    table = folder / "table.csv"
    table.write_text("lp,metric,score\nde-en,chrF++,61.5\nen-de,chrF++,48.25\nde-en,BLEU,34.1\n")
    choice = {"path": str(table), "cite": QUOTED, "signature": "sacrebleu 13a"}
    add_scores(store, name, baseline_with_scores("paper", choice, "unknown"))
