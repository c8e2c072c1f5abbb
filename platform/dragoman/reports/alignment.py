"""Report of alignment: measures by layer before and after finetuning, of pairs, and against scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from dragoman.alignment.findings import (
    FEWEST_LANGUAGES,
    AlignedModel,
    LayerFinding,
    ScoreFinding,
    aligned_models,
    layer_findings,
    score_findings,
)
from dragoman.alignment.measures import MARGIN_NEIGHBOURS, MUTUAL_NEIGHBOURS, mutual_knn_chance
from dragoman.alignment.named_measures import MEASURES, NamedMeasure
from dragoman.alignment.parallel_lines import ParallelLines, parallel_lines
from dragoman.analysis.pair_scores import pair_columns
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import metric_names
from dragoman.errors import StoreError, nearest
from dragoman.figures import new_figure, series_style
from dragoman.pair import Pair
from dragoman.reports.analysis_report import Analysis, AnalysisReport, Choice, Drawing, texts_of
from dragoman.reports.choices import asked_of, chosen_metric
from dragoman.store.alignment_records import AlignmentRecord, Pooling
from dragoman.store.store import Store
from dragoman.tables.table import Row, Table, interval, number, p_value, spaced, under, word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PERMUTATIONS = 2_000
"""Permutations of the languages in each test by default: there is one for each layer, model and partition."""


@dataclass(frozen=True, kw_only=True)
class AlignmentChoice:
    """What of the stored alignments is shown."""

    measure: str = next(iter(MEASURES))
    """Name of the measure of changes, correlations and figures."""
    pooling: Pooling = Pooling.MEAN
    """How a sentence's tokens were made one vector."""
    models: tuple[str, ...] = ()
    """Only these models, and the base that they are compared with; all by default."""
    layers: tuple[int, ...] | None = None
    """Only these layers; all by default."""
    permutations: int = PERMUTATIONS
    """Of the languages, in each test."""


def alignment_report(
    store: Store, question: ScoreQuestion, lines: ParallelLines, choice: AlignmentChoice
) -> AnalysisReport:
    """The alignments of a grid's models that the store has.

    Args:
        store: the store.
        question: the scores that they are held against.
        lines: the sentences.
        choice: what of it.

    Raises:
        StoreError: none are stored; there is no such measure or model; or scores would be mixed that can't be compared.
    """
    measure = _measure(choice.measure)
    grid = question.grid
    models = aligned_models(
        store, grid, lines, choice.pooling, models=choice.models and ("base", *choice.models), layers=choice.layers
    )
    if not models:
        raise StoreError(
            f"No alignment of the grid {grid} on these lines is measured yet: `dragoman align {grid}` does it."
        )
    by_layer = layer_findings(models, measure)
    by_score = score_findings(store, question, models, measure, permutations=choice.permutations)
    title = asked_of(store, question)
    best = best_layers(by_layer, measure)
    in_best = [each for each in by_score if each.layer == best.get(each.model)]
    return AnalysisReport(
        name="align",
        title="Alignment of languages by layer",
        subject=grid,
        about=(
            f"Test set {title}: {lines.count} sentences in {len(lines.texts)} languages ({', '.join(lines.texts)}), "
            f"{len(lines.texts) * (len(lines.texts) - 1)} directed pairs; {choice.pooling} of the states of a "
            "sentence's tokens, special ones left out; layer 0 is what goes into the first.",
            f"Scores: {question.metric}.",
        ),
        tables=(
            _layers(title, models),
            _changes(title, by_layer, measure),
            _scores(title, in_best, measure, question, choice.permutations),
            _scores(title, by_score, measure, question, choice.permutations, of_all_layers=True),
            _pairs(title, models),
        ),
        drawings=_drawings(store, question, models, by_layer, best, measure),
        notes=_notes(measure),
        choices=(
            Choice("measure", "Measure", tuple((each.name, each.label) for each in MEASURES.values()), measure.name),
            Choice("metric", "Scores", texts_of(metric_names(store, grid)), question.metric),
            Choice("pooling", "Pooling", texts_of(list(Pooling)), choice.pooling),
        ),
    )


