"""The loop as its users see it: what it leaves behind, and that no kill can disturb it."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.spec.method import Full, Lora
from dragoman_jobs.finetune import trainer
from dragoman_jobs.finetune.examples import TrainingExample
from dragoman_jobs.finetune.loop import finetune
from dragoman_jobs.finetune.optimizer import learning_rate
from dragoman_jobs.finetune.result import FinetuneResult, Progress

Examples = Callable[[int], list[TrainingExample]]

FULL = Full(learning_rate=5e-3, steps=12, batch_tokens=128, warmup_steps=2, weight_decay=0.01)
LORA = Lora(kind="lora", learning_rate=1e-2, steps=12, batch_tokens=128, rank=4, alpha=8, dropout=0.1)

CHILD = """
import json, os, signal, sys
from pathlib import Path
from dragoman.pair import Pair
from dragoman.spec.method import Full, Lora
from dragoman_jobs.finetune.examples import TrainingExample
from dragoman_jobs.finetune.loop import finetune
base, examples, method, out, kill_at = json.loads(Path(sys.argv[1]).read_text())
examples = [TrainingExample(Pair(*pair), prompt, target) for pair, prompt, target in examples]
method = (Lora if method["kind"] == "lora" else Full).model_validate(method)
for progress in finetune(base, None, examples, method, 7, Path(out), checkpoint_every=5):
    if progress.step == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def run(base: Path, examples: list[TrainingExample], method: Full | Lora, out: Path, seed: int = 7) -> list[Progress]:
    return list(finetune(str(base), None, examples, method, seed, out, checkpoint_every=5))


