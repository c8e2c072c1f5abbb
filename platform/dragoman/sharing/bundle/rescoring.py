"""The scores of a bundle computed again from its texts, under the signatures that this machine can compute."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from dragoman.metrics.base import MetricError, MetricNeedError
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.model_metric import ModelMetric
from dragoman.pair import Pair
from dragoman.sharing.bundle.claims import CellClaim, ScoreClaim
from dragoman.sharing.bundle.findings import Unchecked
from dragoman.sharing.bundle.rebuilding import Place, Rebuilt
from dragoman.sharing.bundle.segment_scores import SegmentsKey
from dragoman.store.maintenance.rescoring import ScoringTask, scored
from dragoman.store.records import CellOutcome, StoredScore, Translation

_AT_ONCE = 100
"""Cells that are written in a transaction."""

_ENGINE = "files"


class Rescored(NamedTuple):
    """What came of a cell's texts."""

    place: Place
    """The cell."""
    scores: Mapping[tuple[str, str], StoredScore]
    """Its scores by metric and signature, as computed here."""
    unscorable: Collection[str]
    """Metrics that can't score it."""
    computed: Collection[str]
    """Metrics that were computed here."""


class Here(NamedTuple):
    """What this machine makes of a metric on a pair."""

    signature: str | None
    """The signature it computes; None where it can't."""
    lack: str | None = None
    """What it lacks, as a clause; None also where the metric can't score that pair on any machine."""


References = Callable[[str, Pair], Sequence[Sequence[str]] | None]
"""The references of a pair of a test set, by its folder, where some line has several."""


class Signatures:
    """The signatures that this machine computes, by metric, test set and pair."""

    def __init__(self, languages: Collection[str], references: References | None = None) -> None:
        """Compute none yet.

        Args:
            languages: the grid's languages.
            references: looks up several references; by default no line has.
        """
        self._languages, self._references = languages, references or (lambda folder, pair: None)
        self._found: dict[tuple[str, str, Pair], Here] = {}
        self._unchecked: defaultdict[tuple[str, str, str], int] = defaultdict(int)

    def of(self, metric: str, test_set: str, pair: Pair) -> Here:
        """What this machine makes of a metric on a pair of a test set."""
        key = metric, test_set, pair
        if key not in self._found:
            self._found[key] = self._compute(*key)
        return self._found[key]

    def is_foreign(self, claim: ScoreClaim) -> bool:
        """Whether a score may be right though this machine does not compute it.

        How many references there are follows from the texts: no machine has another number of them.
        """
        here = self.of(claim.metric, claim.test_set, claim.pair)
        if here.lack is not None or here.signature in (claim.signature, None):
            return here.lack is not None
        return _references(str(here.signature)) == _references(claim.signature)

    def computes(self, claim: ScoreClaim) -> bool:
        """Whether a score can be computed here; what can't is counted."""
        if not self.is_foreign(claim):
            return True
        here = self.of(claim.metric, claim.test_set, claim.pair)
        reason = here.lack or f"{claim.metric} is computed here as {here.signature}: {_remedy(claim.signature)}"
        self._unchecked[claim.metric, claim.signature, reason] += 1
        return False

    @property
    def unchecked(self) -> list[Unchecked]:
        """The scores that can't be computed here."""
        found = sorted(self._unchecked.items())
        return [Unchecked(metric, signature, count, reason) for (metric, signature, reason), count in found]

    def _compute(self, metric: str, test_set: str, pair: Pair) -> Here:
        kind = metric_class(metric)
        if kind is None:
            return Here(None, f"the metric {metric} is not installed here")
        if issubclass(kind, ModelMetric):
            return Here(None, f"{metric} is computed by a model and not recomputed: its scores are taken as they stand")
        try:
            own, several = kind(pair, self._languages), self._references(test_set, pair)
            return Here(own.signature if several is None else own.signature_of_several(several))
        except MetricNeedError as error:
            return Here(None, str(error).rstrip("."))
        except MetricError:
            return Here(None)


def _field(signature: str, name: str) -> str:
    """The value of a field of a signature; empty where it has none."""
    return next((part.partition(":")[2] for part in signature.split("|") if part.startswith(f"{name}:")), "")


def _references(signature: str) -> str:
    """How many references a signature of sacreBLEU's says there are."""
    return _field(signature, "nrefs")


def _remedy(signature: str) -> str:
    """How to compute a signature of sacreBLEU's."""
    version = _field(signature, "version")
    if not version:
        return "it takes the versions that the signature names"
    return f"pip install sacrebleu=={version} to have it checked"


def rescore(
    rebuilt: Rebuilt,
    *,
    claims: Mapping[Place, tuple[CellClaim, Collection[ScoreClaim]]],
    metrics: Collection[str],
    signatures: Signatures,
    segments: Mapping[SegmentsKey, bytes],
    languages: Iterable[str],
    workers: int = 1,
    advance: Callable[[int, int], None] | None = None,
) -> Iterator[Rescored]:
    """Score every cell of a rebuilt grid that has translations, and write the scores into its store.

    Of scores under other signatures than this machine's the claimed values are written, with the statistics that the
    bundle has of their segments, if any.

    Args:
        rebuilt: the grid.
        claims: its cells with the scores that are claimed.
        metrics: the grid's metrics.
        signatures: those of this machine.
        segments: statistics that the bundle has.
        languages: the grid's languages.
        workers: processes that score.
        advance: is told how many cells are scored, and of how many.
    """
    tasks: list[ScoringTask] = []
    kept: dict[str, list[StoredScore]] = {}
    place_of = {cell.id: place for place, cell in rebuilt.cells.items()}
    for place, cell in rebuilt.cells.items():
        claimed = claims[place][1] if place in claims else ()
        own: list[ScoreClaim] = []
        foreign: list[ScoreClaim] = []
        for each in claimed:
            (own if signatures.computes(each) else foreign).append(each)
        kept[cell.id] = [
            StoredScore(
                metric=each.metric,
                signature=each.signature,
                value=each.value,
                low=each.low,
                high=each.high,
                statistics=segments.get(SegmentsKey(place, each.metric, each.signature)),
            )
            for each in foreign
        ]
        elsewhere = {each.metric for each in foreign} - {each.metric for each in own}
        here = tuple(
            each for each in metrics
            if each not in elsewhere and signatures.of(each, place[0], cell.pair).lack is None
        )  # fmt: skip
        tasks.append(
            ScoringTask(cell.id, cell.pair, tuple(languages), here, cell.test, cell.hypotheses, rebuilt.store.blobs.url)
        )
    waiting: list[CellOutcome] = []
    for done, (task, outcome) in enumerate(zip(tasks, scored(tasks, workers), strict=True), 1):
        cell = rebuilt.cells[place_of[task.cell]]
        translation = Translation(
            cell_id=cell.id, hypotheses=cell.hypotheses, segments=cell.segments, tokens=0, cut=0, engine=_ENGINE,
            seconds=0, worker="",
        )  # fmt: skip
        scores = (*outcome.scores, *kept[cell.id])
        waiting.append(CellOutcome(translation=translation, scores=scores, unscorable=tuple(outcome.unscorable)))
        if len(waiting) == _AT_ONCE or done == len(tasks):
            rebuilt.store.cells.advance(translated=waiting)
            waiting = []
        if advance:
            advance(done, len(tasks))
        found = {(score.metric, score.signature): score for score in outcome.scores}
        yield Rescored(place_of[task.cell], found, {each.metric for each in outcome.unscorable}, task.metrics)
