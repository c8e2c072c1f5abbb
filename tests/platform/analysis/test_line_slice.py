"""Scores of a slice are those of its lines scored alone: of every metric, to the last digit, in every analysis.

The oracle is a grid that has only the chosen lines, scored by sacreBLEU and the detector from their text.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF
from tests.platform.metrics.test_spbleu import train_tokenizer

from dragoman.analysis import grid_copy, line_slice
from dragoman.analysis.caption import caption_of
from dragoman.analysis.comparison import compare, scope_differences
from dragoman.analysis.pair_differences import differing_pairs, regressions
from dragoman.analysis.pair_scores import pair_columns, pair_scores, version
from dragoman.analysis.partition_gap import partition_gap
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.ranking import best_models
from dragoman.analysis.recipe_comparison import compare_recipes
from dragoman.analysis.run_table import runs
from dragoman.analysis.score_query import Selection
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.seeds import over_seeds
from dragoman.analysis.system_ranking import rank
from dragoman.analysis.units import Unit
from dragoman.cell import CellState
from dragoman.errors import DragomanError, StoreError
from dragoman.identity import hash_lines
from dragoman.metrics.resampling import confidence_interval
from dragoman.metrics.sacrebleu import Bleu
from dragoman.metrics.scoring import score
from dragoman.metrics.serialization import unpack
from dragoman.metrics.significance import Test
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.segment import Located, Segment
from dragoman.store.line_keys import LineKeys
from dragoman.store.line_labels import Labels, labels_of
from dragoman.store.records import ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, random_score

LANGUAGES = ("de", "en", "fr")
PAIRS = all_pairs(LANGUAGES)
METRICS = ("bleu", "chrf++", "spbleu", "off_target")
N = 40
WORDS = {
    "de": [
        "der",
        "Hund",
        "und",
        "die",
        "Katze",
        "sahen",
        "am",
        "alten",
        "Fluss",
        "einen",
        "großen",
        "Vogel",
        "fliegen",
    ],
    "en": ["the", "dog", "and", "the", "cat", "saw", "by", "the", "old", "river", "a", "great", "bird", "flying"],
    "fr": ["le", "chien", "et", "le", "chat", "virent", "au", "vieux", "fleuve", "un", "grand", "oiseau", "voler"],
}
DOMAINS = ("news", "news", "chat", "speech, formal")
ORIGINS = ("de", "en", "fr", "")


def sentence(tag: str, row: int) -> str:
    draw = random.Random(f"{tag} {row}")
    return " ".join(draw.choice(WORDS[tag]) for _ in range(draw.randint(5, 12))) + f" {row}."


def line(pair: Pair, row: int) -> Located:
    segment = Segment(sentence(pair.source, row), sentence(pair.target, row))
    labels = {"domain": DOMAINS[row % 4], "original": ORIGINS[row // 10]}
    if pair == Pair("fr", "de"):
        labels["domain"] = "chat"  # a pair without news
    return Located(segment, row, f"d{row // 5}", tuple(labels.items()))


def hypothesis(model: str, pair: Pair, row: int) -> str:
    draw, kept = random.Random(f"{model} {pair} {row}"), {"base": 0.5, "a-seed1": 0.7, "a-seed2": 0.72, "b": 0.75}
    if draw.random() < 0.1:
        return sentence(pair.source, row)  # off-target
    words = sentence(pair.target, row).split()
    return " ".join(word if draw.random() < kept[model] else draw.choice(WORDS[pair.target]) for word in words)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A tokeniser in the place of that of FLORES-200, which would have to be fetched."""
    folder = tmp_path_factory.mktemp("sacrebleu")
    (folder / "models").mkdir()
    (folder / "models" / "flores200sacrebleuspm").write_bytes(train_tokenizer())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sacrebleu.utils.SACREBLEU_DIR", str(folder))
        patch.setattr("sacrebleu.tokenizers.tokenizer_spm.SACREBLEU_DIR", str(folder))
        yield


