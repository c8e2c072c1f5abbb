"""Measures of alignment between the representations of the same sentences in two languages.

Row i of both is the same sentence. Retrieval and the xsim error are those of LASER (`source/xsim.py`: cosine, or the
margin "ratio" over the four nearest neighbours), linear CKA and mutual k-nearest-neighbours those of Huh et al. 2024,
"The Platonic Representation Hypothesis" (`metrics.py`), with the unbiased HSIC of Song et al. 2012, equation 5.
"Centred" is after each language's mean is subtracted: languages often lie apart by a vector that all their sentences
share. CKA is the same with and without.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

VERSION = 1
"""Raised when a measure of the same representations can come out otherwise; part of what is measured's identity."""

MARGIN_NEIGHBOURS = 4
"""Neighbours that the margin of the xsim error is taken over (LASER's default)."""

MUTUAL_NEIGHBOURS = 10
"""Neighbours that are compared by mutual k-NN (its authors' default)."""

FEWEST_LINES = 12
"""Lines from which all measures are defined: as many neighbours as are compared, the sentence itself, and one more."""

States = NDArray[np.float32]
"""Representations, a row for each sentence."""

Matrix = NDArray[np.float64]


class Measures(NamedTuple):
    """The alignment of a source with a target language; None where a measure is not defined (equal representations)."""

    retrieval: float
    """Share of source sentences whose nearest target sentence, by cosine, is their translation."""
    retrieval_centred: float
    """The same after centring."""
    retrieval_chance: float
    """What the share would be of a target drawn at random: 1/N where no two target sentences have the same text."""
    xsim_error: float
    """Share of source sentences whose best target sentence by margin is not their translation."""
    xsim_error_centred: float
    """The same after centring."""
    cka: float | None
    """Linear CKA."""
    cka_chance: float | None
    """Its mean over all orders of the target sentences."""
    cka_unbiased: float | None
    """Linear CKA by the unbiased HSIC, which is 0 in the mean where nothing is shared."""
    mutual_knn: float
    """Mean share of a sentence's nearest sentences that are the same within both languages."""
    mutual_knn_centred: float
    """The same after centring."""

    @property
    def xsim_chance(self) -> float:
        """The xsim error of targets drawn at random."""
        return 1 - self.retrieval_chance


def mutual_knn_chance(lines: int) -> float:
    """Mutual k-NN of neighbours drawn at random."""
    return MUTUAL_NEIGHBOURS / (lines - 1)


class Space(NamedTuple):
    """The sentences of one language in one layer, with all that does not depend on the other language."""

    unit: tuple[States, States]
    """Representations of length one: as they are, and centred."""
    neighbours: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    """Whether sentence j is among the nearest of sentence i: as they are, and centred."""
    kernel: Matrix
    """Inner products of the centred representations."""
    text: NDArray[np.intp]
    """Number of each sentence's text: equal ones are the same text."""

    @classmethod
    def of(cls, states: States, texts: Sequence[Hashable]) -> Self:
        """The space of a language's representations.

        Args:
            states: one row a sentence; at least `FEWEST_LINES`.
            texts: the sentences, or numbers of them: equal ones are the same text.

        Raises:
            ValueError: there are too few, or not one for each row.
        """
        if len(states) < FEWEST_LINES or len(states) != len(texts):
            raise ValueError(f"{len(states)} representations of {len(texts)} sentences; give {FEWEST_LINES} or more.")
        # in double precision: a mean of thousands of numbers, and what is left without it, would be inexact
        exact = states.astype(np.float64)
        centred = exact - exact.mean(axis=0)
        unit = _unit(exact), _unit(centred)
        return cls(
            unit=unit,
            neighbours=(_neighbours(unit[0]), _neighbours(unit[1])),
            kernel=centred @ centred.T,
            text=np.unique(np.array(texts, dtype=object), return_inverse=True)[1],
        )

    @staticmethod
    def size(lines: int, width: int) -> int:
        """Bytes that a space takes."""
        return lines * (8 * width + 10 * lines)


def measured(source: Space, target: Space) -> tuple[Measures, Measures]:
    """The alignment of two languages, from source to target and back."""
    raw, centred = (_Directions.of(source, target, place) for place in (0, 1))
    kernels = _Kernels.of(source.kernel, target.kernel)

    def towards(onto: Space, way: int) -> Measures:
        return Measures(
            retrieval=raw.retrieval[way],
            retrieval_centred=centred.retrieval[way],
            retrieval_chance=_chance(onto.text),
            xsim_error=raw.xsim_error[way],
            xsim_error_centred=centred.xsim_error[way],
            cka=kernels.cka,
            cka_chance=kernels.chance,
            cka_unbiased=kernels.unbiased,
            mutual_knn=raw.mutual_knn,
            mutual_knn_centred=centred.mutual_knn,
        )

    return towards(target, 0), towards(source, 1)


