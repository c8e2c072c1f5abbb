"""Comparison of two models on the pairs both have: differences, paired tests over the whole grid, wins and losses."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from dragoman.analysis.aggregation import Mask, masks_by_scope, means_by_scope
from dragoman.analysis.pair_differences import PairDifference, higher_is_better, pair_differences, two_models
from dragoman.analysis.pair_scores import PairColumns, read_columns
from dragoman.analysis.pair_tests import ModelTests, model_tests, tested
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.significance_plan import ALPHA, Plan
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
    scopes: tuple[ScopeDifference, ...]
    """The partitions of b that occur, then `unseen` and `all`."""
    pairs: tuple[PairDifference, ...]
    """Every pair both have, sorted."""
    note: str | None = None
    """What else differs between the two than the model, and what was tested otherwise than requested, as sentences."""
    basis: str | None = None
    """What intervals and p-values are about, and of what they are made, as sentences."""

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
    with store.database.reading() as connection:
        part, a_id, b_id, note = two_models(connection, question, a=a, b=b)
        columns = read_columns(connection, part, model_id=b_id, other_id=a_id)
        tests = model_tests(
            connection, part, columns, ids=(b_id, a_id), plan=plan, micro=question.micro, blobs=store.blobs
        )
        pairs, widths = pair_differences(connection, part, a_id, b_id)
        about = _about(connection, {a_id, b_id})
    found = tested(question.metric, pairs, widths, tests, plan)
    scopes = _scopes(columns, question, tests, correction)
    if any(pair.test for pair in found.pairs):
        scopes = with_significance(
            scopes,
            partitions=np.array([PARTITION_IDS[pair.partition_b] for pair in found.pairs], np.int8),
            is_win=np.array([(pair.delta > 0) is higher_is_better(question.metric) for pair in found.pairs], np.bool_),
            is_significant=np.array([bool(pair.significant) for pair in found.pairs], np.bool_),
        )
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
        scopes=tuple(scopes),
        pairs=tuple(found.pairs),
        note=" ".join([note, *found.notes] if note else found.notes) or None,
        basis=" ".join([about, *([tests.units] if tests.units else [])]),
    )


def scope_differences(
    store: Store, question: ScoreQuestion, *, a: str, b: str, resample: bool = True
) -> list[ScopeDifference]:
    """The scopes of `compare` alone; arguments and errors as there.

    Without `resample` they have no intervals and p-values, which take seconds for a thousand pairs.
    """
    with store.database.reading() as connection:
        part, a_id, b_id, _ = two_models(connection, question, a=a, b=b)
        columns = read_columns(connection, part, model_id=b_id, other_id=a_id)
        tests = ModelTests(None)
        if resample:
            tests = model_tests(
                connection, part, columns, ids=(b_id, a_id), plan=Plan(), micro=question.micro, blobs=store.blobs
            )
    return _scopes(columns, question, tests, Correction.HOLM)


def _about(connection: Connection, models: Collection[int]) -> str:
    """What the intervals of two models' differences are about."""
    parents = connection.execute(select(ModelRow.parent_id).where(ModelRow.id.in_(models))).scalars()
    about = "Intervals and p are about these pairs and these checkpoints, on other sentences of this kind."
    return f"{about} One checkpoint each: they say nothing of the recipe." if any(parents) else about


def _scopes(
    columns: PairColumns, question: ScoreQuestion, tests: ModelTests, correction: Correction
) -> list[ScopeDifference]:
    higher = higher_is_better(question.metric)
    means = means_by_scope(columns, micro=question.micro)
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


def with_significance(
    scopes: Sequence[ScopeDifference], *, partitions: NDArray[np.int8], is_win: Mask, is_significant: Mask
) -> list[ScopeDifference]:
    """Scopes with the number of their significant wins and losses.

    Args:
        scopes: the scopes.
        partitions: the partition of each pair under model b, by its number in the store.
        is_win: on which pairs b is better.
        is_significant: on which pairs the two differ significantly.
    """
    masks = masks_by_scope(partitions, chosen=is_significant)
    none = np.zeros(len(partitions), np.bool_)
    counts = {scope.scope: masks.get(scope.scope, none) for scope in scopes}
    return [
        scope.model_copy(
            update={
                "significant_wins": int((counts[scope.scope] & is_win).sum()),
                "significant_losses": int((counts[scope.scope] & ~is_win).sum()),
            }
        )
        for scope in scopes
    ]