def made(folder: Path, keep: Callable[[Pair, Located], bool], *, labelled: bool = True) -> Store:
    """A store with a grid on the lines that are kept."""
    store = Store.open(f"sqlite:///{folder}/store.db", f"file://{folder}/blobs")
    lines = {pair: [each for row in range(N) if keep(pair, each := line(pair, row))] for pair in PAIRS}
    graph = TrainingGraph.of([Pair("de", "en"), Pair("en", "fr")])
    models = [
        ModelRecord(id="model-base", name="base", recipe={"model": "m"}),
        *(
            ModelRecord(
                id=f"model-{name}", name=name, parent="model-base", base="model-base", graph=graph,
                recipe={"of": name[0], "seed": seed}, seed=seed,
            )
            for name, seed in (("a-seed1", 1), ("a-seed2", 2), ("b", 3))
        ),
    ]  # fmt: skip
    grid = GridBuilder(
        store, models, PAIRS, name="g", metrics=METRICS, languages=LANGUAGES,
        lines={pair: [each.segment for each in its] for pair, its in lines.items()},
    ).add()  # fmt: skip
    for model in models:
        for pair, its in lines.items():
            if not its:
                continue
            rows = [each.row or 0 for each in its]
            texts = [hypothesis(model.name, pair, row) for row in rows]
            sources, targets = zip(*(each.segment for each in its), strict=True)
            found = score(METRICS, pair, LANGUAGES, sources, texts, targets)
            scores = [StoredScore.of(each) for each in found]
            grid.translate(grid.cell(model.id, pair), scores, hypotheses=[(text, "stop", 1) for text in texts])
    contents = {pair: hash_lines(text for each in its for text in each.segment) for pair, its in lines.items()}
    keys = {(pair, contents[pair]): LineKeys.of(pair, its) for pair, its in lines.items() if its}
    store.conditions.add_keys("test1-a", keys)
    if labelled:
        labels: dict[tuple[Pair, str], Labels] = {(pair, contents[pair]): labels_of(its) for pair, its in lines.items()}
        store.conditions.add_labels("test1-a", labels)
    return store


def of_domain(value: str) -> Callable[[Pair, Located], bool]:
    return lambda _, each: dict(each.labels)["domain"] == value


def of_side(side: int) -> Callable[[Pair, Located], bool]:
    return lambda pair, each: dict(each.labels)["original"] == pair[side]


FILTERS: dict[str, Callable[[Pair, Located], bool]] = {
    "domain=news": of_domain("news"),
    'domain="speech, formal"': of_domain("speech, formal"),
    "original=source": of_side(0),
    "original=target": of_side(1),
    "document=d1": lambda _, each: each.document == "d1",
    "original=en,domain=chat": lambda _, each: dict(each.labels) == {"domain": "chat", "original": "en"},
}


@pytest.fixture(scope="module")
def whole(cache: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = made(tmp_path_factory.mktemp("whole"), lambda *_: True)
    yield store
    store.close()


@pytest.fixture(scope="module", params=("domain=news", "original=source", "original=en,domain=chat"))
def sliced(
    request: pytest.FixtureRequest, cache: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Store]]:
    """A filter, and a store that has only its lines."""
    store = made(tmp_path_factory.mktemp("alone"), FILTERS[request.param])
    yield request.param, store
    store.close()


def asked(lines: str | None = None, metric: str = "bleu", **how: Any) -> ScoreQuestion:
    return ScoreQuestion("g", metric, lines=lines, **how)


@pytest.mark.parametrize("metric", METRICS)
def test_pairs_have_the_scores_of_their_lines_alone(whole: Store, sliced: tuple[str, Store], metric: str) -> None:
    lines, alone = sliced
    for model in ("base", "b"):
        ours = {each.pair: each for each in pair_scores(whole, asked(lines, metric), model=model)}
        theirs = {each.pair: each for each in pair_scores(alone, asked(None, metric), model=model)}
        scored = {pair for pair, each in theirs.items() if each.value is not None}
        assert scored and {pair for pair, each in ours.items() if each.value is not None} == scored
        for pair, each in ours.items():
            if pair in scored:
                assert each == theirs[pair]
            else:
                assert (each.state, each.value) == (CellState.UNSCORABLE, None)
                assert each.reason == f"no test line of this pair has {lines}"


@pytest.mark.parametrize("lines", FILTERS)
def test_scores_are_those_of_sacrebleu_on_the_lines(whole: Store, lines: str) -> None:
    """Computed by sacreBLEU's own classes, from the text."""
    judges = {"bleu": BLEU(), "chrf++": CHRF(word_order=2), "spbleu": BLEU(tokenize="flores200")}
    for metric, judge in judges.items():
        for each in pair_scores(whole, asked(lines, metric), model="b"):
            rows = [row for row in range(N) if FILTERS[lines](each.pair, line(each.pair, row))]
            if rows:
                texts = [hypothesis("b", each.pair, row) for row in rows]
                references = [[sentence(each.pair.target, row) for row in rows]]
                assert each.value == judge.corpus_score(texts, references).score


