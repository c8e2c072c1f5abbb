"""Which checkpoint is kept: the one that translates the dev split best, each partition counting alike."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file
from tests.fixtures.model_metric import Notes

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.spec.method import Full, Lora, Selection
from dragoman_jobs.finetune import trainer
from dragoman_jobs.finetune.checkpoint_selection import DevPair, DevSet, best, is_over
from dragoman_jobs.finetune.examples import TrainingExample
from dragoman_jobs.finetune.loop import finetune
from dragoman_jobs.finetune.result import DevScore, FinetuneResult, Progress

Examples = Callable[[int], list[TrainingExample]]

SELECTION = Selection(every=2, sentences=3, max_new_tokens=6)
FULL = Full(learning_rate=5e-3, steps=8, batch_tokens=128, selection=SELECTION)


def dev_pair(pair: Pair, partition: Partition) -> DevPair:
    return DevPair(pair, partition, ("[a]: eins zwei [b]:", "[a]: un [b]:"), ("eins zwei", "un"), ("zwei eins", "un"))


DEV = [
    dev_pair(Pair("de", "fr"), Partition.SEEN),
    dev_pair(Pair("fr", "de"), Partition.SEEN),
    dev_pair(Pair("de", "ru"), Partition.RECOMBINED),
]


def run(base: Path, examples: list[TrainingExample], method: Full | Lora, out: Path) -> list[Progress]:
    return list(finetune(str(base), None, examples, method, 7, out, checkpoint_every=3, dev=DEV))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    (path,) = folder.glob("*.safetensors")
    return load_file(path)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that find step 4 the best, whatever the translations are."""
    values = {2: 1.0, 4: 9.0, 6: 2.0, 8: 3.0}
    look = DevSet.look

    def scripted_look(self: DevSet, model: object, device: object, step: int) -> DevScore:
        real = look(self, model, device, step)
        return real._replace(value=values[step])

    monkeypatch.setattr(trainer.DevSet, "look", scripted_look)


def test_every_partition_counts_alike(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    told = run(base, make_examples(40), FULL, tmp_path / "model")
    result = FinetuneResult.load(tmp_path / "model")
    assert [look.step for look in result.dev] == [2, 4, 6, 8]
    assert [progress.dev for progress in told] == [each for look in result.dev for each in (None, look)]
    for look in result.dev:
        assert set(look.partitions) == {"seen", "recombined"}
        assert look.value == pytest.approx(sum(look.partitions.values()) / 2)
    assert result.chosen_step == best(result.dev).step


@pytest.mark.usefixtures("scripted")
def test_the_best_weights_are_kept(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    run(base, make_examples(40), FULL, tmp_path / "chosen")
    # the same steps, stopped at the best one: a constant rate does not know where the end is
    assert FinetuneResult.load(tmp_path / "chosen").chosen_step == 4
    at_four: dict[str, torch.Tensor] = {}
    for progress in finetune(
        str(base), None, make_examples(40), FULL, 7, tmp_path / "stopped", checkpoint_every=4, dev=DEV
    ):
        if progress.step == 5:
            at_four = weights(tmp_path / "stopped.partial" / "checkpoint-4")
            break
    kept = weights(tmp_path / "chosen")
    assert at_four
    assert all(torch.equal(kept[name], tensor) for name, tensor in at_four.items() if name in kept)


@pytest.mark.usefixtures("scripted")
def test_patience_ends_the_training(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    method = FULL.model_copy(update={"selection": SELECTION.model_copy(update={"patience": 1})})
    told = run(base, make_examples(40), method, tmp_path / "model")
    assert [progress.step for progress in told] == [1, 2, 3, 4, 5]
    result = FinetuneResult.load(tmp_path / "model")
    assert (result.chosen_step, [look.step for look in result.dev], len(result.losses)) == (4, [2, 4, 6], 6)


@pytest.mark.parametrize("method", [FULL, Lora(kind="lora", learning_rate=1e-2, steps=8, batch_tokens=128, rank=4,
                                               alpha=8, selection=SELECTION)], ids=["full", "lora"])  # fmt: skip
def test_a_run_that_was_interrupted_chooses_the_same(
    method: Full | Lora, base: Path, make_examples: Examples, tmp_path: Path
) -> None:
    run(base, make_examples(40), method, tmp_path / "whole")
    for progress in finetune(
        str(base), None, make_examples(40), method, 7, tmp_path / "broken", checkpoint_every=3, dev=DEV
    ):
        if progress.step == 5:
            break
    run(base, make_examples(40), method, tmp_path / "broken")
    whole, broken = FinetuneResult.load(tmp_path / "whole"), FinetuneResult.load(tmp_path / "broken")
    assert broken.model_copy(update={"seconds": whole.seconds}) == whole
    left, right = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    assert all(torch.equal(left[name], right[name]) for name in left)


def test_looking_disturbs_no_step(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    looked = run(base, make_examples(40), FULL, tmp_path / "looked")
    plain = run(base, make_examples(40), FULL.model_copy(update={"selection": None}), tmp_path / "plain")
    assert [progress.loss for progress in looked] == [progress.loss for progress in plain]


def test_when_patience_is_over() -> None:
    dev = [DevScore(step, value, {}) for step, value in ((1, 3.0), (2, 5.0), (3, 5.0), (4, 4.0))]
    assert best(dev).step == 2
    assert [is_over(dev[:count], 2) for count in (1, 2, 3, 4)] == [False, False, False, True]
    assert not is_over(dev, None)


def test_no_dev_line(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no line of the dev split to choose a checkpoint by"):
        list(finetune(str(base), None, make_examples(4), FULL, 7, tmp_path / "model"))


def test_a_metric_that_holds_a_model_chooses_and_is_loaded_once(
    base: Path, make_examples: Examples, tmp_path: Path, overlap: Notes
) -> None:
    by_model = SELECTION.model_copy(update={"metric": "overlap"})
    told = run(base, make_examples(40), FULL.model_copy(update={"selection": by_model}), tmp_path / "model")
    looks = [progress.dev for progress in told if progress.dev is not None]
    assert [look.step for look in looks] == [2, 4, 6, 8]
    assert all(0 <= look.value <= 1 and look.higher_is_better for look in looks)
    assert len(overlap.loads) == 1 and not psutil.pid_exists(overlap.loads[0][1])
    result = FinetuneResult.load(tmp_path / "model")
    assert result.chosen_step == max(looks, key=lambda look: look.value).step


def test_of_a_metric_that_falls_the_lowest_look_is_the_best() -> None:
    dev = [DevScore(step, value, {}, higher_is_better=False) for step, value in ((1, 3.0), (2, 1.0), (3, 1.0))]
    assert best(dev).step == 2
    assert is_over(dev, 1) and not is_over(dev, 2)
