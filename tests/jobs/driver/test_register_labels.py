"""Labels from a corpus to the slices of a grid: no id depends on them, and the newest win."""

import logging
import random
from pathlib import Path
from typing import Any

import pytest
import sacrebleu.utils
from sacrebleu.metrics import BLEU
from tests.jobs.local_driver import plan_of

from dragoman.analysis.caption import caption_of
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.metrics.scoring import score
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.store.records import CellOutcome, StoredScore, Translation
from dragoman.store.store import Store
from dragoman_jobs.driver.register_plan import register

PAIRS = (Pair("en", "de"), Pair("de", "en"))
N = 24
WORDS = {
    "en": ["the", "old", "dog", "saw", "a", "bird", "by", "the", "river"],
    "de": ["der", "alte", "Hund", "sah", "einen", "Vogel", "am", "Fluss"],
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path}/store.db", f"file://{tmp_path}/blobs")


def table_plan(tmp_path: Path, domain: str, **options: Any) -> Plan:
    """A grid that is trained and tested on tables with a column of domains."""
    for split in ("train", "test"):
        rows = [f"{split} {row} one\t{split} {row} eins\t{domain if row % 2 else 'chat'}\n" for row in range(10)]
        (tmp_path / f"{split}.tsv").write_text("en\tde\tdomain\n" + "".join(rows))
    corpus = {"kind": "tsv", "path": f"{tmp_path}/{{split}}.tsv", **options}
    models = [
        {"name": "one", "pairs": ["de-en"], "examples": 2,
         "method": {"kind": "full", "learning_rate": 0.1, "steps": 2}},
    ]  # fmt: skip
    return plan_of(
        tmp_path, corpus=corpus, languages=["en", "de"], models=models,
        prompt={"template": "{source}", "shots": 2, "demonstrations": {"corpus": corpus, "split": "train"}},
        evaluation={"metrics": ["bleu"], "engine": "transformers"},
    )  # fmt: skip


def test_no_id_depends_on_labels_and_the_newest_win(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    plain, labelled = table_plan(tmp_path, "news"), table_plan(tmp_path, "news", labels=["domain"])
    assert labelled.test_set.id == plain.test_set.id
    assert [cell.id for cell in labelled.cells()] == [cell.id for cell in plain.cells()]
    assert [each.identity.id for each in labelled.trainings] == [each.identity.id for each in plain.trainings]
    assert [prompt.id for prompt in labelled.prompts] == [prompt.id for prompt in plain.prompts]
    register(plain, store)
    assert store.conditions.labels_of_grid("grid") == {}
    register(labelled, store)
    assert {its["domain"] for its in store.conditions.labels_of_grid("grid").values()} == {("chat", "news") * 5}
    before = [record.cell.id for record in store.cells.of_grid("grid")]
    with caplog.at_level(logging.WARNING):
        register(table_plan(tmp_path, "speech", labels=["domain"]), store)
    assert "The label domain of the lines of 2 test texts has changed: slices go by the new one." in caplog.messages
    assert {its["domain"] for its in store.conditions.labels_of_grid("grid").values()} == {("chat", "speech") * 5}
    register(plain, store)
    assert {its["domain"] for its in store.conditions.labels_of_grid("grid").values()} == {("chat", "speech") * 5}
    assert set(before) <= {record.cell.id for record in store.cells.of_grid("grid")}


def sentence(tag: str, row: int) -> str:
    draw = random.Random(f"{tag} {row}")
    return " ".join(draw.choice(WORDS[tag]) for _ in range(8))


def test_source_original_and_target_original_lines_of_a_wmt_set(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held to sacreBLEU on the lines that `sacrebleu --origlang` keeps."""
    monkeypatch.setattr(sacrebleu.utils, "SACREBLEU_DIR", str(tmp_path))
    origins = ["en"] * 10 + ["de"] * 8 + ["cs"] * 6
    folder = tmp_path / "wmt18"
    folder.mkdir()
    for pair in PAIRS:
        for field, lines in (
            ("src", [sentence(pair.source, row) for row in range(N)]),
            ("ref", [sentence(pair.target, row) for row in range(N)]),
            ("origlang", origins),
        ):
            (folder / f"wmt18.{pair}.{field}").write_text("".join(line + "\n" for line in lines))
    plan = plan_of(
        tmp_path, models=[], languages=["en", "de"], corpus={"kind": "sacrebleu", "test": "wmt18"},
        evaluation={"metrics": ["bleu"], "engine": "transformers"},
    )  # fmt: skip
    register(plan, store)
    hypotheses = {pair: [sentence(pair.target, row)[: 14 + row] for row in range(N)] for pair in PAIRS}
    for record in store.cells.of_grid("grid"):
        pair, texts = record.cell.pair, hypotheses[record.cell.pair]
        sources, references = store.blobs.test(str(record.test))
        found = [StoredScore.of(each) for each in score(["bleu"], pair, ("de", "en"), sources, texts, references)]
        translation = Translation(
            cell_id=record.cell.id, hypotheses=store.blobs.put_translation([(text, "stop", 1) for text in texts]),
            segments=N, tokens=N, cut=0, engine="test", seconds=1.0, worker="w",
        )  # fmt: skip
        store.cells.advance(translated=[CellOutcome(translation=translation, scores=tuple(found))])
    for word, languages in {"source": 0, "target": 1, "other": None}.items():
        question = ScoreQuestion("grid", "bleu", lines=f"original={word}")
        for each in pair_scores(store, question, model="base"):
            wanted = "cs" if languages is None else each.pair[languages]
            rows = [row for row in range(N) if origins[row] == wanted]
            references = [[sentence(each.pair.target, row) for row in rows]]
            alone = BLEU().corpus_score([hypotheses[each.pair][row] for row in rows], references)
            assert each.value == alone.score
    caption = caption_of(store, ScoreQuestion("grid", "bleu", lines="original=source"))
    assert (caption.sentences_least, caption.sentences_most, caption.lines) == (8, 10, "original=source")
    assert str(caption.warning).startswith("With 8 lines bleu hangs on single sentences")
