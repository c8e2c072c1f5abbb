"""From a reference to its score: an answer that is the reference letter for letter is scored as such."""

from pathlib import Path
from typing import Any

import pytest

from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman.spec.prompt import Prompt
from dragoman.store.blobs import BlobStore
from dragoman_jobs.engines.base import Hypothesis
from dragoman_jobs.engines.openai import OpenAIEngine
from dragoman_jobs.engines.selection import choose_engine
from dragoman_jobs.evaluation.worker import CellOutcome, CellTask, Lease, PreparedModel, Worker
from dragoman_jobs.models.checkpoint import Checkpoint

REFERENCES = [
    "fünf Euro und zehn Cent", "3. Mai\u20284. Mai", "NEL\x85hier", "FF\fhier", "VT\vhier", "FS\x1cGS\x1dRS\x1ehier",
    "Absatz\u2029hier", "Wagen\rRücklauf", "\ufeffBOM", "Tab\thier", "zwei\0Stunden", "\u200b", "Cafe\u0301",
]  # fmt: skip
"""What `str.splitlines` would cut, and what else is odd; none has a line break."""


def run(tmp_path: Path, references: list[str]) -> tuple[CellOutcome, list[str]]:
    """One cell of the endpoint that says the prompt backwards."""
    checkpoint, decoding = Checkpoint(id="m", model="openai/parrot"), Decoding(max_new_tokens=200)
    blobs = BlobStore(f"file://{tmp_path}/blobs")
    _, path = choose_engine("openai", checkpoint, decoding, tmp_path / "cache")
    task = CellTask(
        cell="c", pair=Pair("en", "de"), model=PreparedModel(model="m", engine="openai", path=path), decoding=decoding,
        prompt=Prompt(template="{source}"), test=blobs.put_test([text[::-1] for text in references], references),
        languages=("en", "de"), metrics=("bleu", "chrf", "ter"),
    )  # fmt: skip
    ((outcome,),) = Worker(blobs.url).run(Lease(tasks=(task,)))
    return outcome, [line.text for line in blobs.translation(outcome.translation.hypotheses)]


def test_answers_that_are_the_references_score_100(server: Any, tmp_path: Path) -> None:
    """sacreBLEU's `corpus_bleu(references, [references])` is 100; its TER of nothing to edit is 0."""
    outcome, texts = run(tmp_path, REFERENCES)
    assert texts == REFERENCES
    assert [score.value for score in outcome.scores] == pytest.approx([100, 100, 0])


def test_half_a_character_in_an_answer_breaks_no_run(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON may hold a lone surrogate (RFC 8259, section 8.2), such as of a text that was cut at so many units."""
    answers = [Hypothesis("fünf Euro \ud83d", "length", 3)]
    monkeypatch.setattr(OpenAIEngine, "translate", lambda *_: answers)
    outcome, texts = run(tmp_path, ["fünf Euro 😀"])
    assert texts == ["fünf Euro \ufffd"]
    assert outcome.translation.segments == 1