def _asked(store: Store, asked: Mapping[str, str]) -> AnalysisReport:
    """The report that a page's address asks for."""
    grid = asked["grid"]
    pooling = asked.get("pooling") or Pooling.MEAN
    if pooling not in list(Pooling):
        raise StoreError(f"There is no pooling '{pooling}'; {nearest(pooling, list(Pooling))}")
    question = ScoreQuestion(
        grid,
        chosen_metric(store, grid, asked.get("metric") or None),
        prompt=asked.get("prompt") or None,
        test_set=asked.get("test_set") or None,
    )
    choice = AlignmentChoice(measure=asked.get("measure") or next(iter(MEASURES)), pooling=Pooling(pooling))
    return alignment_report(store, question, parallel_lines(store, grid, test_set=question.test_set), choice)


ANALYSIS = Analysis("Alignment of languages", "grid", _asked)
"""The analysis as pages list it."""


def best_layers(findings: Sequence[LayerFinding], measure: NamedMeasure) -> dict[str, int]:
    """The layer of each model in which languages are most alike."""
    sign = 1 if measure.higher_is_better else -1
    ordered = sorted(findings, key=lambda each: (sign * each.estimate, -each.layer))
    return {each.model: each.layer for each in ordered}


def _measure(name: str) -> NamedMeasure:
    if name not in MEASURES:
        raise StoreError(f"There is no measure '{name}' of alignment; {nearest(name, MEASURES)}")
    return MEASURES[name]


def _mean(records: Mapping[Pair, AlignmentRecord], name: str) -> float | None:
    values = [value for record in records.values() if (value := getattr(record, name)) is not None]
    return float(np.mean(values)) if values else None


_FIGURES = (
    "retrieval", "retrieval_centred", "retrieval_chance", "xsim_error", "xsim_error_centred", "cka", "cka_chance",
    "cka_unbiased", "mutual_knn", "mutual_knn_centred",
)  # fmt: skip


def _layers(title: str, models: Sequence[AlignedModel]) -> Table:
    rows = [
        {
            "model": model.name,
            "layer": layer,
            **{name: _mean(records, name) for name in _FIGURES},
            "xsim_chance": 1 - (_mean(records, "retrieval_chance") or 0.0),
            "mutual_knn_chance": mutual_knn_chance(next(iter(records.values())).lines),
            "n": len(records),
            "lines": next(iter(records.values())).lines,
        }
        for model in models
        for layer, records in model.records.items()
    ]
    return Table(
        name="layers",
        title=f"{title}: alignment by layer, mean over directed pairs",
        content=rows,
        columns=[
            word("model"), number("layer", digits=0),
            *under("retrieval", number("retrieval", "raw", 3), number("retrieval_centred", "centred", 3),
                   number("retrieval_chance", "chance", 3)),
            *under("xsim error", number("xsim_error", "raw", 3), number("xsim_error_centred", "centred", 3),
                   number("xsim_chance", "chance", 3)),
            *under("CKA", number("cka", "raw", 3), number("cka_chance", "chance", 3),
                   number("cka_unbiased", "unbiased", 3)),
            *under("mutual k-NN", number("mutual_knn", "raw", 3), number("mutual_knn_centred", "centred", 3),
                   number("mutual_knn_chance", "chance", 3)),
            number("n", "pairs", 0),
        ],
        group="model",
        stub=2,
    )  # fmt: skip


