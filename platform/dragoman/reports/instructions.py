"""Report of the instruction: quality, languages and likelihood after the right one, none and a wrong one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from dragoman.analysis.aggregation import ALL, SCOPES
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import metric_names, model_names
from dragoman.errors import StoreError, nearest
from dragoman.figures import COLORS, new_figure, series_style
from dragoman.instructions.languages import ShareFinding, share_findings
from dragoman.instructions.likelihoods import WorthFinding, Worths, worths
from dragoman.instructions.quality import QualityFinding, quality_findings
from dragoman.instructions.variants import INSTRUCTIONS, Family, families, family_of
from dragoman.reports.analysis_report import Analysis, AnalysisReport, Choice, Drawing, texts_of
from dragoman.reports.choices import asked_of, chosen_metric
from dragoman.store.store import Store
from dragoman.tables.table import Table, interval, number, p_value, spaced, word

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def instructions_report(
    store: Store, question: ScoreQuestion, *, models: Sequence[str] = (), likelihood_alone: bool = False
) -> AnalysisReport:
    """What the instruction makes of a grid's models.

    Args:
        store: the store.
        question: the scores; its prompt is any of those that are compared.
        models: only these; all by default.
        likelihood_alone: leave quality and languages out.

    Raises:
        StoreError: the grid asks with one instruction alone, and no likelihood is stored; or something named is not
            there.
    """
    grid = question.grid
    family = family_of(store, grid, question.prompt)
    asked = set(model_names(store, grid))
    if unknown := next((name for name in models if name not in {"base", *asked}), None):
        raise StoreError(f"Grid '{grid}' has no model '{unknown}'; {nearest(unknown, asked)}")
    with_cells = tuple(name for name in model_names(store, grid) if not models or name in models)
    several = len(family.asked) > 1 and not likelihood_alone
    quality = quality_findings(store, question, family, models=with_cells) if several else []
    shares = share_findings(store, question, family, models=with_cells) if several else []
    worth = worths(store, grid, family, test_set=question.test_set, models=tuple(models))
    if not (quality or shares or worth.scopes):
        raise StoreError(
            f"The grid {grid} asks with the {' and '.join(family.asked)} instruction alone, and no likelihood of its "
            f"references is stored: add prompts with `instruction: none` and `wrong` to its spec, or run "
            f"`dragoman likelihood {grid}`."
        )
    title = asked_of(store, question)
    names = [name for each in families(store, grid) for name in each.asked.values()]
    return AnalysisReport(
        name="instructions",
        title="Understanding of the instruction",
        subject=grid,
        about=(f"Test set {title}; prompt {family.name}; metric {question.metric}.",),
        tables=(
            _quality(title, quality, question.metric),
            _languages(title, shares),
            _likelihood(title, worth.scopes, "likelihood", "partition"),
            _likelihood(title, worth.pairs, "likelihood_pairs", "pair", detail=True),
        ),
        drawings=_drawings(quality, shares, worth, question.metric),
        notes=_notes(grid, family, worth),
        choices=(
            Choice("metric", "Metric", texts_of(metric_names(store, grid)), question.metric),
            Choice("prompt", "Prompt", tuple((name, name) for name in names), question.prompt or names[0]),
        ),
    )


def _asked(store: Store, asked: Mapping[str, str]) -> AnalysisReport:
    """The report that a page's address asks for."""
    grid = asked["grid"]
    question = ScoreQuestion(
        grid,
        chosen_metric(store, grid, asked.get("metric") or None),
        prompt=asked.get("prompt") or None,
        test_set=asked.get("test_set") or None,
    )
    return instructions_report(store, question)


ANALYSIS = Analysis("Understanding of the instruction", "grid", _asked)
"""The analysis as pages list it."""


def _quality(title: str, findings: Sequence[QualityFinding], metric: str) -> Table:
    return Table(
        name="quality",
        title=f"{title}: {metric} after the right instruction, minus that after none and a wrong one",
        content=[asdict(each) for each in findings],
        columns=[
            word("model"), word("over", "instead of right"), spaced("scope"), number("right"), number("other"),
            number("estimate", "right minus other", sign=True), interval("low", "high", sign=True),
            p_value("p"), number("adjusted", "Holm", 4), number("n", "pairs", 0),
        ],
        notes=["p: paired randomization of the sentences, adjusted after Holm for the scopes of a row's model."],
        group=("model", "over"),
        stub=3,
    )  # fmt: skip


def _languages(title: str, findings: Sequence[ShareFinding]) -> Table:
    return Table(
        name="languages",
        title=f"{title}: languages of the translations, in percent, mean over pairs",
        content=[{**asdict(each), "p_is_floor": False} for each in findings],
        columns=[
            word("model"), spaced("scope"), word("instruction"), number("estimate", "target"), interval("low", "high"),
            number("named", "language named"), number("source"), number("other"), number("undecided"),
            number("change", "target minus right", sign=True), interval("change_low", "change_high", sign=True),
            p_value("p"), number("reference", "references"), number("n", "pairs", 0), number("languages", digits=0),
        ],
        notes=[
            "target: the language that the translation is held against; language named: the one that the instruction "
            "names. Each line counts for the most probable language of the grid, which of a few words is often wrong: "
            "references has the share of references that are found in the target language. Intervals and p are the "
            "jackknife's over languages."
        ],
        group=("model", "scope"),
        stub=3,
    )  # fmt: skip


