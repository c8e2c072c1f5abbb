"""The overview table of a grid: a row for each system, a column for each partition, with the numbers stacked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dragoman.analysis.aggregation import ALL
from dragoman.analysis.overview import ORDER, Overview, SystemOverview
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.partition_table import PartitionRow
from dragoman.errors import DragomanError, nearest
from dragoman.metrics.lookup import digits_of
from dragoman.tables.table import Column, Decoration, Row, Table, figure, word

NAME = "overview"
CHAMPION = "★"
"""Mark of a system that stands under an alias of the model registry."""
MANY_SYSTEMS = 20
"""Systems above which a cell has the score and the gain alone, unless columns are chosen."""

FIELDS = ("mean", "low", "high", "gain", "gain_low", "gain_high", "off_target", "done", "pairs")
"""The fields of a partition table's row that a row of the overview has for each scope, after the scope's name."""


class OverviewError(DragomanError):
    """A column or an order that an overview doesn't have."""


@dataclass(frozen=True)
class Layout:
    """What of an overview is shown, and in which order."""

    columns: tuple[str, ...] = ()
    """Names of scopes and of numbers; all scopes, or the default numbers, where none of them is named."""
    sort: str = "grid"
    """`grid`, `model`, a scope, or a scope with a number of it, as in `unseen.gain`."""

    @classmethod
    def parse(cls, columns: str | None = None, sort: str | None = None) -> "Layout":
        """The layout that words name, those of columns with commas between them.

        Raises:
            OverviewError: there is no such column or order.
        """
        named = tuple(filter(None, (each.strip().replace("-", "_") for each in (columns or "").split(","))))
        known = [*NUMBERS, *ORDER]
        for name in named:
            if name not in known:
                raise OverviewError(f"An overview has no column '{name}': {nearest(name, known)}")
        order = (sort or "grid").replace("-", "_")
        scope, _, number = order.partition(".")
        if order not in ("grid", "model") and (scope not in ORDER or number not in ("", *_SORTED)):
            choices = ["grid", "model", *ORDER, *(f"{ALL}.{each}" for each in _SORTED)]
            raise OverviewError(f"An overview can't be sorted by '{sort}': {nearest(order, choices)}")
        return cls(named, order)

    def numbers(self, systems: int) -> list[str]:
        """The numbers of a cell."""
        chosen = [name for name in NUMBERS if name in self.columns]
        few = ["score", "interval", "gain", "off_target"] if systems <= MANY_SYSTEMS else ["score", "gain"]
        return chosen or few

    def scopes(self, known: Sequence[str]) -> list[str]:
        """The scopes of those known."""
        chosen = [name for name in self.columns if name not in NUMBERS]
        return [scope for scope in known if scope in chosen or not chosen]


EVERYTHING = Layout()
"""All scopes, with the default numbers, in the order of the grid."""


def _value(key: str, digits: int | None = None, sign: bool = False, unit: str = "") -> "Callable[[Row, str, int], str]":
    def text(row: Row, scope: str, of_metric: int) -> str:
        found = row.get(f"{scope}_{key}")
        return "" if found is None else f"{figure(found, of_metric if digits is None else digits, sign)}{unit}"

    return text


def _between(low: str, high: str, sign: bool = False) -> "Callable[[Row, str, int], str]":
    def text(row: Row, scope: str, digits: int) -> str:
        bounds = [row.get(f"{scope}_{key}") for key in (low, high)]
        return "" if None in bounds else f"[{', '.join(figure(each, digits, sign) for each in bounds)}]"

    return text


def _counted(row: Row, scope: str, digits: int) -> str:
    del digits
    return f"{row[f'{scope}_done']} of {row[f'{scope}_pairs']}" if row.get(f"{scope}_pairs") else ""


NUMBERS: Mapping[str, "Callable[[Row, str, int], str]"] = {
    "score": _value("mean"),
    "interval": _between("low", "high"),
    "gain": _value("gain", sign=True),
    "gain_interval": _between("gain_low", "gain_high", sign=True),
    "off_target": _value("off_target", digits=1, unit="% off"),
    "pairs": _counted,
}
"""The numbers of a cell by the names that `--columns` takes, in the order in which they are stacked."""

_SORTED = {"score": "mean", "gain": "gain", "off_target": "off_target"}
"""The numbers that systems can be sorted by, with their fields."""


def overview_table(
    grid: str, metric: str, found: Overview, *, layout: Layout, facts: Mapping[Any, Mapping[str, Any]],
    weighing: str, caption: str | None = None,
) -> Table:  # fmt: skip
    """The table of an overview.

    Args:
        grid: name of the grid.
        metric: name of the metric.
        found: the overview.
        layout: what is shown, and in which order.
        facts: what the numbers of each system were measured on, as JSON and CSV have it.
        weighing: how pairs are weighed, in words.
        caption: the same in a line.
    """
    digits, numbers = digits_of(metric), layout.numbers(len(found.systems))
    scopes = layout.scopes(found.scopes)
    rows = [_row(each, found, facts.get(each.system, {})) for each in found.systems]
    rows = in_order(rows, layout.sort, metric)
    shown = numbers_shown(rows, scopes, numbers, digits)
    stub = [_model(), *([word("prompt")] if len({each.system.prompt for each in found.systems}) > 1 else [])]
    return Table(
        name=NAME, title=f"{grid}: {metric} of every system by partition, {weighing}", content=rows,
        columns=[*stub, *(scope_column(scope, shown, digits) for scope in scopes)],
        stub=len(stub), caption=caption, notes=_notes(found, scopes, shown), is_summary=True, fits_column=True,
    )  # fmt: skip