def _changes(title: str, findings: Sequence[LayerFinding], measure: NamedMeasure) -> Table:
    return Table(
        name="changes",
        title=f"{title}: {measure.label} by layer, and its change by finetuning",
        content=[{**asdict(each), "p_is_floor": False} for each in findings],
        columns=[
            word("model"), number("layer", digits=0), number("estimate", "mean", 3), interval("low", "high", digits=3),
            number("chance", digits=3), number("change", "minus base", 3, sign=True),
            interval("change_low", "change_high", digits=3, sign=True), p_value("p"),
            number("n", "pairs", 0), number("languages", digits=0),
        ],
        notes=[
            "Intervals and p are the jackknife's over languages: with other languages of this kind. One checkpoint "
            "each: they say nothing of the recipe.",
        ],
        group="model",
        stub=2,
    )  # fmt: skip


def _scores(
    title: str,
    findings: Sequence[ScoreFinding],
    measure: NamedMeasure,
    question: ScoreQuestion,
    permutations: int,
    *,
    of_all_layers: bool = False,
) -> Table:
    where = "by layer and partition" if of_all_layers else "in the layer where languages are most alike, by partition"
    return Table(
        name="scores_by_layer" if of_all_layers else "scores",
        title=f"{title}: {measure.label} against {question.metric}, {where}",
        detail=of_all_layers,
        content=[asdict(each) for each in findings],
        columns=[
            word("model"), word("of", "against"), spaced("scope"), number("layer", digits=0),
            number("estimate", "Spearman", 2, sign=True), interval("low", "high", digits=2, sign=True), p_value("p"),
            number("adjusted", "Holm", 4), number("n", "pairs", 0), number("languages", digits=0),
        ],
        notes=[
            f"score: the measure with {question.metric} over pairs; gain: the measure's change with the gain, both "
            f"over the base. p: Mantel's test, {permutations:,} permutations of the languages (all, where these are "
            f"fewer); Holm: adjusted for the layers. Scopes with fewer than {FEWEST_LANGUAGES} languages are left out.",
        ],
        group=("model", "of", "scope") if of_all_layers else "model",
        stub=4,
    )  # fmt: skip


def _pairs(title: str, models: Sequence[AlignedModel]) -> Table:
    def rows() -> list[Row]:
        return [
            {
                "model": model.name, "layer": layer, "source": pair.source, "target": pair.target,
                **{name: getattr(record, name) for name in _FIGURES}, "lines": record.lines,
            }
            for model in models
            for layer, records in model.records.items()
            for pair, record in records.items()
        ]  # fmt: skip

    return Table(
        name="pairs",
        title=f"{title}: alignment by layer and directed pair",
        content=rows,
        columns=[
            word("model"), number("layer", digits=0), word("source"), word("target"),
            *(number(name, name.replace("_", " "), 3) for name in _FIGURES),
        ],
        detail=True,
        stub=4,
    )  # fmt: skip


def _notes(measure: NamedMeasure) -> tuple[str, ...]:
    return (
        f"retrieval: how often the nearest target sentence by cosine is the translation; xsim error: how often the "
        f"best by LASER's ratio margin ({MARGIN_NEIGHBOURS} neighbours) is not; CKA: linear; mutual k-NN: how many of "
        f"the {MUTUAL_NEIGHBOURS} nearest sentences are the same in both languages. Centred: after each language's "
        "mean is subtracted, which leaves CKA as it is. Equal texts count as right.",
        "More alike is not better by itself: see the correlations with scores."
        if measure.higher_is_better
        else "Of the xsim error lower is more alike, so that a negative correlation with scores is the expected one.",
    )


