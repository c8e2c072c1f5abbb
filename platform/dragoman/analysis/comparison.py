"""Comparison of two models on the pairs both have: differences, paired tests over the whole grid, wins and losses."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from dragoman.analysis.aggregation import Mask, ScopeMeans, masks_by_scope, means_by_scope, scopes_of
from dragoman.analysis.caption import Caption, captions_of_both
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_differences import PairDifference, higher_is_better, pair_differences, two_models
from dragoman.analysis.pair_scores import read_columns
from dragoman.analysis.pair_tests import ModelTests, model_tests, tested
from dragoman.analysis.replicability import NONE, PValues, replicated
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.segment_statistics import has_too_many
from dragoman.analysis.significance_plan import ALPHA, Plan
from dragoman.analysis.summed_scopes import summed_by_scope
from dragoman.analysis.units import Unit
from dragoman.metrics.resampling import SEED
from dragoman.metrics.significance import Correction, Test, adjusted
from dragoman.store.records import Record
from dragoman.store.schema import PARTITION_IDS, ModelRow
from dragoman.store.store import Store


class ScopeDifference(Record):
    """The pairs of one partition of model b, or of `unseen`, `unknown` or `all`, taken together."""

    scope: str
    """The scope."""
    done: int
    """Pairs that both have a score for: k ..."""
    pairs: int
    """... of n planned."""
    shared: int | None = None
    """Of the `done` pairs those that are in the scope under model a too; None where that was not looked up."""
    mean_a: float | None
    """Mean score of model a over the `done` pairs."""
    mean_b: float | None
    """Mean score of model b over the same."""
    delta: float | None
    """b minus a."""
    low: float | None = None
    """Lower end of the 95% interval of `delta`, of the same test as that of pairs."""
    high: float | None = None
    """Upper end of it."""
    p_value: float | None = None
    """Two-sided p-value of `delta`."""
    p_is_floor: bool = False
    """Whether that is the smallest that the test's trials can give: the true one may be far below."""
    adjusted: float | None = None
    """The p-value adjusted for the number of scopes, a family of its own."""
    languages_low: float | None = None
    """Lower end of the 95% interval with other languages too (`analysis.languages`); None where they are too few."""
    languages_high: float | None = None
    """Upper end of it."""
    wins: int
    """Pairs on which b is better than a."""
    losses: int
    """Pairs on which it is worse."""
    ties: int
    """Pairs on which they are equal."""
    significant_wins: int | None = None
    """Wins that are significant; None where no pair could be tested."""
    significant_losses: int | None = None
    """Losses that are significant."""
    better_on: int | None = None
    """b is better on at least so many of the `done` pairs, at the level of the comparison; None as above."""
    better_into: int | None = None
    """It is better, on a pair at least, into at least so many of the `targets`."""
    worse_on: int | None = None
    """b is worse on at least so many of the `done` pairs."""
    worse_into: int | None = None
    """It is worse, on a pair at least, into at least so many of the `targets`."""
    targets: int | None = None
    """Target languages of the `done` pairs."""


class Comparison(Record):
    """Model b against model a."""

    a: str
    """The baseline."""
    b: str
    """The model that is compared with it."""
    metric: str
    """Name of the metric."""
    test: Test
    """How pairs are tested: as requested, or by intervals where that can't be; `note` has the reason."""
    correction: Correction
    """How their p-values are adjusted."""
    alpha: float
    """The level of significance of adjusted p-values."""
    samples: int | None
    """Resamples, or trials, of each paired test; None where none was made."""
    scope_test: Test = Test.RANDOMIZATION
    """How scopes are tested, which is always a paired test."""
    scope_samples: int | None = None
    """Resamples, or trials, of that; None where none was made."""
    seed: int = SEED
    """Seed of the deals or draws."""
    unit: Unit = Unit.SENTENCE
    """What is dealt or drawn, as asked; `basis` has what it is."""
    signatures: tuple[str, ...] = ()
    """Signatures of the scores; several where they vary with the target language."""
    micro: bool = False
    """Whether means over pairs weigh each by its segments."""
    caption_a: Caption | None = None
    """What a's scores were measured on, and how."""
    caption_b: Caption | None = None
    """Likewise of b."""
    scopes: tuple[ScopeDifference, ...]
    """The partitions of b that occur, then `unseen` and `all`."""
    pairs: tuple[PairDifference, ...]
    """Every pair both have, sorted."""
    note: str | None = None
    """What else differs between the two than the model, and what was tested otherwise than requested, as sentences."""
    basis: str | None = None
    """What intervals and p-values are about, and of what they are made, as sentences."""
    is_quoted: bool = False
    """Whether scores of one are quoted: then nothing is tested, and no level, correction or seed means anything."""

    @property
    def how(self) -> str | None:
        """The test and correction, as a clause to follow "significant at 0.05"; None where no pair could be tested."""
        if not any(pair.test for pair in self.pairs):
            return None
        correction = {
            Correction.HOLM: "adjusted after Holm",
            Correction.BH: "adjusted after Benjamini and Hochberg",
            Correction.NONE: "not adjusted",
        }[self.correction]
        if self.test is Test.INTERVALS:
            return f"by the two scores' 95% intervals, {correction}; paired tests find more"
        if self.test is Test.SACREBLEU_BS:
            return f"by sacreBLEU's paired bootstrap, whose p is one-sided, {self.samples} samples, {correction}"
        return f"by paired {self.test}, {self.samples} samples, {correction}"