def _row(each: SystemOverview, found: Overview, facts: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "model": each.system.model,
        "prompt": each.system.asked_with,
        "aliases": list(each.aliases),
        "best": [scope for scope in found.scopes if each.system in found.best.get(scope, ())],
    }
    for scope in found.scopes:
        own = each.rows.get(scope) or PartitionRow(scope=scope, done=0, pairs=0, mean=None)
        row |= {f"{scope}_{key}": getattr(own, key) for key in FIELDS}
        row[f"{scope}_same_as"] = each.same_as.get(scope)
    return row | {key: value for key, value in facts.items() if key not in row}


def in_order(rows: list[dict[str, Any]], sort: str, metric: str) -> list[dict[str, Any]]:
    """The rows in the order asked for: the best first, and those without the number last."""
    if sort == "grid":
        return rows
    if sort == "model":
        return sorted(rows, key=lambda row: str(row["model"]))
    scope, _, number = sort.partition(".")
    key = f"{scope}_{_SORTED[number or 'score']}"
    is_high_first = number == "gain" or (higher_is_better(metric) and number != "off_target")

    def place(row: Mapping[str, Any]) -> tuple[bool, float]:
        same = row.get(f"{scope}_same_as")
        value = row.get(f"{same}_{_SORTED[number or 'score']}" if same else key)
        return value is None, 0.0 if value is None else -value if is_high_first else value

    return sorted(rows, key=place)


def _model() -> Column:
    def marked(row: Row) -> str:
        return f"{row['model']} {CHAMPION}" if row["aliases"] else str(row["model"])

    return Column("model", "model", marked, right=False, values=("model", "aliases"))


def scope_column(scope: str, numbers: Sequence[str], digits: int) -> Column:
    """The column of a scope, with its numbers stacked in each cell.

    Args:
        scope: the scope; rows hold `FIELDS` after its name.
        numbers: the numbers of a cell, by the names of `NUMBERS`.
        digits: digits of the metric.
    """

    def lines(row: Row) -> list[str]:
        if same := row.get(f"{scope}_same_as"):
            return [f"= {str(same).replace('_', ' ')}"]
        if not row.get(f"{scope}_pairs"):
            return [""]
        first, *rest = (NUMBERS[name](row, scope, digits) for name in numbers)
        return [first or "-", *filter(None, rest)]

    def text(row: Row) -> str:
        return " ".join(lines(row))

    def is_best(row: Row) -> bool:
        return scope in (row.get("best") or ())

    return Column(
        scope, scope.replace("_", " "), text, values=tuple(f"{scope}_{key}" for key in FIELDS), lines=lines,
        is_best=is_best, style=lambda row: "dim" if row.get(f"{scope}_same_as") else "",
        page=Decoration(css=lambda row: "stacked is-best" if is_best(row) else "stacked"),
    )  # fmt: skip


def numbers_shown(rows: Sequence[Row], scopes: Sequence[str], numbers: Sequence[str], digits: int) -> list[str]:
    """Those of some numbers that a cell has; the score where there is none."""
    return [name for name in numbers if any(NUMBERS[name](row, scope, digits) for row in rows for scope in scopes)] or [
        "score"
    ]


def stacked_note(numbers: Sequence[str]) -> list[str]:
    """What the lines of a cell are, as a sentence; nothing for one line."""
    listed = [_MEANINGS[name] for name in numbers]
    return [f"In a cell from top to bottom: {', '.join(listed)}."] if len(listed) > 1 else []


_MEANINGS = {
    "score": "mean score",
    "interval": "its 95% interval",
    "gain": "the gain over the base on the pairs both have",
    "gain_interval": "the gain's 95% interval",
    "off_target": "the rate of sentences in another language (off)",
    "pairs": "scored of planned pairs",
}


def _notes(found: Overview, scopes: Sequence[str], numbers: Sequence[str]) -> list[str]:
    notes = stacked_note(numbers)
    if any(scope in found.best for scope in scopes):
        notes.append("Bold: the best of a column, on the pairs that all systems in it share.")
    if apart := [scope.replace("_", " ") for scope in found.incomparable if scope in scopes]:
        notes.append(f"None is best in {', '.join(apart)}: its systems are not known to share a pair there.")
    merged: dict[str, list[str]] = {}
    for scope, same in found.merged.items():
        merged.setdefault(same, []).append(scope.replace("_", " "))
    notes += [
        f"No column of {', '.join(names)}: the same pairs as {same.replace('_', ' ')}."
        for same, names in merged.items()
    ]
    stands = [f"{each.system.model} is {', '.join(each.aliases)}" for each in found.systems if each.aliases]
    return [*notes, *([f"{CHAMPION} {'; '.join(dict.fromkeys(stands))}."] if stands else [])]