def _likelihood(title: str, findings: Sequence[WorthFinding], name: str, scope: str, *, detail: bool = False) -> Table:
    return Table(
        name=name,
        title=f"{title}: nats per token of the reference that the right instruction is worth, by {scope}",
        content=[{**asdict(each), "p_is_floor": False} for each in findings],
        columns=[
            word("model"), word("over", "instead of right"), spaced("scope", scope), number("right", digits=3),
            number("other", digits=3), number("estimate", "right minus other", 3, sign=True),
            interval("low", "high", digits=3, sign=True), p_value("p"), number("n", "pairs", 0),
            number("sentences", digits=0), number("tokens", digits=0),
        ],
        notes=[
            "right, other: mean log probability (nats) of a token of the reference after that instruction, the end of "
            "sentence left out. Intervals and p are paired by sentence: with other sentences of this kind."
        ],
        group=("model", "over"),
        detail=detail,
        stub=3,
    )  # fmt: skip


def _notes(grid: str, family: Family, worth: Worths) -> tuple[str, ...]:
    notes = []
    if lacking := [each for each in INSTRUCTIONS if each not in family.asked]:
        notes.append(
            f"The grid does not ask with the instruction {' and '.join(lacking)}: quality and languages are of the "
            "others (`instruction` of a prompt)."
        )
    if not worth.scopes:
        notes.append(f"No likelihood of the references is stored: `dragoman likelihood {grid}` computes it.")
    return tuple(notes)


def _drawings(
    quality: Sequence[QualityFinding], shares: Sequence[ShareFinding], worth: Worths, metric: str
) -> tuple[Drawing, ...]:
    found = []
    if shares:
        found.append(
            Drawing(
                "languages",
                "Languages of the translations under each instruction",
                "A bar for each model and instruction, parted into the shares in the target language, the one that a "
                "wrong instruction names, the source and others, over all pairs.",
                _stacked([each for each in shares if each.scope == ALL]),
                "languages",
            )
        )
    if quality:
        found.append(
            Drawing(
                "quality",
                f"{metric} that the right instruction is worth, by partition",
                f"Points with intervals: {metric} after the right instruction minus that after another, for each model "
                "and partition.",
                _points([(f"{each.model}, {each.over}", each.scope, each) for each in quality], metric),
                "quality",
            )
        )
    if worth.scopes:
        found.append(
            Drawing(
                "likelihood",
                "Nats per token that the right instruction is worth, by partition",
                "Points with intervals: log probability per token of the reference after the right instruction minus "
                "that after another, for each model and partition.",
                _points([(f"{each.model}, {each.over}", each.scope, each) for each in worth.scopes], "nats per token"),
                "likelihood",
            )
        )
    return tuple(found)


def _stacked(findings: Sequence[ShareFinding]) -> "Callable[[], Figure]":
    def draw() -> "Figure":
        figure, axes = new_figure(height=0.9 + 0.2 * len(findings))
        rows = [f"{each.model}, {each.instruction}" for each in findings]
        left = [0.0] * len(findings)
        named = [(each.named or 0.0) if each.instruction == "wrong" else 0.0 for each in findings]
        parts = {
            "target": [each.estimate for each in findings],
            "wrongly named": named,
            "source": [each.source for each in findings],
            "another": [each.other - wrongly for each, wrongly in zip(findings, named, strict=True)],
            "undecided": [each.undecided for each in findings],
        }
        hatches = ("", "--", "//", "..", "xx")
        for place, (label, widths) in enumerate(parts.items()):
            axes.barh(rows, widths, left=left, label=label, color=COLORS[place], hatch=hatches[place], height=0.7)
            left = [start + width for start, width in zip(left, widths, strict=True)]
        axes.invert_yaxis()
        axes.set_xlabel("percent of the translations")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
        return figure

    return draw


def _points(rows: Sequence[tuple[str, str, QualityFinding | WorthFinding]], label: str) -> "Callable[[], Figure]":
    def draw() -> "Figure":
        scopes = sorted({scope for _, scope, _ in rows}, key=SCOPES.index)
        series = list(dict.fromkeys(name for name, _, _ in rows))
        figure, axes = new_figure("page", height=0.8 + 0.07 * len(series) * len(scopes))
        for place, name in enumerate(series):
            its = [(scope, each) for own, scope, each in rows if own == name]
            at = [scopes.index(scope) + (place + 0.5) / len(series) * 0.8 - 0.4 for scope, _ in its]
            values = [each.estimate for _, each in its]
            lows = [each.estimate - (each.estimate if each.low is None else each.low) for _, each in its]
            highs = [(each.estimate if each.high is None else each.high) - each.estimate for _, each in its]
            style = series_style(place)
            axes.errorbar(
                values, at, xerr=[lows, highs], fmt=style.marker, color=style.color, label=name, elinewidth=0.8
            )
        axes.axvline(0, color="#777777", linewidth=0.6)
        axes.set_yticks(range(len(scopes)), [scope.replace("_", " ") for scope in scopes])
        axes.invert_yaxis()
        axes.set_xlabel(f"{label}: right minus other instruction")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
        return figure

    return draw