def compare(
    store: Store,
    question: ScoreQuestion,
    *,
    a: str,
    b: str,
    test: Test = Test.RANDOMIZATION,
    correction: Correction = Correction.HOLM,
    alpha: float = ALPHA,
    samples: int | None = None,
    seed: int = SEED,
    unit: Unit = Unit.SENTENCE,
) -> Comparison:
    """Compare model b with model a on the pairs that both have a score for.

    Args:
        store: the store.
        question: the question; its prompt is that of the models whose names have none.
        a: name of the baseline in the grid: a model's, `MODEL:PROMPT`, or that of a baseline which is the base; of
            another grid as `GRID/...`.
        b: likewise of the model in question.
        test: how the difference on each pair is tested, where it can be tested so (`testing.tested`).
        correction: how p-values are adjusted for the number of pairs.
        alpha: the level of significance of adjusted p-values, between 0 and 1.
        samples: resamples or trials of each test, 100 to 100,000; by default enough that chance in making them seldom
            decides (`significance.samples_for`).
        seed: of the draws; p-values are sacreBLEU's for the same seed and number of samples.
        unit: what is dealt or drawn.

    Raises:
        StoreError: something named is not there or out of range, or scores would be mixed that can't be compared.
    """
    plan = Plan(test, correction, alpha, samples, seed, unit)
    plan.check()
    with reading(store, question, a, b) as connection:
        part, a_id, b_id, note = two_models(connection, question, a=a, b=b)
        columns = read_columns(connection, part, model_id=b_id, other_id=a_id)
        tests = model_tests(
            connection, part, columns, ids=(b_id, a_id), plan=plan, micro=question.micro, blobs=store.blobs
        )
        pairs, widths = pair_differences(connection, part, a_id, b_id)
        basis, captions = about(connection, {a_id, b_id}), captions_of_both(connection, part, a_id, b_id)
    found = tested(question.metric, pairs, widths, tests, plan)
    means = means_by_scope(columns, micro=question.micro)
    scopes = _with_shared(scopes_of_means(means, question, tests, correction), found.pairs)
    if any(pair.test for pair in found.pairs):
        scopes = with_significance(scopes, Verdicts.of(found.pairs, higher_is_better(question.metric)), alpha)
    return Comparison(
        a=a,
        b=b,
        metric=question.metric,
        test=found.test,
        correction=correction,
        alpha=alpha,
        samples=found.samples,
        scope_test=Test.RANDOMIZATION if test is Test.INTERVALS else test,
        scope_samples=tests.joint.samples if tests.joint else None,
        seed=seed,
        unit=unit,
        signatures=columns.signatures,
        micro=question.micro,
        caption_a=captions[0],
        caption_b=captions[1],
        scopes=tuple(scopes),
        pairs=tuple(found.pairs),
        note=" ".join([note, *found.notes] if note else found.notes) or None,
        basis=" ".join([basis, *([tests.units] if tests.units else [])]),
    )


def scope_differences(
    store: Store, question: ScoreQuestion, *, a: str, b: str, resample: bool = True
) -> list[ScopeDifference]:
    """The scopes of `compare` alone; arguments and errors as there.

    Without `resample` they have no intervals and p-values, which take seconds for a thousand pairs.
    """
    with reading(store, question, a, b) as connection:
        part, a_id, b_id, _ = two_models(connection, question, a=a, b=b)
        ids, micro, tests = (b_id, a_id), question.micro, ModelTests(None)
        if has_too_many(connection, part, b_id):
            means = summed_by_scope(connection, part, model_id=b_id, other_id=a_id, micro=micro)
        else:
            columns = read_columns(connection, part, model_id=b_id, other_id=a_id)
            means = means_by_scope(columns, micro=micro)
            if resample:
                tests = model_tests(
                    connection, part, columns, ids=ids, plan=Plan(), micro=micro, blobs=store.blobs, for_scopes=True
                )
    return scopes_of_means(means, question, tests, Correction.HOLM)


def captions_of_compared(store: Store, question: ScoreQuestion, *, a: str, b: str) -> tuple[Caption, Caption]:
    """The captions of both models of a comparison; arguments and errors as for `compare`."""
    with reading(store, question, a, b) as connection:
        part, a_id, b_id, _ = two_models(connection, question, a=a, b=b)
        return captions_of_both(connection, part, a_id, b_id)


