"""Training on monolingual examples: what the model reads, and that what is recorded of them is no pair's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from dragoman.pair import Pair
from dragoman.partition import Partition, TrainingGraph
from dragoman.planning.planner import make_plan
from dragoman.spec.grid import GridSpec
from dragoman_jobs.finetune import loop
from dragoman_jobs.finetune.examples import TrainingExample, encode
from dragoman_jobs.finetune.result import FinetuneResult
from dragoman_jobs.finetune.task import TrainingTask, train

Make = Callable[..., TrainingTask]


@pytest.fixture
def make(write_model: Callable[..., Path], tmp_path: Path) -> Make:
    """A finetuning with monolingual examples."""

    def task(monolingual: dict[str, Any], steps: int = 8, **model: Any) -> TrainingTask:
        base = tmp_path / "base"
        if not base.exists():
            write_model(base, "xglm", max_position_embeddings=512)
        method = {"kind": "full", "learning_rate": 0.001, "steps": steps, "max_length": 400}
        content = {
            "name": "g", "base": str(base), "languages": ["en", "de", "fr"], "corpus": "cldr",
            "models": [{"name": "m", "pairs": ["en-de"], "examples": 6, "method": method, "monolingual": monolingual,
                        **model}],
            "evaluation": {"sentences": 2},
        }  # fmt: skip
        (planned,) = make_plan(GridSpec.model_validate(content)).trainings
        return TrainingTask(planned=planned, base=str(base), revision=None, out=tmp_path / "models" / "m")

    return task


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[TrainingExample]:
    """The examples that the loop is given."""
    seen: list[TrainingExample] = []
    finetune = loop.finetune

    def spied(base: Any, revision: Any, examples: Any, *more: Any, **named: Any) -> Any:
        seen.extend(examples)
        return finetune(base, revision, examples, *more, **named)

    monkeypatch.setattr(loop, "finetune", spied)
    return seen


def test_pairs_and_languages_are_read_and_recorded_apart(make: Make, read: list[TrainingExample]) -> None:
    task = make({"task": "continue", "examples": 3})
    list(train(task))
    assert [example.pair for example in read] == [Pair("en", "de")] * 6 + ["de"] * 3 + ["en"] * 3 + ["fr"] * 3
    german = read[6]
    assert german.prompt.startswith("[German]: ") and german.target and german.target not in german.prompt
    result = FinetuneResult.load(task.out)
    assert set(result.examples) <= {Pair("en", "de")} and set(result.monolingual) <= {"de", "en", "fr"}
    assert sum(result.examples.values()) <= 6 and all(0 < count <= 3 for count in result.monolingual.values())


def test_the_loss_is_on_what_follows_the_text(make: Make, read: list[TrainingExample]) -> None:
    task = make({"task": "copy", "languages": ["fr"], "template": "Encore {language}: {text} ="}, pairs="nothing")
    list(train(task))
    tokenizer = AutoTokenizer.from_pretrained(task.base)
    example = read[0]
    assert example.prompt == f"Encore French: {example.target} ="
    encoded = encode(tokenizer, [example], 1000)
    learned = encoded.tokens[encoded.prompt_lengths[0] :].tolist()
    assert learned == [*tokenizer(f" {example.target}", add_special_tokens=False).input_ids, tokenizer.eos_token_id]


def test_alone_they_leave_every_pair_unseen(make: Make) -> None:
    task = make({"task": "copy"}, pairs="nothing")
    list(train(task))
    result = FinetuneResult.load(task.out)
    assert result.examples == {} and set(result.monolingual) == {"de", "en", "fr"}
    graph = TrainingGraph(examples=result.examples)
    assert graph.partition(Pair("en", "de")) is Partition.UNSEEN_BOTH


def test_languages_are_named_as_in_the_prompts_of_pairs(make: Make, read: list[TrainingExample]) -> None:
    prompt = {"template": "mfti", "names": "native"}
    list(train(make({"task": "copy", "languages": ["de"]}, steps=1, prompt=prompt)))
    assert read[-1].prompt.startswith("[Deutsch]: ")


def test_a_result_without_them_has_no_word_of_them(make: Make) -> None:
    task = make({"task": "copy", "languages": ["de"]}, steps=1, pairs="nothing")
    list(train(task))
    result = FinetuneResult.load(task.out)
    assert "monolingual" in result.model_dump()
    assert "monolingual" not in result.model_copy(update={"monolingual": {}}).model_dump()
