"""What a finetuning reads of its prompts: examples and turns are shown, the loss is on the translation alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from dragoman.errors import ModelError
from dragoman.planning.planner import make_plan
from dragoman.spec.grid import GridSpec
from dragoman_jobs.finetune import loop
from dragoman_jobs.finetune.examples import TrainingExample, encode
from dragoman_jobs.finetune.result import FinetuneResult
from dragoman_jobs.finetune.task import TrainingTask, train

TEMPLATE = (
    "{% for message in messages %}<s>{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant:\n{% endif %}"
)

Tasks = Callable[..., TrainingTask]


@pytest.fixture
def make_task(write_model: Callable[..., Path], tmp_path: Path) -> Tasks:
    """A finetuning on a prompt; the base knows chats where it is told so."""

    def make(prompt: dict[str, Any], chats: bool = False, **method: Any) -> TrainingTask:
        base = write_model(tmp_path / "base", "xglm", max_position_embeddings=1024)
        if chats:
            tokenizer = AutoTokenizer.from_pretrained(base)
            tokenizer.chat_template = TEMPLATE
            tokenizer.save_pretrained(base)
        model = {
            "name": "small",
            "pairs": ["en-de"],
            "examples": 12,
            "prompt": prompt,
            "method": {"kind": "full", "learning_rate": 0.001, "steps": 6, "max_length": 1000, **method},
        }
        spec = GridSpec.model_validate(
            {
                "name": "g",
                "base": str(base),
                "languages": ["en", "de"],
                "corpus": {"kind": "cldr"},
                "models": [model],
                "evaluation": {"sentences": 2},
            }
        )
        (planned,) = make_plan(spec).trainings
        return TrainingTask(planned=planned, base=str(base), revision=None, out=tmp_path / "models" / "small")

    return make


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


def check_labels(task: TrainingTask, example: TrainingExample, expected: str) -> None:
    """See that the loss is on this text and on the end of the sentence."""
    tokenizer = AutoTokenizer.from_pretrained(task.base)
    encoded = encode(tokenizer, [example], 10_000)
    learned = encoded.tokens[encoded.prompt_lengths[0] :].tolist()
    assert learned == [*tokenizer(expected, add_special_tokens=False).input_ids, tokenizer.eos_token_id]


def test_examples_are_shown_and_only_the_target_is_learned(make_task: Tasks, read: list[TrainingExample]) -> None:
    task = make_task({"template": "mfti", "shots": 2})
    losses = [progress.loss for progress in train(task)]
    assert losses[-1] < losses[0]
    assert len(read) == 12
    for example in read:
        assert example.prompt.count("[English]:") == example.prompt.count("[German]:") == 3
        check_labels(task, example, f" {example.target}")
    shown = {example.prompt.rpartition("[English]:")[0] for example in read}
    assert len(shown) < len(read)  # one draw for all, but where it would give the answer away
    assert all(f"[German]: {example.target}\n" not in example.prompt for example in read)
    assert FinetuneResult.load(task.out).target_tokens > 0


def test_a_chat_is_written_by_the_models_template(make_task: Tasks, read: list[TrainingExample]) -> None:
    task = make_task({"template": "mfti", "chat": {"system": "Translate."}, "shots": 1}, chats=True)
    losses = [progress.loss for progress in train(task)]
    assert losses[-1] < losses[0]
    for example in read:
        roles = [line.removeprefix("<s>").partition(":")[0] for line in example.prompt.split("\n") if "<s>" in line]
        assert roles[0] == "system" and roles[-2:] == ["user", "assistant"]
        assert example.prompt.endswith("<s>assistant:\n")
        check_labels(task, example, example.target)  # the line feed is the template's: no space of ours


def test_a_chat_with_a_model_that_knows_none(make_task: Tasks) -> None:
    task = make_task({"template": "mfti", "chat": True})
    with pytest.raises(ModelError, match="has no chat template: take a model that is made for chats"):
        list(train(task))
    assert not task.out.parent.exists()


def test_half_precision_is_the_arithmetic_and_not_the_weights(make_task: Tasks) -> None:
    task = make_task({"template": "mfti"}, precision="bfloat16")
    half = [progress.loss for progress in train(task)]
    config = json.loads((task.out / "config.json").read_text())
    assert config["dtype"] == "float32"
    plain = make_task({"template": "mfti"})
    full = [progress.loss for progress in train(plain.model_copy(update={"out": task.out.with_name("full")}))]
    assert half == pytest.approx(full, rel=0.02)
    assert half != full
