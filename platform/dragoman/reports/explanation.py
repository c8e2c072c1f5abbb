"""Report of an explanation: correlations of factors with quality, the model of pairs, and the languages behind both."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dragoman.analysis.aggregation import ALL, SCOPES
from dragoman.analysis.caption import caption_line, caption_of
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import metric_names, model_names, systems
from dragoman.analysis.test_sets import test_sets_of
from dragoman.errors import StoreError, nearest
from dragoman.explanation.explanation import Explanation, FactorCorrelation, ModelExplanation, explain
from dragoman.explanation.factors import FACTORS, OF_PAIRS, PRETRAINING, FactOptions
from dragoman.explanation.quality import ROLES, By
from dragoman.explanation.similarity import CLDR, MEASURES
from dragoman.metrics.resampling import SEED
from dragoman.reports.analysis_report import AnalysisReport, Choice, texts_of
from dragoman.reports.choices import asked_of, chosen_metric, chosen_models
from dragoman.reports.explanation_drawings import drawings
from dragoman.store.store import Store
from dragoman.tables.table import Column, Row, Table, interval, number, p_value, share, word


def explanation_report(
    store: Store,
    question: ScoreQuestion,
    options: FactOptions,
    *,
    models: Sequence[str] = (),
    gains: bool = False,
    factors: Sequence[str] = (),
    scope: str | None = None,
    by: By = By.MEANS,
    permutations: int | None = None,
    seed: int = SEED,
) -> AnalysisReport:
    """The report of an explanation; arguments and errors as for `explain`."""
    found = explain(
        store, question, chosen_models(store, question.grid, models), options,
        gains=gains, factors=factors, scope=scope, by=by, permutations=permutations, seed=seed,
    )  # fmt: skip
    asked = asked_of(store, question)
    what = f"gain over the base in {question.metric}" if gains else question.metric
    whole = scope or ALL
    return AnalysisReport(
        name="explain",
        title=f"Why the models of {asked} are good where they are",
        subject=question.grid,
        about=_about(store, found, whole),
        tables=(
            _correlations("correlations", f"{asked}: factors and {what}, {whole} pairs", found, [whole]),
            _partial(f"{asked}: each factor with the others held, {what}, {whole} pairs", found, whole),
            _effects(f"{asked}: model of pairs, {what}", found),
            _shares(f"{asked}: what each factor adds to the model of pairs", found),
            _languages("languages", f"{asked}: languages as source and as target, {what}", found, [whole]),
            replace(
                _correlations("partitions", f"{asked}: factors and {what} by partition", found, SCOPES), detail=True
            ),
            _remainders(f"{asked}: what the terms of the model of pairs and {what} have beyond the others", found),
            replace(_languages("qualities", f"{asked}: languages by partition, {what}", found, SCOPES), detail=True),
        ),
        drawings=drawings(found, what, whole),
        notes=_notes(found),
        choices=_choices(store, question, options, models, gains=gains, factors=factors, scope=scope, by=by),
    )


def explanation_of(store: Store, asked: Mapping[str, str]) -> AnalysisReport:
    """The report of what an address asks for: `grid`, and any of the choices.

    Raises:
        DragomanError: something named is not there.
    """
    grid = asked["grid"]
    question = ScoreQuestion(
        grid, chosen_metric(store, grid, asked.get("metric")), prompt=asked.get("prompt"),
        test_set=asked.get("test_set"), lines=asked.get("lines"),
    )  # fmt: skip
    options = FactOptions(similarity=asked.get("similarity", CLDR), to=asked.get("to", "en"))
    factor, model = asked.get("factor"), asked.get("model")
    return explanation_report(
        store, question, options, models=[model] if model else [], gains=asked.get("of") == "gains",
        factors=factor.split(",") if factor else [], scope=asked.get("partition"),
        by=_by(asked.get("by", By.MEANS)),
    )  # fmt: skip


_OF_QUALITY = {
    By.MEANS: "A language's quality is the mean of its pairs' scores, whatever the others' scales; it leaves out the "
    "pair with itself, so that where sources differ much, strong ones look weak as targets: effects (--by effects) "
    "compare like with like.",
    By.EFFECTS: "A language's quality is its effect beside that of the other side, in a sum of both by least squares; "
    "none where the pairs fall apart, so that nothing compares their languages.",
}


def _about(store: Store, found: Explanation, scope: str) -> tuple[str, ...]:
    languages = len(found.facts.languages)
    counts = {each.found.n for model in found.models for each in model.correlations if each.scope == scope}
    over = f"{min(counts)} to {max(counts)}" if len(counts) > 1 else str(min(counts, default=languages))
    captions = {each.model: caption_of(store, found.question, model=each.model) for each in found.models}
    return (
        f"Over {languages} languages (correlations over {over} of them): few, so intervals are wide.",
        *found.facts.about,
        *filter(None, [caption_line(captions)]),
    )


def _notes(found: Explanation) -> tuple[str, ...]:
    metric = found.question.metric
    return (
        f"p: two-sided, from {found.permutations:,} permutations of the languages (seed {found.seed}), or all of them "
        "where there are fewer; intervals: over other languages, which p does not ask about, so that the two may "
        "differ at the margin.",
        _OF_QUALITY[found.by],
        *(
            []
            if higher_is_better(metric)
            else [f"Of {metric}, less is better: a negative correlation is the good one."]
        ),
        *dict.fromkeys(found.facts.missing.values()),
        *(f"{model.model}: {note}" for model in found.models for note in model.notes),
    )


def _row(found: Explanation, model: ModelExplanation, **values: Any) -> Row:
    """A row with what CSV and JSON say in each."""
    question = found.question
    return {
        "model": model.model, **values, "n_of": "languages", "metric": question.metric,
        "of": "gains" if found.is_of_gains else "scores", "by": found.by.value, "prompt": question.prompt,
        "test_set": question.test_set,
        "lines": question.lines, "permutations": found.permutations, "seed": found.seed,
        "signature": list(model.signatures),
    }  # fmt: skip


def _by(name: str) -> By:
    if name not in list(By):
        raise StoreError(f"The quality of a language can't be read by '{name}'; {nearest(name, By)}")
    return By(name)


def _correlation(found: Explanation, model: ModelExplanation, each: FactorCorrelation) -> Row:
    return _row(
        found, model, pairs=each.scope, role=each.role, factor=each.factor, held=list(each.held),
        estimate=each.found.estimate, low=each.found.low, high=each.found.high, p=each.found.p,
        p_is_floor=each.found.p_is_floor, adjusted=each.adjusted, n=each.found.n,
    )  # fmt: skip


_OF_CORRELATION: Sequence[Column] = (
    number("estimate", "ρ", digits=2, sign=True), interval("low", "high", digits=2, sign=True), p_value("p"),
)  # fmt: skip


def _correlations(name: str, title: str, found: Explanation, scopes: Sequence[str]) -> Table:
    """Spearman's correlations of each factor with quality."""
    rows = [
        _correlation(found, model, each)
        for model in found.models
        for each in model.correlations
        if not each.held and each.scope in scopes
    ]
    columns = [
        word("model"), word("pairs"), word("role", "language as"), word("factor"), *_OF_CORRELATION,
        p_value("adjusted", "adjusted p"), number("n", "languages", digits=0),
    ]  # fmt: skip
    notes = ["ρ: Spearman's; adjusted p: after Holm, for the tests of that model on those pairs."] if rows else []
    return Table(name=name, title=title, columns=columns, content=rows, notes=notes, group=("model", "role"), stub=4)