ANALYSES: dict[str, Callable[[Store, ScoreQuestion], Any]] = {
    "partition_table": lambda store, question: [
        row.model_copy(update={"pairs": row.done, "off_target_missed": None, "off_target_undecided": None})
        for model in ("base", "b")
        for row in partition_table(store, question, model=model)
        if row.done
    ],
    "partition_gap": lambda store, question: _without_planned(
        partition_gap(store, question, model="b", better="seen", worse="unseen")
    ),
    "scope_differences": lambda store, question: _scopes(scope_differences(store, question, a="base", b="b")),
    "compare": lambda store, question: _compared(compare(store, question, a="base", b="b", samples=200)),
    "compare_documents": lambda store, question: _compared(
        compare(store, question, a="base", b="b", samples=200, unit=Unit.DOCUMENT)
    ),
    "sacrebleu": lambda store, question: _compared(
        compare(store, question, a="base", b="b", test=Test.SACREBLEU_BS, samples=200)
    ),
    "recipes": lambda store, question: [
        (row.scope, row.delta, row.low, row.high, row.p_value, row.adjusted)
        for row in compare_recipes(store, question, a="base", b="a").pairs
    ],
    "rank": lambda store, question: [
        (found.systems, found.differences, found.units) for found in [rank(store, question, samples=200)]
    ],
    "over_seeds": lambda store, question: [
        row.model_copy(update={"pairs": row.done}) for row in over_seeds(store, question)
    ],
    "best_models": lambda store, question: [(row.target, row.model, row.mean) for row in best_models(store, question)],
    "regressions": lambda store, question: regressions(store, question, a="b", b="base"),
    "differing_pairs": lambda store, question: differing_pairs(store, question, a="base", b="b", alpha=0.5),
    "query": lambda store, question: [
        group.model_copy(update={"pairs": group.done})
        for group in Selection(store, question).by("model", "target").against("base")
        if group.done
    ],
    "micro": lambda store, question: [
        (row.scope, row.mean, row.low, row.gain, row.gain_low)
        for row in partition_table(store, replace(question, micro=True), model="b")
    ],
    "caption": lambda store, question: (
        caption_of(store, question).sentences_least, caption_of(store, question).sentences_most,
        caption_of(store, question).signatures,
    ),
}  # fmt: skip


def _without_planned(gap: Any) -> Any:
    return gap and gap.model_copy(update={"pairs": 0, "other_pairs": 0})


def _scopes(scopes: Any) -> Any:
    return [scope.model_copy(update={"pairs": scope.done}) for scope in scopes if scope.done]


def _compared(found: Any) -> Any:
    return found.pairs, _scopes(found.scopes), found.samples, found.basis


@pytest.mark.parametrize("name", ANALYSES)
def test_every_analysis_of_a_slice_is_that_of_a_grid_on_its_lines(
    whole: Store, sliced: tuple[str, Store], name: str
) -> None:
    lines, alone = sliced
    answer = ANALYSES[name]
    assert answer(whole, asked(lines)) == answer(alone, asked())


def test_pages_read_the_same_of_a_slice(whole: Store) -> None:
    question = asked("domain=news")
    columns = pair_columns(whole, question, model="b")
    values = {each.pair: each.value for each in pair_scores(whole, question, model="b")}
    for pair, value in zip(columns.pairs, columns.own.values.tolist(), strict=True):
        assert value == values[pair] or (values[pair] is None and value != value)
    assert [run.model for run in runs(whole, question)] == ["base", "a-seed1", "a-seed2", "b"]
    assert version(whole, question, model="b") != version(whole, asked(), model="b")


def test_a_slice_is_made_once_and_anew_when_labels_change(cache: None, tmp_path: Path) -> None:
    store, question = made(tmp_path, lambda *_: True), asked("domain=news")
    before = {each.pair: each.value for each in pair_scores(store, question, model="b")}
    made_before = line_slice._content.cache_info().misses
    moment = version(store, question, model="b")
    pair_scores(store, question, model="base")
    assert line_slice._content.cache_info().misses == made_before
    ids = [record.cell.id for record in store.cells.of_grid("g")]
    pair = Pair("en", "de")
    content = hash_lines(text for row in range(N) for text in line(pair, row).segment)
    store.conditions.add_labels("test1-a", {(pair, content): {"domain": ["news"] * N}})
    after = {each.pair: each.value for each in pair_scores(store, question, model="b")}
    assert {pair for pair in PAIRS if after[pair] != before[pair]} == {pair}
    assert after[pair] == next(each.value for each in pair_scores(store, asked(), model="b") if each.pair == pair)
    assert version(store, question, model="b") != moment
    assert [record.cell.id for record in store.cells.of_grid("g")] == ids
    store.close()