class _Directions(NamedTuple):
    """What is measured both ways, of representations as they are or centred."""

    retrieval: tuple[float, float]
    xsim_error: tuple[float, float]
    mutual_knn: float

    @classmethod
    def of(cls, source: Space, target: Space, place: int) -> Self:
        cosines = source.unit[place] @ target.unit[place].T
        there = _nearest(cosines, MARGIN_NEIGHBOURS)
        back = _nearest(np.ascontiguousarray(cosines.T), MARGIN_NEIGHBOURS)
        both = (source.neighbours[place] & target.neighbours[place]).sum(axis=1)
        return cls(
            retrieval=(_hits(there.places[:, 0], target.text), _hits(back.places[:, 0], source.text)),
            xsim_error=(
                1 - _hits(_by_margin(there, back), target.text),
                1 - _hits(_by_margin(back, there), source.text),
            ),
            mutual_knn=float(both.mean() / MUTUAL_NEIGHBOURS),
        )


class _Nearest(NamedTuple):
    """The nearest neighbours of each row, the nearest first."""

    places: NDArray[np.intp]
    cosines: States


def _nearest(cosines: States, count: int) -> _Nearest:
    """The columns with the highest values of each row; of equal ones the first."""
    left, rows = cosines.copy(), np.arange(len(cosines))
    places = np.empty((len(cosines), count), np.intp)
    found = np.empty((len(cosines), count), np.float32)
    for rank in range(count):
        places[:, rank] = left.argmax(axis=1)
        found[:, rank] = left[rows, places[:, rank]]
        left[rows, places[:, rank]] = -np.inf
    return _Nearest(places, found)


def _by_margin(there: _Nearest, back: _Nearest) -> NDArray[np.intp]:
    """For each row the candidate with the highest cosine over the mean cosine of both sides' neighbours."""
    means = there.cosines.mean(axis=1), back.cosines.mean(axis=1)
    expected = (means[0][:, None] + means[1][there.places]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = there.cosines / expected
    best = np.nan_to_num(scores, nan=-np.inf).argmax(axis=1)
    found: NDArray[np.intp] = there.places[np.arange(len(best)), best]
    return found


def _hits(found: NDArray[np.intp], text: NDArray[np.intp]) -> float:
    """How often the text that was found is the right one."""
    return float((text[found] == text).mean())


def _chance(text: NDArray[np.intp]) -> float:
    counts = np.bincount(text)
    return float((counts / len(text)) @ (counts / len(text)))


def _unit(states: Matrix) -> States:
    lengths = np.linalg.norm(states, axis=1, keepdims=True)
    return (states / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _neighbours(unit: States) -> NDArray[np.bool_]:
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    near = np.zeros(cosines.shape, np.bool_)
    np.put_along_axis(near, _nearest(cosines, MUTUAL_NEIGHBOURS).places, True, axis=1)
    return near


class _Kernels(NamedTuple):
    """CKA of two languages; the same both ways."""

    cka: float | None
    chance: float | None
    unbiased: float | None

    @classmethod
    def of(cls, k: Matrix, l: Matrix) -> Self:  # noqa: E741 (as in the papers)
        lengths = float(np.linalg.norm(k) * np.linalg.norm(l))
        # over all orders, the mean of tr(KPLPᵀ) of centred kernels is tr(K) tr(L) / (n - 1)
        expected = float(np.trace(k) * np.trace(l)) / (len(k) - 1)
        return cls(
            cka=float(np.vdot(k, l)) / lengths if lengths else None,
            chance=expected / lengths if lengths else None,
            unbiased=_unbiased_cka(k, l),
        )


def _unbiased_cka(k: Matrix, l: Matrix) -> float | None:  # noqa: E741
    scale = _unbiased_hsic(k, k) * _unbiased_hsic(l, l)
    # rounding alone can make it negative, where all representations are equal
    return _unbiased_hsic(k, l) / float(np.sqrt(scale)) if scale > 0 else None


def _unbiased_hsic(k: Matrix, l: Matrix) -> float:  # noqa: E741
    """Equation 5 of Song et al. 2012 of two symmetric kernels, without making copies that lack the diagonal."""
    n, of_k, of_l = len(k), np.diag(k), np.diag(l)
    rows_k, rows_l = k.sum(axis=1) - of_k, l.sum(axis=1) - of_l
    together = float(np.vdot(k, l) - of_k @ of_l)
    apart = float(rows_k.sum() * rows_l.sum()) / ((n - 1) * (n - 2))
    crossed = 2 * float(rows_k @ rows_l) / (n - 2)
    return (together + apart - crossed) / (n * (n - 3))