def _partial(title: str, found: Explanation, scope: str) -> Table:
    """Partial correlations."""
    rows = [
        _correlation(found, model, each)
        for model in found.models
        for each in model.correlations
        if each.held and each.scope == scope
    ]
    held = Column("held", "held", lambda row: ", ".join(row["held"]), right=False)
    columns = [
        word("model"), word("role", "language as"), word("factor"), held, *_OF_CORRELATION,
        number("n", "languages", digits=0),
    ]  # fmt: skip
    return Table(name="partial", title=title, columns=columns, content=rows, group=("model", "role"), stub=4)


def _effects(title: str, found: Explanation) -> Table:
    """The coefficients of the model of pairs."""
    rows = [
        _row(
            found, model, factor=each.factor, term=each.name, estimate=each.estimate, low=each.low, high=each.high,
            p=each.p, p_is_floor=each.p_is_floor, points=each.points, n=model.pairs.n, pairs=model.pairs.pairs,
            languages=list(model.languages),
        )
        for model in found.models
        if model.pairs
        for each in model.pairs.coefficients
    ]  # fmt: skip
    columns = [
        word("model"), word("factor"), word("term", "of"), number("estimate", "β", digits=2, sign=True),
        interval("low", "high", digits=2, sign=True), p_value("p"), number("points", digits=2, sign=True),
        number("n", "languages", digits=0), number("pairs", digits=0),
    ]  # fmt: skip
    notes = [
        "β: standard deviations of the score for one of the factor, the other factors and the partition alike; points: "
        "the same in points of the metric. p: rows and columns of what the term has beyond the others permuted "
        "together (double semi-partialing). Intervals: from leaving out each language with its pairs."
    ]
    return Table(
        name="effects", title=title, columns=columns, content=rows, group="model", stub=3, notes=notes if rows else ()
    )


