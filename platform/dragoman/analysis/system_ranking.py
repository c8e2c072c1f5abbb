"""Ranking of all systems of a grid on the pairs all of them have: every two tested, in clusters after Holm."""

from collections.abc import Sequence
from math import fsum
from typing import NamedTuple

import numpy as np

from dragoman.analysis.aggregation import ALL, UNKNOWN
from dragoman.analysis.clusters import standings
from dragoman.analysis.comparison import about
from dragoman.analysis.detectable import smallest_detectable, units_to_detect
from dragoman.analysis.entrants import Entrants, entrants
from dragoman.analysis.human_agreement import Curve, curve
from dragoman.analysis.joint_tests import undecided, whole_blocks
from dragoman.analysis.line_slice import reading
from dragoman.analysis.ranking_records import PartitionShare, RankedSystem, Ranking, SystemDifference
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.seeds import seed_groups
from dragoman.analysis.significance_plan import ALPHA, Plan
from dragoman.analysis.test_sets import test_set_of
from dragoman.analysis.units import Unit, Units, units_of
from dragoman.metrics.difference import Difference
from dragoman.metrics.many_systems import Panel, Systems, systems_of
from dragoman.metrics.replicates import Lines
from dragoman.metrics.resampling import SEED
from dragoman.metrics.serialization import unpack
from dragoman.metrics.significance import adjusted
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.store import Store


def rank(
    store: Store,
    question: ScoreQuestion,
    *,
    models: Sequence[str] = (),
    over: str = ALL,
    alpha: float = ALPHA,
    samples: int | None = None,
    seed: int = SEED,
    unit: Unit = Unit.SENTENCE,
) -> Ranking:
    """Rank systems of a grid by their means over the pairs that all of them have, and test every two.

    Args:
        store: the store.
        question: the query; with a prompt only systems that are asked with that.
        models: models with all their prompts, or `MODEL:PROMPT`; all systems of the grid by default.
        over: the pairs: a partition, `unseen` or `all`. Where a partition differs by model, those that are in it under
            every model.
        alpha: the level of significance of adjusted p-values.
        samples: trials of each test, 100 to 100,000; by default enough for their number.
        seed: of the deals.
        unit: what is dealt or drawn.

    Raises:
        StoreError: something named is not there or out of range, there are fewer than two systems or too many, they
            have no pair in common, or scores would be mixed that can't be compared.
        MetricError: statistics are damaged.
    """
    plan = Plan(alpha=alpha, samples=samples, seed=seed, unit=unit)
    plan.check()
    groups = seed_groups(store, question.grid)
    with reading(store, question) as connection:
        found = entrants(connection, question, models=models, over=over)
        units = units_of(connection, found.systems[0].part, found.pairs, unit=unit, blobs=store.blobs)
        basis = about(connection, {each.model_id for each in found.systems})
    pairs, blocks = blocks_of(found, units)
    made = systems_of(blocks)
    tested = _tested(made, plan)
    differences = _differences(found, made, tested.differences, plan, curve(question.metric, found.signatures))
    systems = _ranked(found, made, differences, groups)
    return Ranking(
        metric=question.metric,
        test_set=test_set_of(store, question),
        lines=question.lines,
        over=over,
        done=len(found.pairs),
        pairs=found.planned,
        units=made.units,
        unit=unit,
        alpha=alpha,
        samples=tested.samples,
        seed=seed,
        micro=question.micro,
        signatures=found.signatures,
        systems=systems,
        differences=tuple(differences),
        shares=tuple(_shares(found, made, pairs)),
        quoted=found.quoted,
        notes=tuple(filter(None, [*found.notes, tested.note, basis, *_of_seeds(systems), units.note])),
    )


def blocks_of(found: Entrants, units: Units) -> tuple[list[Pair], list[list[Panel]]]:
    """The statistics of all systems by blocks of pairs that share units, and the pairs in that order."""
    total = fsum(found.pairs.values())
    first = found.systems[0].scores
    lengths = {pair: len(unpack(first[pair].stored.packed or b"")) for pair in found.pairs}
    pairs: list[Pair] = []
    blocks = []
    for block in whole_blocks(units, lengths):
        pairs += block.lines
        blocks.append(
            [
                Panel(
                    found.kind(pair),
                    [each.scores[pair].stored.packed or b"" for each in found.systems],
                    Lines(block.units, lines),
                    found.pairs[pair] / total,
                )
                for pair, lines in block.lines.items()
            ]
        )
    return pairs, blocks


class _Tested(NamedTuple):
    """The tests of every two systems."""

    differences: list[Difference]
    """What was found, in the order of `Systems.versus`."""
    samples: int
    """Trials of each, at least."""
    note: str | None
    """What is to be said of their number."""