def test_labels_change_no_other_answer(whole: Store, cache: None, tmp_path: Path) -> None:
    without = made(tmp_path, lambda *_: True, labelled=False)
    assert [record.cell.id for record in without.cells.of_grid("g")] == [
        record.cell.id for record in whole.cells.of_grid("g")
    ]
    assert pair_scores(without, asked(), model="b") == pair_scores(whole, asked(), model="b")
    with pytest.raises(StoreError, match=r"The test lines of 'g' have no labels.*`labels` of the corpus"):
        pair_scores(without, asked("domain=news"), model="b")
    without.close()


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("domian=news", "The test lines of 'g' have no label 'domian'; did you mean 'domain'?"),
        ("domain=newz", "No test line of 'g' has domain=newz; did you mean 'news'?"),
        ("original=ja", "No test line of 'g' has original=ja; use one of: de, en, fr"),
        ("domain=news,document=d99", "No test line of 'g' has document=d99; use one of: d0, d1"),
        ("domain=news,domain=chat", "No line of the test set of g has domain=news,domain=chat."),
        ("news", "'news' chooses no lines: write LABEL=VALUE"),
        ("", "'' chooses no lines: write LABEL=VALUE"),
    ],
)
def test_what_is_not_there_is_a_sentence(whole: Store, lines: str, sentence: str) -> None:
    with pytest.raises(DragomanError) as refused:
        pair_scores(whole, asked(lines), model="b")
    assert str(refused.value).startswith(sentence) and refused.value.exit_code == 2


def test_a_language_is_known_by_any_of_its_names(whole: Store) -> None:
    assert pair_scores(whole, asked("original=eng_Latn"), model="b")[0].value == (
        pair_scores(whole, asked("original=en"), model="b")[0].value
    )


def test_large_grids_have_no_slices(whole: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    line_slice._content.cache_clear()
    monkeypatch.setattr(grid_copy, "MOST_PAIRS", 5)
    with pytest.raises(StoreError, match="up to 5 pairs, and this grid has 6"):
        pair_scores(whole, asked("domain=news"), model="b")
    monkeypatch.undo()
    monkeypatch.setattr(grid_copy, "MOST_SCORES", 47)
    with pytest.raises(StoreError, match="up to 47 scores, and this grid has 48"):
        pair_scores(whole, asked("domain=news"), model="b")


def test_a_question_about_some_lines_is_never_answered_from_all(whole: Store) -> None:
    from dragoman.analysis.score_slice import Slice

    with whole.database.reading() as connection, pytest.raises(RuntimeError, match="the scores of other lines"):
        Slice.of(connection, asked("domain=news"))


def test_a_slice_is_the_same_on_either_database(store: Store) -> None:
    """By hand: the rows of the chosen lines are summed, and the metric makes a score of the sum."""
    models = [ModelRecord(id=f"model-{name}", name=name, recipe={"of": name}) for name in ("base", "b")]
    grid = GridBuilder(store, models, PAIRS, name="g", segments=N).add()
    held = {pair: np.array([(row + number) % 3 == 0 for row in range(N)]) for number, pair in enumerate(PAIRS)}
    expected = {}
    for record in grid.cells:
        pair = record.cell.pair
        made_up = random_score("bleu", record.cell.model, pair, segments=N, quality=0.6, signature="tok:13a")
        grid.translate(record.cell, [made_up], segments=N)
        chosen = unpack(made_up.statistics or b"")[held[pair]]
        expected[record.cell.model, pair] = (Bleu(pair).score(chosen), *confidence_interval(Bleu(pair), chosen))
    labels = {
        (record.cell.pair, record.cell.content): {"domain": ["news" if it else "" for it in held[record.cell.pair]]}
        for record in grid.cells
    }
    store.conditions.add_labels("test1-a", labels)
    for model in models:
        for each in pair_scores(store, asked("domain=news"), model=model.name):
            assert (each.value, each.low, each.high) == expected[model.id, each.pair]
