"""Check of the pivot systems of a grid: their models and languages are the grid's."""

from collections.abc import Collection, Sequence

from dragoman.errors import nearest
from dragoman.spec.baseline import Baseline
from dragoman.spec.pairs import check_languages
from dragoman.spec.prompt import EvaluationPrompt


def check_pivots(
    baselines: Sequence[Baseline], *, models: Sequence[str], languages: Collection[str], first: EvaluationPrompt
) -> None:
    """Refuse a pivot through a language or with a model that the grid lacks, or that is asked otherwise.

    Args:
        baselines: the grid's baselines.
        models: names of the models that it trains.
        languages: its languages.
        first: its first prompt, which pivot systems are asked with.

    Raises:
        ValueError: there is such a pivot; the sentence goes on from the grid.
    """
    others = {baseline.name: baseline for baseline in baselines if baseline.model is not None}
    names = ["base", *models, *others]
    for place, baseline in enumerate(baselines):
        if (pivot := baseline.pivot) is None:
            continue
        where = f"baselines.{place}.pivot"
        if pivot.model not in names:
            raise ValueError(
                f"names the model '{pivot.model}' in {where}, which it does not run; {nearest(pivot.model, names)}"
            )
        if pivot.model in others and others[pivot.model].asked_with(first) is not None:
            raise ValueError(
                f"names the model '{pivot.model}' in {where}, which has a prompt of its own; a pivot system is asked "
                "with the grid's first prompt: name a model that is too"
            )
        check_languages(where, pivot.named_languages(), languages)
