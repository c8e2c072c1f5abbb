"""Quality under the right instruction against none and a wrong one: differences of scores, tested in pairs."""

from dataclasses import dataclass, replace

from dragoman.analysis.comparison import scope_differences
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import systems
from dragoman.instructions.variants import INSTRUCTIONS, Family
from dragoman.store.store import Store


@dataclass(frozen=True, kw_only=True)
class QualityFinding:
    """The scores of a model under the right instruction, minus those under another."""

    model: str
    """Name of the model."""
    scope: str
    """The partition of the pairs, or `unseen`, `unknown` or `all`."""
    over: str
    """The other instruction, `none` or `wrong`."""
    right: float
    """Mean score after the right instruction."""
    other: float
    """Mean score after the other, on the same pairs."""
    estimate: float
    """The first minus the second."""
    low: float | None
    """Lower end of its 95% interval, with other sentences; None where the scores have no statistics."""
    high: float | None
    """Upper end of it."""
    p: float | None
    """Two-sided p-value of the paired test."""
    p_is_floor: bool
    """Whether it is the smallest that the test's trials can give."""
    adjusted: float | None
    """The p-value adjusted after Holm for the scopes."""
    n: int
    """Pairs that have both scores."""


def quality_findings(
    store: Store, question: ScoreQuestion, family: Family, *, models: tuple[str, ...]
) -> list[QualityFinding]:
    """The differences that the instruction makes to scores, by model and scope; models that lack one are left out.

    Args:
        store: the store.
        question: the scores; its prompt is not looked at.
        family: the prompts.
        models: names of the models.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    found = []
    asked = {(system.model, system.asked_with) for system in systems(store, question.grid)}
    right = family.asked.get("right")
    for model in models:
        for other in INSTRUCTIONS[1:]:
            if not {(model, right), (model, family.asked.get(other))} <= asked:
                continue
            a, b = f"{model}:{family.asked[other]}", f"{model}:{right}"
            scopes = scope_differences(store, replace(question, prompt=None), a=a, b=b)
            found += [
                QualityFinding(
                    model=model,
                    scope=each.scope,
                    over=other,
                    right=each.mean_b,
                    other=each.mean_a,
                    estimate=each.delta,
                    low=each.low,
                    high=each.high,
                    p=each.p_value,
                    p_is_floor=each.p_is_floor,
                    adjusted=each.adjusted,
                    n=each.done,
                )
                for each in scopes
                if each.mean_a is not None and each.mean_b is not None and each.delta is not None
            ]
    return found
