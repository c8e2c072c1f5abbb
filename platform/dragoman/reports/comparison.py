"""Tables of a comparison of two systems: by scope, by pair, the largest differences."""

from collections.abc import Sequence

from dragoman.analysis.comparison import Comparison
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.recipe_comparison import RecipeComparison
from dragoman.reports.choices import weighing
from dragoman.reports.results import WITH_OTHER_LANGUAGES
from dragoman.tables.table import Column, Row, Table, interval, number, of_pair, p_value, share, word

SHOWN = 10
"""Pairs shown among the largest losses, and among the largest gains."""


def recipe_tables(grid: str, found: RecipeComparison) -> list[Table]:
    """A comparison of recipes: its scopes, and every pair."""
    title = f"{grid}: {found.b} minus {found.a}, pair by pair"
    return [recipes(grid, found), _of_recipes("pairs", title, found, of_pairs=True)]


def recipes(grid: str, found: RecipeComparison) -> Table:
    """The partitions of recipe b, or `unseen` and `all`, each taken together, over the seeds of both."""
    title = f"{grid}: {found.metric} of the recipe {found.b} minus {found.a}, by partition of {found.b}"
    return _of_recipes("recipes", title, found)


def _of_recipes(name: str, title: str, found: RecipeComparison, of_pairs: bool = False) -> Table:
    notes = list(filter(None, [found.note, found.basis]))
    facts = {
        "a": found.a, "b": found.b, "metric": found.metric, "models_a": list(found.models_a),
        "models_b": list(found.models_b), "p_is_floor": False, "notes": " ".join(notes),
    }  # fmt: skip
    first = [word("scope", "pair")] if of_pairs else [word("scope"), share("pairs", "done", "pairs")]
    return Table(
        name=name, title=title, detail=of_pairs, notes=notes,
        content=[row.model_dump(mode="json") | facts for row in (found.pairs if of_pairs else found.scopes)],
        columns=[*first, number("mean_a", found.a), number("mean_b", found.b), number("delta", sign=True),
                 interval("low", "high", sign=True), p_value("p_value", "p"), p_value("adjusted", "adjusted p")],
    )  # fmt: skip


def tables(grid: str, found: Comparison, top: int, *, other_languages: bool = False) -> list[Table]:
    """A comparison's tables: scopes, the largest losses and gains, so many of each, and every pair.

    With `other_languages` scopes have a second interval.
    """
    return [scopes(grid, found, other_languages=other_languages), *extremes(grid, found, top), pairs(grid, found)]


def scopes(grid: str, found: Comparison, *, other_languages: bool = False) -> Table:
    """The partitions of model b, or `unseen` and `all`, each taken together."""

    def count(what: str) -> Column:
        def text(row: Row) -> str:
            significant = row[f"significant_{what}"]
            return str(row[what]) if significant is None else f"{row[what]} ({significant})"

        return Column(what, what, text, values=(what, f"significant_{what}"))

    notes = [found.note] if found.note else []
    notes += ["Only pairs that both models have a score for; interval and p of a scope are of the mean over its pairs."]
    if any(scope.p_value is not None for scope in found.scopes):
        notes[-1] += f" Tested by paired {found.scope_test}; adjusted p is for the number of scopes."
    if found.basis:
        notes.append(found.basis)
    if other_languages:
        notes.append(WITH_OTHER_LANGUAGES)
    if found.how:
        notes.append(f"In brackets: significant at {found.alpha:g} {found.how}.")
    second = interval("languages_low", "languages_high", "other languages", sign=True)
    other = [second] if other_languages else []
    facts = {"a": found.a, "b": found.b, "test": found.scope_test, **_facts(found), "samples": found.scope_samples}
    return Table(
        name="scopes",
        title=f"{grid}: {found.metric} of {found.b} minus {found.a}, by partition of {found.b}, "
              f"{weighing(found.micro)}",
        columns=[word("scope"), share("pairs", "done", "pairs"),
                 number("mean_a", found.a), number("mean_b", found.b), number("delta", sign=True),
                 interval("low", "high", sign=True), p_value("p_value", "p"), p_value("adjusted", "adjusted p"),
                 *other,
                 count("wins"), count("losses"), number("ties", digits=0)],
        content=[scope.model_dump(mode="json") | facts for scope in found.scopes], notes=notes,
    )  # fmt: skip


def _facts(found: Comparison) -> Row:
    """What CSV and JSON say of the whole comparison in each row."""
    return {
        "metric": found.metric,
        "samples": found.samples,
        "correction": found.correction,
        "alpha": found.alpha,
        "seed": found.seed,
        "unit": found.unit,
        "signature": list(found.signatures),
        "notes": " ".join(note for note in (found.note, found.basis) if note),
    }


def extremes(grid: str, found: Comparison, top: int) -> list[Table]:
    """The largest losses, then the largest gains."""
    sign = 1 if higher_is_better(found.metric) else -1
    ordered = sorted(found.pairs, key=lambda difference: (sign * difference.delta, difference.pair))
    losses = [difference for difference in ordered if sign * difference.delta < 0][:top]
    gains = [difference for difference in reversed(ordered) if sign * difference.delta > 0][:top]
    titles = {"losses": f"{grid}: where {found.b} is worst against {found.a}", "gains": f"{grid}: where it is best"}
    return [
        _differences(name, titles[name], found, [of_pair(difference) for difference in chosen])
        for name, chosen in (("losses", losses), ("gains", gains))
    ]


def pairs(grid: str, found: Comparison) -> Table:
    """Every pair both have."""
    rows = [of_pair(difference) for difference in found.pairs]
    return _differences("pairs", f"{grid}: {found.b} minus {found.a}, pair by pair", found, rows, detail=True)


def _differences(name: str, title: str, found: Comparison, rows: Sequence[Row], detail: bool = False) -> Table:
    facts = {"system_a": found.a, "system_b": found.b, **_facts(found)}
    return Table(
        name=name, title=title, content=[{**row, **facts} for row in rows], detail=detail, stub=2,
        columns=[word("source"), word("target"), word("partition_b", "partition"), number("a", found.a),
                 number("b", found.b), number("delta", sign=True), interval("low", "high", sign=True),
                 p_value("p_value", "p"), p_value("adjusted", "adjusted p")],
    )  # fmt: skip