def about(connection: Connection, models: Collection[int]) -> str:
    """What intervals and p-values of some models' differences are about, as sentences.

    Args:
        connection: a reading transaction.
        models: numbers of the models.
    """
    parents = connection.execute(select(ModelRow.parent_id).where(ModelRow.id.in_(models))).scalars()
    said = "Intervals and p are about these pairs and these checkpoints, on other sentences of this kind."
    return f"{said} One checkpoint each: they say nothing of the recipe." if any(parents) else said


def scopes_of_means(
    means: Mapping[str, ScopeMeans], question: ScoreQuestion, tests: ModelTests, correction: Correction
) -> list[ScopeDifference]:
    """The scopes of a comparison.

    Args:
        means: the means of both models by scope.
        question: the question.
        tests: the tests of their differences.
        correction: how p-values are adjusted for the number of scopes.
    """
    higher = higher_is_better(question.metric)
    results = {scope: result for scope in means if (result := tests.scope(scope)) is not None}
    corrected = dict(
        zip(results, adjusted([each.p_value for each in results.values()], correction).tolist(), strict=True)
    )
    rows = []
    for scope, found in means.items():
        wins, losses = (found.above, found.below) if higher else (found.below, found.above)
        result, languages = results.get(scope), tests.over_languages(scope)
        rows.append(
            ScopeDifference(
                scope=scope,
                done=found.both,
                pairs=found.pairs,
                mean_a=found.other_mean,
                mean_b=found.both_mean,
                delta=found.gain,
                low=result.low if result else None,
                high=result.high if result else None,
                p_value=result.p_value if result else None,
                p_is_floor=result.p_is_floor if result else False,
                adjusted=corrected.get(scope),
                languages_low=languages.low if languages else None,
                languages_high=languages.high if languages else None,
                wins=wins,
                losses=losses,
                ties=found.both - wins - losses,
            )
        )
    return rows


def _with_shared(scopes: Sequence[ScopeDifference], pairs: Sequence[PairDifference]) -> list[ScopeDifference]:
    """Scopes with the number of their pairs that are in them under both models."""
    shared = Counter(
        scope for each in pairs for scope in {*scopes_of(each.partition_a)} & {*scopes_of(each.partition_b)}
    )
    return [scope.model_copy(update={"shared": shared[scope.scope]}) for scope in scopes]


class Verdicts(NamedTuple):
    """The tests of the pairs that both models have a score for, as columns."""

    partitions: NDArray[np.int8]
    """Their partitions under model b, by their number in the store."""
    targets: NDArray[np.str_]
    """Their target languages."""
    is_win: Mask
    """On which b is better."""
    is_significant: Mask
    """On which the two differ significantly."""
    p_better: PValues
    """One-sided p-values of b's being better; NaN where there is no test."""
    p_worse: PValues
    """One-sided p-values of its being worse."""

    @classmethod
    def of(cls, pairs: Sequence[PairDifference], higher: bool) -> Self:
        """The columns of tested pairs; `higher` is whether higher scores are better."""
        return cls(
            np.array([PARTITION_IDS[each.partition_b] for each in pairs], np.int8),
            np.array([each.pair.target for each in pairs], np.str_),
            np.array([(each.delta > 0) is higher for each in pairs], np.bool_),
            np.array([bool(each.significant) for each in pairs], np.bool_),
            np.array([each.p_better for each in pairs], np.float64),
            np.array([each.p_worse for each in pairs], np.float64),
        )


def with_significance(scopes: Sequence[ScopeDifference], found: Verdicts, alpha: float) -> list[ScopeDifference]:
    """Scopes with the number of their significant wins and losses, and of pairs and languages that these replicate on.

    Args:
        scopes: the scopes.
        found: the tests of their pairs.
        alpha: the level of significance.
    """
    masks = masks_by_scope(found.partitions)
    better, worse = (
        replicated(p_values, partitions=found.partitions, targets=found.targets, alpha=alpha)
        for p_values in (found.p_better, found.p_worse)
    )
    rows = []
    for scope in scopes:
        held = masks.get(scope.scope, np.zeros(len(found.partitions), np.bool_))
        wins, losses = (better.get(scope.scope, NONE), worse.get(scope.scope, NONE))
        counts = {
            "significant_wins": int((held & found.is_significant & found.is_win).sum()),
            "significant_losses": int((held & found.is_significant & ~found.is_win).sum()),
            "better_on": wins.pairs,
            "better_into": wins.targets,
            "worse_on": losses.pairs,
            "worse_into": losses.targets,
            "targets": len(np.unique(found.targets[held])),
        }
        rows.append(scope.model_copy(update=counts))
    return rows