def _drawings(
    store: Store,
    question: ScoreQuestion,
    models: Sequence[AlignedModel],
    findings: Sequence[LayerFinding],
    best: Mapping[str, int],
    measure: NamedMeasure,
) -> tuple[Drawing, ...]:
    last = models[-1]
    layer = best.get(last.name, 0)
    found = [
        Drawing(
            "layers",
            f"{measure.label} by layer",
            f"A line for each model: mean {measure.label} over layers, with the level of chance as a dotted line.",
            _by_layer(findings, measure),
            "changes",
        )
    ]
    if last.values(layer, measure):
        found.append(
            Drawing(
                "heatmap",
                f"{measure.label} of {last.name}, layer {layer}, by pair",
                f"A square for each source and target language, darker where {measure.label} is higher.",
                _heat_map(last.values(layer, measure), measure),
                "pairs",
            )
        )
    points = _points(store, question, models, best, measure)
    if any(points.values()):
        found.append(
            Drawing(
                "scatter",
                f"{measure.label} against {question.metric}",
                f"A point for each pair: {measure.label} in each model's most aligned layer, and the pair's "
                f"{question.metric}.",
                _scatter(points, measure, question.metric),
                "pairs",
            )
        )
    return tuple(found)


def _by_layer(findings: Sequence[LayerFinding], measure: NamedMeasure) -> "Callable[[], Figure]":
    def draw() -> "Figure":
        figure, axes = new_figure()
        for place, model in enumerate(dict.fromkeys(each.model for each in findings)):
            its = [each for each in findings if each.model == model]
            at, (color, marker) = [each.layer for each in its], series_style(place)
            style = "--" if model == "base" else "-"
            axes.plot(at, [each.estimate for each in its], style, color=color, marker=marker, label=model)
            if all(each.low is not None for each in its):
                axes.fill_between(
                    at, [each.low for each in its], [each.high for each in its], color=color, alpha=0.12, linewidth=0
                )
        chance = {each.layer: each.chance for each in findings}
        axes.plot(list(chance), list(chance.values()), ":", color="#777777", label="chance")
        axes.set_xlabel("layer")
        axes.set_ylabel(measure.label)
        figure.legend(loc="outside upper center", ncols=2)
        return figure

    return draw


def _heat_map(values: Mapping[Pair, float], measure: NamedMeasure) -> "Callable[[], Figure]":
    def draw() -> "Figure":
        tags = sorted({tag for pair in values for tag in pair})
        grid = [[values.get(Pair(source, target), np.nan) for target in tags] for source in tags]
        figure, axes = new_figure(height=3.0)
        shown = axes.imshow(np.array(grid, np.float64), cmap="cividis_r" if measure.higher_is_better else "cividis")
        axes.set_xticks(range(len(tags)), tags, rotation=90)
        axes.set_yticks(range(len(tags)), tags)
        axes.set_xlabel("target")
        axes.set_ylabel("source")
        figure.colorbar(shown, ax=axes, shrink=0.8, label=measure.label)
        return figure

    return draw


def _points(
    store: Store,
    question: ScoreQuestion,
    models: Sequence[AlignedModel],
    best: Mapping[str, int],
    measure: NamedMeasure,
) -> dict[str, list[tuple[float, float]]]:
    with_scores = set(store.grids.get(question.grid).names.values())
    points: dict[str, list[tuple[float, float]]] = {}
    for model in models:
        if model.name not in with_scores or model.name not in best:
            continue
        columns, values = pair_columns(store, question, model=model.name), model.values(best[model.name], measure)
        pairs = [Pair(*each) for each in zip(columns.sources.tolist(), columns.targets.tolist(), strict=True)]
        points[model.name] = [
            (values[pair], float(score))
            for pair, score in zip(pairs, columns.own.values, strict=True)
            if pair in values and not np.isnan(score)
        ]
    return points


def _scatter(
    points: Mapping[str, Sequence[tuple[float, float]]], measure: NamedMeasure, metric: str
) -> "Callable[[], Figure]":
    def draw() -> "Figure":
        figure, axes = new_figure()
        for place, (model, its) in enumerate(points.items()):
            axes.scatter(
                [x for x, _ in its], [y for _, y in its], s=8, **series_style(place)._asdict(), label=model,
                linewidths=0,
            )  # fmt: skip
        axes.set_xlabel(measure.label)
        axes.set_ylabel(metric)
        figure.legend(loc="outside upper center", ncols=2)
        return figure

    return draw
