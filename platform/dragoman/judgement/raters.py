"""Agreement between raters: Krippendorff's alpha of all, correlations and shared errors of every two."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from dragoman.judgement.ratings import Panel, panels
from dragoman.judgement.texts import GridTexts, judged_pairs
from dragoman.pair import Pair
from dragoman.rating import Protocol, Rating, Side
from dragoman.store.judgement_records import JudgementRecord


class RaterAgreement(BaseModel):
    """How two raters, or all of them, agree on a pair."""

    model_config = ConfigDict(frozen=True)

    pair: Pair
    """The pair."""
    protocol: Protocol
    """What raters were asked for."""
    first: str
    """One rater; `all` for all."""
    second: str
    """The other; `all` for all."""
    translations: int
    """Translations that both, or at least two, have judged."""
    alpha: float | None
    """Krippendorff's alpha of their values on an interval scale: 1 is agreement, 0 what chance gives; None where all
    values are equal."""
    pearson: float | None
    """Correlation of two raters' values; None for all, and where it can't be computed."""
    kendall: float | None
    """Kendall's tau-b of them; None likewise."""
    spans: float | None
    """F1 of the characters that they marked in translations, whatever the severity; of all raters, over every two.
    None where neither marked any."""


def rater_agreement(texts: GridTexts, pairs: Sequence[Pair] = ()) -> list[RaterAgreement]:
    """The agreement of all raters of each pair and protocol, then of every two with translations in common.

    Args:
        texts: the texts of a grid.
        pairs: only these pairs.
    """
    found = []
    for pair in judged_pairs(texts, pairs):
        for panel in panels(texts.of(pair)):
            found += _of_panel(pair, panel)
    return found


def _of_panel(pair: Pair, panel: Panel) -> list[RaterAgreement]:
    raters = panel.by_rater
    shared = {key for key, given in panel.judgements.items() if len(given) > 1}
    if not shared:
        return []
    rows = []
    overlaps = []
    for first, second in combinations(raters, 2):
        keys = sorted(raters[first].keys() & raters[second].keys())
        if not keys:
            continue
        both = {name: {key: raters[name][key] for key in keys} for name in (first, second)}
        one, other = ([given.rating.value for given in own.values()] for own in both.values())
        overlap = _overlap([(raters[first][key].rating, raters[second][key].rating) for key in keys])
        overlaps.append(overlap)
        rows.append(
            RaterAgreement(
                pair=pair, protocol=panel.protocol, first=first, second=second, translations=len(keys),
                alpha=krippendorff_alpha(both, keys), pearson=pearson(one, other), kendall=kendall(one, other),
                spans=_f1(*overlap),
            )
        )  # fmt: skip
    whole = RaterAgreement(
        pair=pair, protocol=panel.protocol, first="all", second="all", translations=len(shared),
        alpha=krippendorff_alpha(raters, sorted(shared)), pearson=None, kendall=None,
        spans=_f1(*map(sum, zip(*overlaps, strict=True))),
    )  # fmt: skip
    return [whole, *rows]


def krippendorff_alpha(
    raters: Mapping[str, Mapping[tuple[str, int], JudgementRecord]], keys: Sequence[tuple[str, int]]
) -> float | None:
    """Krippendorff's alpha on an interval scale (Krippendorff, 2011, "Computing Krippendorff's Alpha-Reliability").

    1 - D_o / D_e: the mean squared difference of values of the same translation, each translation weighted by its
    values, over that of any two values. By sums of squares, as general programs take the square of the number of
    different values in memory.

    Args:
        raters: the judgements of each rater by system and line.
        keys: the translations; those that fewer than two raters judged don't count.

    Returns:
        None where all values are equal, so that there is nothing to agree on.
    """
    units = [[own[key].rating.value for own in raters.values() if key in own] for key in keys]
    units = [values for values in units if len(values) > 1]
    every = np.concatenate(units) if units else np.zeros(0)
    count = len(every)
    if count == 0 or np.ptp(every) == 0:
        return None
    observed = sum(2 * len(values) * _squares(values) / (len(values) - 1) for values in units) / count
    expected = 2 * count * _squares(every) / (count * (count - 1))
    return float(1 - observed / expected)


def _squares(values: Sequence[float] | NDArray[np.float64]) -> float:
    """The sum of squared deviations from the mean: n times it is the sum of squared differences of all pairs."""
    return float(np.sum((np.asarray(values) - np.mean(values)) ** 2))


def pearson(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Pearson's correlation; None where one side does not vary, or there are fewer than two values."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def kendall(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Kendall's tau-b, by SciPy; None where one side does not vary, or there are fewer than two values."""
    from scipy.stats import kendalltau

    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(kendalltau(one, other).statistic)


def _overlap(ratings: Sequence[tuple[Rating, Rating]]) -> tuple[int, int]:
    """Characters that both marked in translations, and how many each marked, together."""
    both = marked = 0
    for pair in ratings:
        first, second = (
            {
                place
                for span in rating.spans
                if span.side is Side.TARGET and span.start is not None and span.end is not None
                for place in range(span.start, span.end)
            }
            for rating in pair
        )
        both += len(first & second)
        marked += len(first) + len(second)
    return both, marked


def _f1(both: int, marked: int) -> float | None:
    return 2 * both / marked if marked else None
