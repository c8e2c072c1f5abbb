"""Cost estimates of a plan: tokens to train and to decode, and, from measured rates, hours and disk."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.planning.training_text import TestText
from dragoman.spec.grid import Base
from dragoman.store.jobs.measured_rates import Rates, rates
from dragoman.store.store import Store

LINES = 64
"""Test sentences of each language that tokens are counted on."""

BYTES = 4.0
"""Bytes of UTF-8 that are assumed for a token where there is no tokenizer."""

Count = Callable[[Sequence[str]], int]
"""Counts the tokens of some texts."""


class Cost(NamedTuple):
    """Cost of one model."""

    model: ModelIdentity
    """The model."""
    text_tokens: int | None
    """Tokens of its training examples, prompts included; None for a model that is not trained."""
    train_tokens: int | None
    """Tokens of all its batches."""
    decode_tokens: int
    """Tokens it will generate, if its translations are as long as the references."""
    train_hours: float | None
    """Hours of its finetuning; None where nothing like it has been measured."""
    decode_hours: float | None
    """Hours of one worker for its translations; likewise."""
    disk: int | None
    """Bytes of its checkpoint and its translations; likewise."""

    @property
    def passes(self) -> float | None:
        """Number of times each example is read: epochs."""
        return self.train_tokens / self.text_tokens if self.train_tokens and self.text_tokens else None


class Estimate(NamedTuple):
    """The cost of a plan, and the basis of the figures."""

    costs: list[Cost]
    """Model by model."""
    basis: list[str]
    """Sentences on where the figures come from."""


class _Density(NamedTuple):
    """The test text of a language, in the mean."""

    tokens: float
    """Tokens of a sentence."""
    per_character: float
    """Tokens of a character."""


def estimate(plan: Plan, store: Store | None) -> Estimate:
    """The cost of all a plan asks for, whether or not some of it is done.

    Args:
        plan: the plan; tokens of training text need its examples drawn (`dragoman.planning.manifest.prepare`).
        store: where the rates of earlier runs are read; None where there is no store yet.
    """
    counted = tokenizer_of(plan.spec.base)
    densities = _densities(
        [each.tested for each in plan.test_sets],
        counted or (lambda texts: round(sum(len(t.encode()) for t in texts) / BYTES)),
    )
    segments = [_segments(each.tested) for each in plan.test_sets]
    most = plan.spec.evaluation.decoding.max_new_tokens
    everything = sum(
        round(found[pair] * min(densities[pair.target].tokens, most))
        for found, test_set in zip(segments, plan.test_sets, strict=True)
        for pair in test_set.contents
    )
    trained = {planned.identity.id: planned for planned in plan.trainings}
    known: dict[str, Rates] = {}
    costs = []
    for model in plan.models:
        planned = trained.get(model.id)
        method = planned.finetuning.method.kind if planned else "full"
        if store is not None and method not in known:
            known[method] = rates(store, plan.base.id, method)
        prompts = 0 if model.id in plan.from_elsewhere else sum(asked.id == model.id for asked, _ in plan.asked)
        sentences = prompts * sum(sum(found.values()) for found in segments)
        costs.append(_cost(model, planned, prompts * everything, sentences, densities, known.get(method)))
    return Estimate(costs, _basis(plan, counted is not None, known))


def tokenizer_of(base: Base) -> Count | None:
    """A token counter with the base model's tokenizer; None where that can't be loaded here."""
    try:
        from tokenizers import Tokenizer
    except ModuleNotFoundError:  # comes with the extra `jobs`
        return None
    file = Path(base.model) / "tokenizer.json"
    if not file.is_file():
        cached = _cached(base)
        if cached is None:
            return None
        file = Path(cached)
    tokenizer = Tokenizer.from_file(str(file))
    return lambda texts: sum(len(each.ids) for each in tokenizer.encode_batch(list(texts), add_special_tokens=False))


def _cached(base: Base) -> str | None:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ModuleNotFoundError:
        return None
    if Path(base.model).is_dir():
        return None
    found = try_to_load_from_cache(base.model, "tokenizer.json", revision=base.revision)
    return found if isinstance(found, str) else None


def _densities(test_sets: Sequence[TestText], count: Count) -> dict[str, _Density]:
    """The first test sentences of every language, of the first test set that has it, read with few pairs."""
    densities: dict[str, _Density] = {}
    for tested in test_sets:
        lines = tested.lines
        for pair in tested.pairs:
            if not densities.keys() >= set(pair):
                segments = lines.segments(pair, LINES)
                for tag, texts in zip(pair, zip(*segments, strict=True), strict=False):
                    tokens = count(texts)
                    densities.setdefault(tag, _Density(tokens / len(texts), tokens / max(1, sum(map(len, texts)))))
    return densities


def _segments(tested: TestText) -> dict[Pair, int]:
    """Test sentences of each pair."""
    lines = tested.lines
    if not lines.multiparallel:
        return {pair: len(lines.segments(pair)) for pair in tested.pairs}
    return dict.fromkeys(tested.pairs, len(lines.segments(tested.pairs[0])))


def _cost(
    model: ModelIdentity,
    planned: PlannedTraining | None,
    generated: int,
    sentences: int,
    densities: dict[str, _Density],
    known: Rates | None,
) -> Cost:
    text = batches = hours = None
    if planned:
        batches = planned.finetuning.method.steps * planned.finetuning.method.batch_tokens
        text = _text_tokens(planned, densities)
        hours = batches / known.training.value / 3600 if known and known.training else None
    disk = None
    if known and known.translation and (not planned or known.checkpoint):
        checkpoint = known.checkpoint.value if planned and known.checkpoint else 0
        disk = round(checkpoint + sentences * known.translation.value)
    return Cost(
        model=model,
        text_tokens=text,
        train_tokens=batches,
        decode_tokens=generated,
        train_hours=hours,
        decode_hours=generated / known.decoding.value / 3600 if known and known.decoding else None,
        disk=disk,
    )


def _text_tokens(planned: PlannedTraining, densities: dict[str, _Density]) -> int | None:
    """Tokens of the examples; a language that is not tested is taken for the mean of the others."""
    if planned.text is None:
        return None
    mean = sum(density.per_character for density in densities.values()) / len(densities)
    tokens = 0.0
    for pair, text in planned.text.pairs.items():
        sides = [densities[tag].per_character if tag in densities else mean for tag in pair]
        asked = len(planned.prompt.render(pair, "")) * mean if not planned.prompt.shots else 0
        tokens += text.characters * sum(sides) / 2 + text.examples * asked
    if monolingual := planned.finetuning.monolingual:
        for tag, text in planned.text.monolingual.items():
            density = densities[tag].per_character if tag in densities else mean
            tokens += text.characters * density + text.examples * len(monolingual.render(tag, "")) * mean
    return round(tokens)


def _basis(plan: Plan, counted: bool, known: dict[str, Rates]) -> list[str]:
    how = "with the base's tokenizer" if counted else f"at {BYTES:g} bytes a token, for want of its tokenizer"
    basis = [f"Tokens: from the first {LINES} test sentences of each language, {how}."]
    for method in sorted({planned.finetuning.method.kind for planned in plan.trainings}):
        rate = known[method].training if method in known else None
        measured = (
            f"{rate.value:,.0f} tokens a second, measured over {rate.runs} of them" if rate else "none measured yet"
        )
        basis.append(f"Hours to train, for {method} finetunings of this base: {measured}.")
    decoding = next((found.decoding for found in known.values() if found.decoding), None)
    measured = (
        f"{decoding.value:,.0f} tokens a second of one worker, measured over {decoding.runs} cells"
        if decoding
        else "none measured yet"
    )
    basis.append(f"Hours to decode, for models of this base: {measured}.")
    return basis
