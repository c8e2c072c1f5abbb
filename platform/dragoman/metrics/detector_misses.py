"""What the off-target detector misses: sentences of other languages that it doesn't take for off-target."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dragoman.metrics.language_detector import Detector, Verdict

MOST = 200
"""Sentences of each language that are offered, at most."""

VERDICTS = 60_000
"""Verdicts that are asked for in all, so that many languages take no longer than some seconds."""


class Misses(NamedTuple):
    """What the detector of one target language makes of the sentences of other languages, in percent of them."""

    missed: float
    """Not taken for off-target; a mean over the languages, each of which counts alike."""
    undecided: float
    """Left undecided, which is a part of those missed."""
    by_language: Mapping[str, float]
    """Those missed of each language."""


def misses(detectors: Mapping[str, Detector], texts: Mapping[str, Sequence[str]]) -> dict[str, Misses]:
    """The detectors' misses, by target language; none of one that no other language has sentences for.

    A sentence that is one of the target language's, too, is not offered to its detector.

    Args:
        detectors: for each target language the detector of a pair with that target.
        texts: sentences by language.
    """
    own = {target: set(texts.get(target, ())) for target in detectors}
    offered = {language: spread(found, per_language(len(texts))) for language, found in texts.items()}
    verdicts: dict[tuple[str, str], Counter[Verdict]] = {}
    # sentence by sentence: a detector remembers the chances of the last ones
    for language, sentences in offered.items():
        for sentence in sentences:
            for target, detector in detectors.items():
                if target != language and sentence not in own[target]:
                    verdicts.setdefault((target, language), Counter())[detector.judge(sentence)] += 1
    found = {}
    for target in detectors:
        counts = {language: count for (asked, language), count in verdicts.items() if asked == target}
        if counts:
            missed = {
                language: _percent(count, [verdict for verdict in Verdict if not verdict.is_off_target])
                for language, count in counts.items()
            }
            undecided = [_percent(count, [Verdict.UNDECIDED]) for count in counts.values()]
            found[target] = Misses(sum(missed.values()) / len(counts), sum(undecided) / len(counts), missed)
    return found


def per_language(languages: int) -> int:
    """How many sentences of each of so many languages are offered."""
    return max(1, min(MOST, VERDICTS // max(1, languages * (languages - 1))))


def spread(texts: Sequence[str], most: int) -> list[str]:
    """So many of some texts, from the first to the last at equal distances, each once."""
    different = list(dict.fromkeys(texts))
    count = min(most, len(different))
    return [different[place * len(different) // count] for place in range(count)]


def _percent(counts: Counter[Verdict], verdicts: Sequence[Verdict]) -> float:
    return 100 * sum(counts[verdict] for verdict in verdicts) / counts.total()
