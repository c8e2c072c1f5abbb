"""Layout of a table of scores: which columns hold the pair and the scores, as said, or else found by their names."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from dragoman.errors import DragomanError, nearest
from dragoman.language import LanguageError, tag_among
from dragoman.metrics.names import is_installed
from dragoman.plugins import available
from dragoman.spec.quoted import QuotedScores

Column = str | int
"""A column by its name, or its number from 0."""

NAMES: Mapping[str, Sequence[str]] = {
    "pair": ("pair", "lp", "language_pair", "direction", "langpair"),
    "source": ("source", "src", "source_language", "source_lang", "src_lang", "from"),
    "target": ("target", "tgt", "trg", "target_language", "target_lang", "tgt_lang", "to"),
    "metric": ("metric", "metric_name"),
    "value": ("value", "score", "result"),
    "low": ("low", "ci_low", "lower"),
    "high": ("high", "ci_high", "upper"),
    "sentences": ("sentences", "n", "segments", "num_sentences"),
}
"""What the columns are called where nobody names them, the likeliest first."""

_METRICS = {"chrf2": "chrf", "chrf2++": "chrf++", "sacrebleu": "bleu", "spbleu200": "spbleu"}
"""Other names of metrics: those that sacreBLEU's own output has, and papers."""


class LayoutError(DragomanError):
    """A table whose columns are not those of scores."""


class Layout(NamedTuple):
    """The columns of a table of scores."""

    pair: tuple[Column, ...] = ()
    """That of the pair, or those of its languages."""
    metrics: Mapping[Column, str] = {}
    """The columns that are scores of a metric, with its name; in a matrix those of the target languages."""
    value: Column | None = None
    """Where each row is one score, its column."""
    metric: Column | None = None
    """Likewise that of the metric."""
    low: Column | None = None
    """That of the lower end of its interval."""
    high: Column | None = None
    """That of the upper end."""
    sentences: Column | None = None
    """That of the number of sentences."""
    source_of_matrix: Column | None = None
    """In a matrix, the column of the source languages."""


def metric_called(text: str) -> str | None:
    """The installed metric of a name as papers and programs write it (`chrF++`, `BLEU`); None where there is none."""
    folded = text.strip().casefold()
    names = {name.casefold(): name for name in available("metrics")}
    return names.get(folded) or names.get(_METRICS.get(folded, ""))


def layout_of(place: str, names: Sequence[str] | None, choice: QuotedScores, languages: Collection[str]) -> Layout:
    """The layout of a table.

    Args:
        place: its name, for errors.
        names: the names of its columns; None where they have none.
        choice: what is said of it.
        languages: the grid's languages.

    Raises:
        LayoutError: a column that is named is not there, or they don't tell what is where.
    """
    if names is not None:
        if not names:
            raise LayoutError(f"{place} is empty: give a table of scores.")
        if twice := [column for column in names if names.count(column) > 1]:
            raise LayoutError(f"{place} has the column '{twice[0]}' twice: name them apart, or give their numbers.")
        for column in choice.columns.values():
            if isinstance(column, str) and column not in names:
                raise LayoutError(f"{place} has no column '{column}'; {nearest(column, names)}")
    roles: Mapping[str, Column] = choice.columns or _by_name(names or ())
    metrics = {column: role for role, column in choice.columns.items() if is_installed(role)}
    pair = tuple(roles[role] for role in ("pair",) if role in roles) or _sides(roles)
    if pair and "value" in roles:
        if "metric" not in roles and choice.metric is None:
            raise LayoutError(
                f"{place} has no column of metrics: name the one that its scores are of (--metric METRIC), or the "
                "column (--column metric=COLUMN)."
            )
        return Layout(
            pair, value=roles["value"], metric=roles.get("metric"), low=roles.get("low"), high=roles.get("high"),
            sentences=roles.get("sentences"),
        )  # fmt: skip
    taken = set(pair)
    metrics = metrics or {name: found for name in names or () if name not in taken and (found := metric_called(name))}
    if choice.metric is not None and pair:
        metrics = {column: name for column, name in metrics.items() if name == choice.metric}
    if pair and metrics:
        return Layout(pair, metrics)
    if not choice.columns and names and len(names) > 1 and all(_is_language(name, languages) for name in names[1:]):
        if choice.metric is None:
            raise LayoutError(f"{place} is a matrix of languages: name the metric of its scores (--metric METRIC).")
        return Layout(metrics=dict.fromkeys(names[1:], choice.metric), source_of_matrix=names[0])
    raise LayoutError(
        f"{place} has the columns {', '.join(names or ())}: they are neither a pair (or source and target) with a "
        "value or with metrics, nor a matrix of languages; name them (--column pair=COLUMN --column value=COLUMN)."
    )


def _by_name(names: Sequence[str]) -> dict[str, Column]:
    called = {each.casefold(): each for each in reversed(names)}
    return {
        role: next(called[word] for word in words if word in called)
        for role, words in NAMES.items()
        if any(word in called for word in words)
    }


def _sides(roles: Mapping[str, Column]) -> tuple[Column, ...]:
    return (roles["source"], roles["target"]) if "source" in roles and "target" in roles else ()


def _is_language(text: str, languages: Collection[str]) -> bool:
    try:
        tag_among(text, languages)
    except LanguageError:
        return False
    return True