def _tested(made: Systems, plan: Plan) -> _Tested:
    """Test every two systems; those that chance in making the deals might decide with more deals."""
    count = len(made.versus)
    samples, is_fitted = plan.samples_of(count), plan.fits_tail(count)
    found, trials = made.tested(range(count), samples, plan.seed, fits_tail=is_fitted), samples
    while close := undecided(dict(enumerate(found)), plan, trials):
        more = min(plan.more_samples(len(close)), 10 * trials)
        if more <= trials:
            break
        for place, result in zip(close, made.tested(close, more, plan.seed, fits_tail=is_fitted), strict=True):
            found[place] = result
        trials = more
    note = None
    if is_fitted:
        note = plan.tail_note(count, samples, of="pairs of systems")
    elif plan.finds_none(count, samples):
        note = f"With {samples:,} samples no p-value can be small enough for one of so many after Holm."
    return _Tested(found, samples, note)


def _differences(
    found: Entrants, made: Systems, tested: Sequence[Difference], plan: Plan, agreeing: Curve | None
) -> list[SystemDifference]:
    sign = 1 if found.kind.higher_is_better else -1
    final = adjusted([each.p_value for each in tested], plan.correction).tolist()
    rows = []
    for (one, other), each, adjusted_p in zip(made.versus, tested, final, strict=True):
        low, high = sorted((sign * each.low, sign * each.high))
        rows.append(
            SystemDifference(
                better=found.systems[one].name,
                worse=found.systems[other].name,
                ahead=sign * each.delta,
                low=low,
                high=high,
                p_value=each.p_value,
                p_is_floor=each.p_is_floor,
                adjusted=adjusted_p,
                significant=adjusted_p <= plan.alpha,
                error=each.se,
                detectable=smallest_detectable(each.se, alpha=plan.alpha),
                detectable_of_all=smallest_detectable(each.se, alpha=plan.alpha, tests=len(tested)),
                sentences=units_to_detect(each.units, each.se, each.delta, alpha=plan.alpha),
                agreement=agreeing.agreement(each.delta) if agreeing else None,
            )
        )
    return rows


def _ranked(
    found: Entrants, made: Systems, differences: Sequence[SystemDifference], groups: Sequence[Sequence[str]]
) -> tuple[RankedSystem, ...]:
    names = [each.name for each in found.systems]
    ranks = {names[place]: rank for rank, place in enumerate(made.order)}
    is_better = np.zeros((len(names), len(names)), np.bool_)
    for each in differences:
        is_better[ranks[each.better], ranks[each.worse]] = each.significant
    group_of = {model: set(group) for group in groups for model in group}
    rows = []
    for number, (place, its) in enumerate(zip(made.order, standings(is_better), strict=True), start=1):
        model, level = found.systems[place].model, made.levels[place]
        alike = group_of.get(model, set())
        rows.append(
            RankedSystem(
                rank=number,
                cluster=its.cluster,
                system=names[place],
                mean=level.value,
                low=level.low,
                high=level.high,
                wins=its.wins,
                losses=its.losses,
                best_rank=its.best,
                worst_rank=its.worst,
                seeds=tuple(each.name for each in found.systems if each.model in alike and each.model != model),
            )
        )
    return tuple(rows)


def _of_seeds(systems: Sequence[RankedSystem]) -> list[str]:
    """What is to be said of systems that differ in their seed alone."""
    groups = dict.fromkeys(frozenset((each.system, *each.seeds)) for each in systems if each.seeds)
    return [
        f"{' and '.join(sorted(group))} are seeds of one recipe, ranked one by one: where each stands says nothing of "
        "the recipe, of which `dragoman results` has the mean."
        for group in groups
    ]


def _shares(found: Entrants, made: Systems, pairs: Sequence[Pair]) -> list[PartitionShare]:
    """What each partition adds to the difference between the first system and each other."""
    sign = 1 if found.kind.higher_is_better else -1
    weights = [panel.weight for block in made.blocks for panel in block]
    first, *others = made.order
    rows = []
    for place in others:
        own = found.systems[place]
        of = own if len({own.partitions[pair] for pair in pairs}) > 1 else found.systems[first]
        partitions = [of.partitions[pair] for pair in pairs]
        gaps = (sign * (made.values[first] - made.values[place])).tolist()
        total = fsum(weight * gap for weight, gap in zip(weights, gaps, strict=True))
        for partition in (*Partition, None):
            held = [weights[at] * gaps[at] for at, its in enumerate(partitions) if its is partition]
            if held:
                rows.append(
                    PartitionShare(
                        system=own.name,
                        partitions_of=of.name,
                        partition=partition or UNKNOWN,
                        pairs=len(held),
                        ahead=fsum(held),
                        share=100 * fsum(held) / total if total else None,
                    )
                )
    return rows
