"""Tables of a comparison of two systems: by scope, by pair, the largest differences."""

from collections.abc import Sequence

from dragoman.analysis.caption import Caption, caption_line
from dragoman.analysis.comparison import Comparison
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.recipe_comparison import RecipeComparison
from dragoman.metrics.lookup import digits_of
from dragoman.reports.choices import weighing
from dragoman.reports.results import WITH_OTHER_LANGUAGES
from dragoman.tables.table import Column, Row, Table, interval, number, of_pair, p_value, share, word

_APART = ("decoding", "prompt_template")
"""What two systems may differ in besides the model."""

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
        "signature": list(found.caption_b.signatures), **_measured(found.caption_a, found.caption_b),
    }  # fmt: skip
    digits = digits_of(found.metric)
    first = [word("scope", "pair")] if of_pairs else [word("scope"), share("pairs", "done", "pairs")]
    return Table(
        name=name, title=title, detail=of_pairs, notes=[*notes, *_on_error_rates(found.metric)], caption=caption(found),
        content=[row.model_dump(mode="json") | facts for row in (found.pairs if of_pairs else found.scopes)],
        columns=[*first, number("mean_a", found.a, digits), number("mean_b", found.b, digits),
                 number("delta", digits=digits, sign=True), interval("low", "high", digits=digits, sign=True),
                 p_value("p_value", "p"), p_value("adjusted", "adjusted p")],
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

    def claim(what: str) -> Column:
        def text(row: Row) -> str:
            if row[f"{what}_on"] is None:
                return "-"
            return f"{row[f'{what}_on']} of {row['done']}, {row[f'{what}_into']} of {row['targets']} targets"

        shown = (f"{what}_on", "done", f"{what}_into", "targets")
        return Column(f"{what}_on", f"{what} on at least", text, values=shown)

    notes = [found.note] if found.note else []
    shared = "Only pairs that both models have a score for"
    notes += [
        f"{shared}." if found.is_quoted else f"{shared}; interval and p of a scope are of the mean over its pairs."
    ]
    if any(scope.p_value is not None for scope in found.scopes):
        notes[-1] += f" Tested by paired {found.scope_test}; adjusted p is for the number of scopes."
    if apart := [
        f"{scope.scope} ({scope.shared} of {scope.done} pairs)"
        for scope in found.scopes
        if scope.shared is not None and scope.shared < scope.done
    ]:
        notes.append(f"Scopes are {found.b}'s own: of their pairs fewer are so for {found.a} too, {', '.join(apart)}.")
    notes += _on_error_rates(found.metric)
    if found.basis:
        notes.append(found.basis)
    if other_languages:
        notes.append(WITH_OTHER_LANGUAGES)
    if found.how:
        notes.append(f"In brackets: significant at {found.alpha:g} {found.how}.")
    if has_claims := any(scope.better_on is not None for scope in found.scopes):
        notes.append(
            "At least: on so many pairs, and into so many target languages with such a pair, one is better, by Holm's "
            f"count of one-sided p at {found.alpha:g}, each claim alone."
        )
    digits = digits_of(found.metric)
    second = interval("languages_low", "languages_high", "other languages", digits, sign=True)
    other = [second] if other_languages else []
    test = None if found.is_quoted else found.scope_test
    facts = {"a": found.a, "b": found.b, "test": test, **_facts(found), "samples": found.scope_samples}
    return Table(
        name="scopes",
        title=f"{grid}: {found.metric} of {found.b} minus {found.a}, by partition of {found.b}, "
              f"{weighing(found.micro)}",
        columns=[word("scope"), share("pairs", "done", "pairs"),
                 number("mean_a", found.a, digits), number("mean_b", found.b, digits),
                 number("delta", digits=digits, sign=True),
                 *_tested(found), *other, count("wins"), count("losses"), number("ties", digits=0),
                 *([claim("better"), claim("worse")] if has_claims else [])],
        content=[scope.model_dump(mode="json") | facts for scope in found.scopes], notes=notes, caption=caption(found),
    )  # fmt: skip


def _facts(found: Comparison) -> Row:
    """What CSV and JSON say of the whole comparison in each row."""
    how = {
        "samples": found.samples,
        "correction": found.correction,
        "alpha": found.alpha,
        "seed": found.seed,
        "unit": found.unit,
    }
    return {
        "metric": found.metric,
        **(dict.fromkeys(how) if found.is_quoted else how),
        "signature": list(found.signatures),
        "notes": " ".join(note for note in (found.note, found.basis) if note),
        **_measured(found.caption_a, found.caption_b),
    }


def _measured(a: Caption | None, b: Caption | None) -> Row:
    """What the scores of both were measured on, and how; what may differ, of each."""
    if a is None or b is None:
        return {}
    both = {key: value for key, value in b.facts.items() if key not in ("metric", "signature", *_APART)}
    return both | {f"{key}_{side}": its.facts[key] for key in _APART for side, its in (("a", a), ("b", b))}


def _on_error_rates(metric: str) -> list[str]:
    if higher_is_better(metric):
        return []
    return [f"{metric} is an error rate, which gains by falling: a delta below 0 is a gain."]


def caption(found: Comparison | RecipeComparison) -> str | None:
    """What both systems' scores were measured on, and how, in a line."""
    both = {found.a: found.caption_a, found.b: found.caption_b}
    return caption_line({name: its for name, its in both.items() if its is not None})


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
    digits = digits_of(found.metric)
    facts = {"system_a": found.a, "system_b": found.b, **_facts(found)}
    return Table(
        name=name, title=title, content=[{**row, **facts} for row in rows], detail=detail, stub=2,
        caption=caption(found),
        columns=[word("source"), word("target"), word("partition_b", "partition"), number("a", found.a, digits),
                 number("b", found.b, digits), number("delta", digits=digits, sign=True), *_tested(found)],
    )  # fmt: skip


def _tested(found: Comparison) -> list[Column]:
    """The columns of intervals and p-values, which differences to quoted scores don't have."""
    if found.is_quoted:
        return []
    bounds = interval("low", "high", digits=digits_of(found.metric), sign=True)
    return [bounds, p_value("p_value", "p"), p_value("adjusted", "adjusted p")]