def run_until_killed(
    base: Path, examples: list[TrainingExample], method: Full | Lora, out: Path, kill_at: int, order: Path
) -> None:
    order.write_text(json.dumps([str(base), examples, method.model_dump(mode="json"), str(out), kill_at]))
    child = subprocess.run([sys.executable, "-c", CHILD, str(order)], capture_output=True, text=True, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr


def weights(folder: Path) -> dict[str, torch.Tensor]:
    (path,) = folder.glob("*.safetensors")
    return load_file(path)


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture(scope="module")
def finished(base: Path, make_examples: Examples, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One undisturbed run of each method."""
    folder = tmp_path_factory.mktemp("finished")
    for method in (FULL, LORA):
        run(base, make_examples(40), method, folder / method.kind)
    return {method.kind: folder / method.kind for method in (FULL, LORA)}


@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
def test_a_killed_run_goes_on_to_the_same_weights(
    method: Full | Lora, base: Path, make_examples: Examples, finished: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "model"
    run_until_killed(base, make_examples(40), method, out, 8, tmp_path / "order.json")
    assert not out.exists()
    left = [path for path in (tmp_path / "model.partial").rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} == {"checkpoint-5"}
    assert {path.suffix for path in left} == {".safetensors", ".json"}

    resumed = run(base, make_examples(40), method, out)
    assert [progress.step for progress in resumed] == list(range(6, 13))
    assert same(weights(out), weights(finished[method.kind]))
    undisturbed = FinetuneResult.load(finished[method.kind])
    assert FinetuneResult.load(out).model_copy(update={"seconds": undisturbed.seconds}) == undisturbed
    assert not (tmp_path / "model.partial").exists()


def test_long_steps_have_checkpoints_by_the_clock(
    base: Path, make_examples: Examples, finished: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(trainer, "monotonic", lambda: now[0])
    out, seen = tmp_path / "model", []
    started = finetune(str(base), None, make_examples(40), LORA, 7, out, checkpoint_seconds=60)
    for progress in started:
        now[0] += 25
        seen.append(sorted(path.name for path in (tmp_path / "model.partial").glob("checkpoint-*")))
        if progress.step == 8:
            started.close()
            break
    assert seen == [[]] * 3 + [["checkpoint-4"]] * 3 + [["checkpoint-7"]] * 2
    assert [progress.step for progress in run(base, make_examples(40), LORA, out)] == list(range(8, 13))
    assert same(weights(out), weights(finished["lora"]))


def test_seconds_are_those_of_the_steps_alone(
    base: Path, make_examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those of checkpoints, nor of whoever takes the progress."""
    now, step, save = [0.0], trainer.Training._step, trainer.save_checkpoint

    def slow_step(*arguments: Any) -> float:
        now[0] += 2
        return step(*arguments)

    def slow_save(*arguments: Any) -> None:
        now[0] += 100
        save(*arguments)

    monkeypatch.setattr(trainer, "perf_counter", lambda: now[0])
    monkeypatch.setattr(trainer.Training, "_step", slow_step)
    monkeypatch.setattr(trainer, "save_checkpoint", slow_save)
    told = []
    for progress in finetune(str(base), None, make_examples(40), FULL, 7, tmp_path / "model", checkpoint_every=5):
        now[0] += 1000
        told.append(progress)
    result = FinetuneResult.load(tmp_path / "model")
    assert result.seconds == 2 * 12
    assert told[-1].tokens_per_second == result.target_tokens / result.seconds


def test_full_finetuning_leaves_a_model_anyone_can_load(base: Path, finished: dict[str, Path]) -> None:
    out = finished["full"]
    model = AutoModelForCausalLM.from_pretrained(out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert model(**tokenizer("[a]: eins [b]:", return_tensors="pt")).logits.shape[-1] == len(tokenizer)
    before = weights(base)
    assert {name for name, tensor in weights(out).items() if torch.equal(tensor, before[name])} == set()
    result = FinetuneResult.load(out)
    assert result.trained_parameters == result.parameters
    assert result.losses[-1].loss < result.losses[0].loss
    assert not out.with_name("full.partial").exists()


def test_lora_leaves_an_adapter_that_names_its_base(base: Path, finished: dict[str, Path]) -> None:
    out = finished["lora"]
    assert all("lora_" in name for name in weights(out))
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), out)
    assert model.peft_config["default"].base_model_name_or_path == str(base)
    tokens = AutoTokenizer.from_pretrained(out)("[a]: eins [b]:", return_tensors="pt")
    adapted = model(**tokens).logits
    with model.disable_adapter():
        assert not torch.equal(adapted, model(**tokens).logits)
    result = FinetuneResult.load(out)
    assert 0 < result.trained_parameters < result.parameters
    assert result.losses[-1].loss < result.losses[0].loss


def test_a_finished_run_is_not_run_again(base: Path, make_examples: Examples, finished: dict[str, Path]) -> None:
    out = finished["full"]
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert run(base, make_examples(40), FULL, out) == []
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_the_seed_decides_the_weights(
    base: Path, make_examples: Examples, finished: dict[str, Path], tmp_path: Path
) -> None:
    run(base, make_examples(40), LORA, tmp_path / "same", seed=7)
    run(base, make_examples(40), LORA, tmp_path / "other", seed=8)
    assert same(weights(tmp_path / "same"), weights(finished["lora"]))
    assert not same(weights(tmp_path / "other"), weights(finished["lora"]))


def test_progress_and_result_agree(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    told = run(base, make_examples(40), FULL, tmp_path / "model")
    result = FinetuneResult.load(tmp_path / "model")
    assert [tuple(point) for point in result.losses] == [(p.step, p.loss, p.learning_rate) for p in told]
    assert {progress.steps for progress in told} == {12}
    assert all(progress.tokens_per_second > 0 for progress in told)
    assert result.head_on_labels_only
    assert result.target_tokens > 12
    assert torch.get_num_threads() == 1


def test_the_result_counts_what_was_read(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    examples = make_examples(42)
    too_long = TrainingExample(Pair("de", "ru"), "[a]: " + "eins " * 80 + "[b]:", "раз")
    once = FULL.model_copy(update={"steps": 1})
    run(base, [*examples, too_long], once, tmp_path / "one-step")
    read = FinetuneResult.load(tmp_path / "one-step")
    assert 0 < sum(read.examples.values()) < 42
    assert read.skipped_too_long == 1

    run(base, [*examples, too_long], FULL.model_copy(update={"steps": 60}), tmp_path / "epochs")
    everything = FinetuneResult.load(tmp_path / "epochs").examples
    assert everything == Counter(example.pair for example in examples)  # every pair but the one that is too long


def test_another_runs_checkpoint_is_not_continued(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    started = finetune(str(base), None, make_examples(40), FULL, 7, tmp_path / "model", checkpoint_every=2)
    for progress in started:
        if progress.step == 3:
            started.close()
            break
    with pytest.raises(ModelError, match="checkpoint-2 belongs to a finetuning with other settings or examples"):
        run(base, make_examples(40), FULL, tmp_path / "model", seed=8)


def test_a_half_written_checkpoint_is_ignored(
    base: Path, make_examples: Examples, finished: dict[str, Path], tmp_path: Path
) -> None:
    half = tmp_path / "model.partial" / "checkpoint.partial"
    half.mkdir(parents=True)
    (half / "weights.safetensors").write_bytes(b"cut o")
    run(base, make_examples(40), LORA, tmp_path / "model")
    assert same(weights(tmp_path / "model"), weights(finished["lora"]))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("linear", [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]),
        ("cosine", [0.25, 0.5, 0.75, 1.0, 1.0, 0.853553, 0.5, 0.146447]),  # (1 + cos(π k / 4)) / 2
    ],
)
def test_schedules(schedule: str, expected: list[float]) -> None:
    method = Full(learning_rate=1.0, steps=8, warmup_steps=4, schedule=schedule)
    assert [learning_rate(method, step) for step in range(1, 9)] == pytest.approx(expected, abs=1e-6)


def test_a_warm_up_longer_than_the_run_only_rises() -> None:
    method = Full(learning_rate=1.0, steps=2, warmup_steps=4)
    assert [learning_rate(method, step) for step in (1, 2)] == [0.25, 0.5]


def test_a_loss_that_is_no_number_names_the_step(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    wild = Full(learning_rate=1.0, steps=400, batch_tokens=64, max_gradient_norm=1e30)
    model = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(1e30)
    model.save_pretrained(tmp_path / "wild")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "wild")
    with pytest.raises(ModelError, match=r"of step 1 of 400 is not a number .*lower learning_rate"):
        run(tmp_path / "wild", make_examples(20), wild, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_no_such_model(make_examples: Examples, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        run(tmp_path / "nowhere", make_examples(2), FULL, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == [".model.lock"]


def test_a_model_without_a_tokenizer(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    AutoModelForCausalLM.from_pretrained(base).save_pretrained(tmp_path / "mute")
    with pytest.raises(ModelError, match="no tokenizer"):
        run(tmp_path / "mute", make_examples(2), FULL, tmp_path / "model")


def test_a_model_without_safetensors(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(base)
    model.config.save_pretrained(tmp_path / "old")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "old")
    torch.save(model.state_dict(), tmp_path / "old" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="no weights in safetensors"):
        run(tmp_path / "old", make_examples(2), FULL, tmp_path / "model")


def test_a_module_that_is_not_in_the_model(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    method = LORA.model_copy(update={"modules": ("q_pro",)})
    with pytest.raises(ModelError, match=r"no module 'q_pro' to adapt: did you mean 'q_proj'\?"):
        run(base, make_examples(2), method, tmp_path / "model")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="A GPU was asked for and torch finds none"):
        list(finetune(str(base), None, make_examples(2), FULL, 7, tmp_path / "model", device="cuda"))
