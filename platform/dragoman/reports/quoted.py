"""The mark of quoted scores in tables, with its legend; and differences to them, where they are asked for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from dragoman.analysis.quoted_comparison import compare_quoted
from dragoman.analysis.ranking_records import QuotedMean
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System
from dragoman.metrics.lookup import digits_of
from dragoman.model import Quotation
from dragoman.store.store import Store
from dragoman.tables.table import Column, Row, Table, number, share, word

MARK = "(quoted)"
"""What stands behind the name of a quoted system, wherever its scores are shown."""


def named(name: str, quoted: Quotation | None) -> str:
    """A system's name, with the mark where its scores are quoted."""
    return name if quoted is None else f"{name} {MARK}"


def legend(systems: Iterable[System]) -> list[str]:
    """A sentence for each quoted system among some: what the mark means, and where its scores are from."""
    quoted = {each.model: each.quoted for each in systems if each.quoted is not None}
    return [
        f"{name} {MARK}: {found.phrase}, without translations. Its scores are in no test, rank or gate, and in no mean "
        "or gain with scores that were computed here; intervals, where it has any, are its source's."
        for name, found in quoted.items()
    ]


def marked(table: Table, systems: Iterable[System], key: str = "model") -> Table:
    """A table in which quoted systems have their mark, and its legend; CSV and JSON have the source beside them.

    Args:
        table: the table.
        systems: the systems it is of.
        key: its column of their names.
    """
    listed = list(systems)
    sources = {(each.grid, each.model): each.quoted for each in listed if each.quoted is not None}
    if not sources:
        return table
    content, (grid, *_) = table.content, (each.grid for each in listed)

    def source(row: Row) -> Quotation | None:
        return sources.get((row.get("grid", grid), row[key]))

    def rows() -> Sequence[Row]:
        found = content() if callable(content) else content
        return [{**row, "quoted": of.source if (of := source(row)) else None} for row in found]

    columns = [
        replace(column, text=_with_mark(column.text, source)) if column.key == key else column
        for column in table.columns
    ]
    return replace(table, columns=columns, content=rows, notes=[*table.notes, *legend(listed)])


def _with_mark(text: Callable[[Row], str], source: Callable[[Row], Quotation | None]) -> Callable[[Row], str]:
    return lambda row: named(text(row), source(row))


def beside_quoted(store: Store, question: ScoreQuestion, systems: Sequence[System]) -> Table:
    """Each computed system against each quoted one, by scope and untested: what `--with-quoted` adds."""
    rows = []
    for quoted in (each for each in systems if each.quoted is not None):
        for other in (each for each in systems if each.quoted is None):
            a, b = quoted.within(question.grid), other.within(question.grid)
            found = compare_quoted(store, question, a=a, b=b)
            for scope in found.scopes if found else ():
                rows.append({
                    "quoted": quoted.model, "model": other.model, "prompt": other.asked_with, "scope": scope.scope,
                    "done": scope.done, "pairs": scope.pairs, "mean_quoted": scope.mean_a, "mean": scope.mean_b,
                    "delta": scope.delta, "metric": question.metric,
                    "signature": list(found.signatures) if found else [],
                })  # fmt: skip
    several, digits = len({row["prompt"] for row in rows}) > 1, digits_of(question.metric)
    return Table(
        name="quoted", title=f"{question.grid}: {question.metric} beside quoted scores, not tested", content=rows,
        columns=[Column("quoted", "quoted", lambda row: f"{row['quoted']} {MARK}", right=False), word("model"),
                 *([word("prompt")] if several else []), word("scope"), share("pairs", "done", "pairs"),
                 number("mean_quoted", "quoted mean", digits), number("mean", question.metric, digits),
                 number("delta", digits=digits, sign=True)],
        notes=["On the pairs that both have. Nothing shows that quoted scores are of these sentences, or computed in "
               "this way: a difference may be of that alone.", *legend(systems)],
        group=("quoted", "model"), stub=2,
    )  # fmt: skip


def unranked(grid: str, metric: str, found: Sequence[QuotedMean]) -> Table:
    """The quoted systems of a ranking, which have no place in it."""
    return Table(
        name="quoted", title=f"{grid}: quoted {metric}, unranked",
        content=[each.model_dump(mode="json") | {"metric": metric} for each in found],
        columns=[Column("system", "system", lambda row: f"{row['system']} {MARK}", right=False),
                 number("mean", metric, digits_of(metric)), share("pairs", "done", "pairs"), word("source"),
                 Column("signature", "computed as", lambda row: row["signature"] or "not given", right=False)],
        notes=["Quoted from their sources, without translations: they can't be tested against the systems above, and "
               "have no rank, cluster or interval. Means are over the pairs of the ranking that they have."],
    )  # fmt: skip
