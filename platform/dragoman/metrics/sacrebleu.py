"""The metrics of sacreBLEU: BLEU, chrF, chrF++ and TER, with its own statistics and signatures.

Text is tokenised and counted, and single scores are computed, by sacreBLEU itself. Only the scores of many
resamples at once are computed here, with sacreBLEU's operations in sacreBLEU's order on whole arrays.
"""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from functools import cached_property, reduce
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.base import Metric, MetricError, MetricNeedError, Scores, Statistics, check_lengths
from dragoman.pair import Pair
from dragoman.script import likely_script

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric as Scorer

_TOKENIZERS = {"Hans": "zh", "Hant": "zh", "Hani": "zh", "Jpan": "ja-mecab", "Kore": "ko-mecab"}
"""sacreBLEU's tokenisers made for the text of one script, by ISO 15924 code."""

_UNSPACED = frozenset({"Thai", "Laoo", "Khmr", "Mymr", "Lana", "Tale", "Talu", "Tavt", "Ahom", "Tibt"})
"""Scripts that put no spaces between words and have no tokeniser in sacreBLEU: those of the line-breaking
class SA (https://www.unicode.org/reports/tr14/#SA), and Tibetan, which marks syllables."""


_VARIABLE = -1
"""sacreBLEU's number of references where it is not the same for every segment."""


class SacreBleuMetric(Metric):
    """What sacreBLEU's metrics share: its private names are used here and nowhere else."""

    # some languages of a test set may have more references than others
    varying: ClassVar[frozenset[str]] = frozenset({"tok", "nrefs"})
    scaling: ClassVar[frozenset[str]] = frozenset({"tok", "nrefs"})
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, 100.0)

    def __init__(self, pair: Pair, languages: Collection[str] = ()) -> None:
        del languages  # these metrics depend on the target alone
        self._target = pair.target

    @abstractmethod
    def _make_scorer(self) -> "Scorer":
        """Make sacreBLEU's own object for this metric and target language."""

    @cached_property
    def _scorer(self) -> "Scorer":
        try:
            return self._make_scorer()
        except ImportError as error:
            raise MetricNeedError(f"{self.name} needs sacreBLEU ({error}): pip install sacrebleu.") from error
        except RuntimeError as error:  # raised by sacreBLEU where a tokeniser's library is missing
            reason = " ".join(str(error).split())
            raise MetricNeedError(f"{self.name} can't tokenise {self._target}: {reason}") from error

    @property
    def signature(self) -> str:
        """The full signature by sacreBLEU, such as ``nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0``."""
        return self._signature(1)

    def signature_of_several(self, references: Sequence[Sequence[str]]) -> str:
        """The same with the number of references, ``nrefs:2``, or ``nrefs:var`` where segments differ in it."""
        counts = {len(each) for each in references}
        return self._signature(counts.pop() if len(counts) == 1 else _VARIABLE)

    def _signature(self, references: int) -> str:
        # sacreBLEU learns the number of references from the texts it sees
        self._scorer.num_refs = references
        return str(self._scorer.get_signature())

    def statistics(self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]) -> Statistics:
        """The counts of each segment, by sacreBLEU and in its order."""
        check_lengths(sources, hypotheses, references)
        return self._counts(hypotheses, [references])

    def statistics_of_several(
        self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[Sequence[str]]
    ) -> Statistics:
        """The same against all references of each segment, which may be more or fewer of some, by sacreBLEU."""
        check_lengths(sources, hypotheses, [each[0] for each in references])
        return self._counts(hypotheses, list(zip_longest(*references)))

    def _counts(self, hypotheses: Sequence[str], columns: Sequence[Sequence[Any]]) -> Statistics:
        """The counts against columns of references, where a segment that lacks one has None."""
        rows = self._scorer._extract_corpus_statistics(list(hypotheses), [list(column) for column in columns])
        return np.array(rows, dtype=np.float64)

    def score(self, statistics: Statistics) -> float:
        """The corpus score by sacreBLEU itself."""
        # of several references TER takes the mean length, which need not be whole
        sums = [int(total) if total.is_integer() else total for total in statistics.sum(axis=0).tolist()]
        return float(self._scorer._compute_score_from_stats(sums).score)


