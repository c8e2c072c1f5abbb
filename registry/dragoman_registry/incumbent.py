"""The incumbent's numbers beside a model's: on the same lines, under the same signature, from whichever grid."""

from collections.abc import Mapping, Sequence

from dragoman.cell import Cell
from dragoman.metrics.packing import unpack
from dragoman.metrics.resampling import SEED
from dragoman.metrics.significance import holm, paired_bootstrap, samples_for
from dragoman.pair import Pair
from dragoman.store.by_model import Lines, LinesScore, scores_by_lines
from dragoman.store.comparison import ALPHA, MOST_SAMPLES
from dragoman.store.resamples import metric_class
from dragoman.store.store import Store
from dragoman_registry.gate import PairNumbers
from dragoman_registry.versions import RegisteredVersion


def beside_incumbent(
    store: Store,
    metric: str,
    numbers: Sequence[PairNumbers],
    cells: Mapping[Pair, Cell],
    incumbent: RegisteredVersion,
    tested: bool,
) -> list[PairNumbers]:
    """A model's numbers with the incumbent's beside them.

    Args:
        store: the results store.
        metric: the metric they are of.
        numbers: the model's numbers.
        cells: the model's cell of each pair.
        incumbent: the version the alias stands at.
        tested: say too where the two differ significantly.
    """
    if incumbent.model is None:
        return list(numbers)
    theirs = scores_by_lines(store, incumbent.model, metric, incumbent.prompt, incumbent.decoding, tested)
    found = []
    for each in numbers:
        rival = theirs.get((each.pair, cells[each.pair].content))
        if rival is None:
            found.append(each)
            continue
        value = rival.values.get(each.signature)
        reason = "the incumbent's score has another signature" if rival.values and value is None else ""
        found.append(each.model_copy(update={"shared": True, "incumbent": value, "incumbent_reason": reason}))
    if not tested:
        return found
    own = next(iter(cells.values()))
    ours = scores_by_lines(store, own.model, metric, own.prompt, own.decoding, tested)
    differs = _significant(metric, found, cells, ours, theirs)
    return [each.model_copy(update={"differs": differs.get(each.pair)}) for each in found]


def _significant(
    metric: str,
    numbers: Sequence[PairNumbers],
    cells: Mapping[Pair, Cell],
    ours: Mapping[Lines, LinesScore],
    theirs: Mapping[Lines, LinesScore],
) -> dict[Pair, bool]:
    """Whether the two differ on each pair that has statistics of both: paired bootstrap, Holm over all of them."""
    kind = metric_class(metric)
    both: dict[Pair, tuple[bytes, bytes]] = {}
    for each in numbers:
        lines = (each.pair, cells[each.pair].content)
        if lines in ours and lines in theirs:
            system, baseline = (side[lines].statistics.get(each.signature) for side in (ours, theirs))
            if system is not None and baseline is not None:
                both[each.pair] = (baseline, system)
    if kind is None or not both:
        return {}
    samples = min(samples_for(len(both), ALPHA), MOST_SAMPLES)
    results = [
        paired_bootstrap(kind(pair), unpack(baseline), unpack(system), samples, SEED)
        for pair, (baseline, system) in both.items()
    ]
    adjusted = holm([result.p_value for result in results])
    return {pair: bool(p_value <= ALPHA) for pair, p_value in zip(both, adjusted, strict=True)}