def _shares(title: str, found: Explanation) -> Table:
    """How much each factor adds, and all of them explain."""
    rows = []
    for model in found.models:
        if model.pairs is None:
            continue
        counted = {"n": model.pairs.n, "pairs": model.pairs.pairs}
        rows.append(
            _row(
                found, model, factor="all together", terms=len(model.pairs.coefficients), estimate=model.pairs.r2,
                held_out=model.pairs.held_out, p=None, p_is_floor=False, **counted,
            )
        )  # fmt: skip
        rows += [_row(found, model, **each._asdict(), **counted) for each in model.pairs.shares]
    columns = [
        word("model"), word("factor"), number("terms", digits=0), number("estimate", "R²", digits=3),
        number("held_out", "R² of languages left out", digits=3), p_value("p"), number("n", "languages", digits=0),
        number("pairs", digits=0),
    ]  # fmt: skip
    notes = [
        "R²: of all together, share of the variance explained; of a factor, how much less without it. Of languages "
        "left out: of the pairs of each language by a model without them; below zero it tells less than the mean does."
    ]
    return Table(
        name="shares", title=title, columns=columns, content=rows, group="model", stub=2, notes=notes if rows else ()
    )


def _remainders(title: str, found: Explanation) -> Table:
    """The points of the partial residual plots."""

    def rows() -> list[Row]:
        return [
            _row(
                found, model, factor=each.factor, term=each.name, source=model.languages[source],
                target=model.languages[target], score=score, beyond=beyond, score_beyond=left,
            )
            for model in found.models
            if model.pairs
            for each, sides in zip(model.pairs.coefficients, model.pairs.remainders, strict=True)
            for source, target, score, beyond, left in zip(
                *model.pairs.cells, model.pairs.observed.tolist(), *(side.tolist() for side in sides), strict=True
            )
        ]  # fmt: skip

    columns = [
        word("model"), word("factor"), word("term", "of"), word("source"), word("target"), number("score", digits=2),
        number("beyond", "beyond the other terms", digits=3, sign=True),
        number("score_beyond", "score, likewise", digits=3, sign=True),
    ]  # fmt: skip
    return Table(name="residuals", title=title, columns=columns, content=rows, group=("model", "term"), detail=True)


def _languages(name: str, title: str, found: Explanation, scopes: Sequence[str]) -> Table:
    """The quality of each language, and its factors."""
    shown = [factor for factor in FACTORS if any(factor in model.factors for model in found.models)]
    rows = []
    for model in found.models:
        for scope in dict.fromkeys(scope for scope, _ in model.qualities if scope in scopes):
            sides = {role: model.qualities[scope, role] for role in ROLES}
            for place, tag in enumerate(found.facts.languages):
                values: dict[str, Any] = {"pairs": scope, "language": tag}
                for role, side in sides.items():
                    values |= {
                        f"{role}_mean": _plain(side.values[place]),
                        f"{role}_done": int(side.done[place]),
                        f"{role}_planned": int(side.pairs[place]),
                    }
                for factor in shown:
                    known = model.factors.get(factor)
                    values |= {
                        f"{role}_{factor}": None if known is None else _plain(getattr(known, role)[place])
                        for role in ROLES
                    }
                rows.append(_row(found, model, **values))
    columns = [word("model"), word("pairs"), word("language")]
    for role in ROLES:
        columns += [
            number(f"{role}_mean", f"as {role}"),
            share(f"{role}_done", f"{role}_done", f"{role}_planned", "pairs"),
        ]
    columns += [number(f"source_{factor}", factor, digits=2) for factor in shown if factor not in ("pairs", "examples")]
    for factor in ("pairs", "examples"):
        if factor in shown:
            columns += [number(f"{role}_{factor}", f"{factor}, {role}", digits=2) for role in ROLES]
    return Table(name=name, title=title, columns=columns, content=rows, group=("model", "pairs"), stub=3)


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _choices(
    store: Store,
    question: ScoreQuestion,
    options: FactOptions,
    models: Sequence[str],
    *,
    gains: bool,
    factors: Sequence[str],
    scope: str | None,
    by: By,
) -> tuple[Choice, ...]:
    names = (("", "all"), *texts_of(model_names(store, question.grid)))
    prompts = list(dict.fromkeys(str(each.prompt) for each in systems(store, question.grid) if each.prompt is not None))
    sets = test_sets_of(store, question.grid)
    lists = [*FACTORS, ",".join(OF_PAIRS), f"{PRETRAINING},parity"]
    return (
        Choice("metric", "Metric", texts_of(metric_names(store, question.grid)), question.metric),
        Choice("of", "What is explained", (("scores", "scores"), ("gains", "gains over the base")),
               "gains" if gains else "scores"),
        Choice("model", "Model", names, models[0] if len(models) == 1 else ""),
        Choice("partition", "Pairs", (("", "all, and by partition"), *texts_of(SCOPES)), scope or ""),
        Choice("by", "Quality of a language", texts_of(list(By)), by),
        Choice("factor", "Factors", (("", "all"), *((each, each.replace(",", " and ")) for each in lists)),
               ",".join(factors)),
        Choice("similarity", "Similarity", texts_of(list(MEASURES)), options.similarity),
        *([Choice("prompt", "Prompt", texts_of(prompts), question.prompt or prompts[0])] if len(prompts) > 1 else []),
        *([Choice("test_set", "Test set", texts_of(sets), question.test_set or sets[0])] if len(sets) > 1 else []),
    )  # fmt: skip