class Bleu(SacreBleuMetric):
    """Corpus BLEU (Papineni et al., 2002), up to 4-grams, smoothed as in sacreBLEU (`exp`).

    The tokeniser follows the script of the target language: `zh`, `ja-mecab` and `ko-mecab` for Chinese,
    Japanese and Korean, `13a` for scripts with spaces between words, and `char` (every character a token) for
    scripts without (Thai, Lao, Khmer, Burmese, Tibetan, ...), where 13a would take sentences for words.

    Statistics: hypothesis length, reference length, matches of 1- to 4-grams, their totals in the hypothesis (k = 10).
    """

    name: ClassVar[str] = "bleu"
    floor: ClassVar[float | None] = 1.0
    fewest_lines: ClassVar[int] = 100  # as few 4-grams match in them as move it by whole points

    def _make_scorer(self) -> "Scorer":
        from sacrebleu.metrics.bleu import BLEU

        return BLEU(tokenize=self._tokenizer())

    def _tokenizer(self) -> str:
        script = likely_script(self._target)
        return "char" if script in _UNSPACED else _TOKENIZERS.get(script, "13a")

    def aggregate(self, sums: NDArray[Any]) -> Scores:
        """Brevity penalty × geometric mean of the smoothed precisions, as in `sacrebleu.BLEU.compute_bleu`."""
        sums = _floating(sums)
        matches, totals = sums[..., 2:6], sums[..., 6:10]
        lengths = sums[..., :2].astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            missed = matches == 0
            # the k-th order without a match counts as 1/2^k of one
            halvings = np.exp2(np.cumsum(missed, axis=-1)).astype(sums.dtype)
            precisions = np.where(missed, 100 / (halvings * totals), 100 * matches / totals)
            means = np.exp(np.log(precisions.astype(np.float64)).sum(axis=-1) / 4)
            penalties = np.where(lengths[..., 0] < lengths[..., 1], np.exp(1 - lengths[..., 1] / lengths[..., 0]), 1.0)
            scored = matches.any(axis=-1) & totals.all(axis=-1)
            return np.where(scored, penalties * means, 0.0)

    def details(self, statistics: Statistics) -> dict[str, float]:
        """The hypotheses' length relative to the references'."""
        hypotheses, references = statistics[:, :2].sum(axis=0).tolist()
        return {"length_ratio": hypotheses / references} if references else {}


class Chrf(SacreBleuMetric):
    """chrF (Popović, 2015): F2 of character n-grams up to 6.

    Statistics: for each order, n-grams in the hypothesis, in the reference, and in both (k = 18; 24 for chrF++).
    """

    name: ClassVar[str] = "chrf"
    judges_segments: ClassVar[bool] = True
    word_order: ClassVar[int] = 0
    """Longest word n-gram counted besides."""

    def _make_scorer(self) -> "Scorer":
        from sacrebleu.metrics.chrf import CHRF

        return CHRF(word_order=self.word_order)

    def aggregate(self, sums: NDArray[Any]) -> Scores:
        """F2 of the mean precision and mean recall over the orders found in both texts, as in `sacrebleu.CHRF`."""
        sums = _floating(sums)
        hypothesis, reference, both = np.moveaxis(sums.reshape(*sums.shape[:-1], -1, 3), -1, 0)
        counted = (hypothesis > 0) & (reference > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            orders = counted.sum(axis=-1).astype(sums.dtype)
            precision = _sum_in_order(np.where(counted, both / hypothesis, 0)) / orders
            recall = _sum_in_order(np.where(counted, both / reference, 0)) / orders
            scores = 100 * (5 * precision * recall / (4 * precision + recall))
        return np.where(precision + recall > 0, scores, 0).astype(sums.dtype)


class ChrfPlusPlus(Chrf):
    """chrF++ (Popović, 2017): chrF with word unigrams and bigrams."""

    name: ClassVar[str] = "chrf++"
    word_order: ClassVar[int] = 2


class Ter(SacreBleuMetric):
    """Translation edit rate (Snover et al., 2006) in percent, by sacreBLEU's Tercom.

    It edits words, so targets written without spaces between words are refused rather than scored as one word.
    Statistics: edits, words of the reference (k = 2).
    """

    name: ClassVar[str] = "ter"
    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, None)

    def __init__(self, pair: Pair, languages: Collection[str] = ()) -> None:
        super().__init__(pair, languages)
        script = likely_script(pair.target)
        if script in _UNSPACED or _TOKENIZERS.get(script) in ("zh", "ja-mecab"):
            raise MetricError(f"ter counts edits of words, and {pair.target} puts no spaces between them: use chrf++.")

    def _make_scorer(self) -> "Scorer":
        from sacrebleu.metrics.ter import TER

        return TER()

    def aggregate(self, sums: NDArray[Any]) -> Scores:
        """Edits per hundred words of the reference; 100 where there are edits and no words."""
        sums = _floating(sums)
        edits, words = sums[..., 0], sums[..., 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(words > 0, 100 * (edits / words), 100 * (edits > 0)).astype(sums.dtype)


def _floating(sums: NDArray[Any]) -> NDArray[Any]:
    return sums if np.issubdtype(sums.dtype, np.floating) else sums.astype(np.float64)


def _sum_in_order(terms: NDArray[Any]) -> NDArray[Any]:
    # numpy's own sum goes by pairs from eight terms on: other roundings than sacreBLEU's loop
    return reduce(np.add, np.moveaxis(terms, -1, 0))
