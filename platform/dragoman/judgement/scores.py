"""Human scores of systems, with bootstrap intervals over sentences."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from dragoman.judgement.ratings import Panel, panels
from dragoman.judgement.texts import GridTexts, judged_pairs
from dragoman.metrics.resampling import SAMPLES, SEED, interval, resampling_counts
from dragoman.pair import Pair
from dragoman.rating import Protocol, Severity


class HumanScore(BaseModel):
    """What people say of a system on a pair."""

    model_config = ConfigDict(frozen=True)

    pair: Pair | None
    """The pair; None for the mean over the pairs."""
    protocol: Protocol
    """What raters were asked for."""
    system: str
    """The system."""
    sentences: int
    """Sentences judged."""
    judgements: int
    """Judgements of them."""
    raters: int
    """Who judged."""
    score: float
    """The mean over sentences of the mean over raters: 0 to 100, for MQM minus the weights of errors."""
    low: float
    """Lower end of its 95% interval: sentences might have been others, raters not."""
    high: float
    """Upper end of it."""
    z: float
    """The mean on each rater's own scale."""
    major: float
    """Major and critical errors a judgement."""
    minor: float
    """Minor errors a judgement."""


class HumanScores(BaseModel):
    """Human scores of a grid's systems."""

    model_config = ConfigDict(frozen=True)

    scores: tuple[HumanScore, ...]
    """By protocol and pair, the best first; last the means over pairs where there are several."""
    notes: tuple[str, ...]
    """What is to be said of them."""


def human_scores(
    texts: GridTexts, pairs: Sequence[Pair] = (), *, samples: int = SAMPLES, seed: int = SEED
) -> HumanScores:
    """The human scores of each system on each pair that has judgements, and the means over pairs.

    Args:
        texts: the texts of a grid.
        pairs: only these pairs.
        samples: resamples of the sentences.
        seed: of the resampling.

    Raises:
        StoreError: hypotheses are not in the blob storage.
    """
    found: list[HumanScore] = []
    notes: list[str] = []
    for pair in judged_pairs(texts, pairs):
        own = texts.of(pair)
        for panel in panels(own):
            found += sorted((_score(pair, panel, row, samples, seed) for row in range(len(panel.systems))), key=_place)
            notes += panel.notes
            uneven = len(panel.lines) - len(panel.shared)
            if uneven:
                notes.append(
                    f"{uneven} of {len(panel.lines)} sentences of {own} ({panel.protocol}) were not judged of every "
                    "system: their means are of other sentences."
                )
    return HumanScores(scores=(*found, *_means(found)), notes=tuple(dict.fromkeys(notes)))


def _score(pair: Pair, panel: Panel, row: int, samples: int, seed: int) -> HumanScore:
    system = panel.systems[row]
    lines = [line for line in panel.lines if (system, line) in panel.judgements]
    values = panel.values(lines)[row]
    counts = resampling_counts(len(lines), samples, seed)
    low, high = interval(counts.astype(np.float64) @ values / len(lines))
    given = [each.rating for line in lines for each in panel.judgements[system, line]]
    severities = [span.severity for rating in given for span in rating.spans]
    bad = sum(severity in (Severity.MAJOR, Severity.CRITICAL) for severity in severities)
    return HumanScore(
        pair=pair, protocol=panel.protocol, system=system, sentences=len(lines), judgements=len(given),
        raters=len({rating.rater for rating in given}), score=float(values.mean()), low=low, high=high,
        z=float(panel.values(lines, on_own_scales=True)[row].mean()), major=bad / len(given),
        minor=severities.count(Severity.MINOR) / len(given),
    )  # fmt: skip


def _means(found: Sequence[HumanScore]) -> list[HumanScore]:
    """The means over pairs of systems that were judged on all of them, under each protocol with several."""
    means = []
    for protocol in dict.fromkeys(each.protocol for each in found):
        of_protocol = [each for each in found if each.protocol is protocol]
        pairs = {each.pair for each in of_protocol}
        by_system = {
            name: own
            for name in dict.fromkeys(each.system for each in of_protocol)
            if len(own := [each for each in of_protocol if each.system == name]) == len(pairs)
        }
        if len(pairs) > 1:
            means += sorted((_mean(protocol, name, own) for name, own in by_system.items()), key=_place)
    return means


def _mean(protocol: Protocol, system: str, own: Sequence[HumanScore]) -> HumanScore:
    """The mean over pairs; its interval is that of independent pairs."""
    count = len(own)
    score = sum(each.score for each in own) / count
    below = sum((each.score - each.low) ** 2 for each in own) ** 0.5 / count
    above = sum((each.high - each.score) ** 2 for each in own) ** 0.5 / count

    def mean(name: str) -> float:
        return float(sum(getattr(each, name) for each in own) / count)

    return HumanScore(
        pair=None, protocol=protocol, system=system, sentences=sum(each.sentences for each in own),
        judgements=sum(each.judgements for each in own), raters=max(each.raters for each in own), score=score,
        low=score - below, high=score + above, z=mean("z"), major=mean("major"), minor=mean("minor"),
    )  # fmt: skip


def _place(score: HumanScore) -> tuple[float, str]:
    return -score.score, score.system
