"""Tables of a plan about its test lines: their line breaks, their tokens, and those that a model has no room for."""

from collections.abc import Iterable, Sequence

from dragoman.language import english_name
from dragoman.planning.plan import Plan
from dragoman.planning.room import TestText, room
from dragoman.planning.tokenizer_coverage import Coverage, ModelCoverage, coverages
from dragoman.reports.planned_test_sets import columns_of, of_test_set
from dragoman.tables.table import Column, Row, Table, number, share, word

SHOWN = 40
"""Characters of a sentence without room that are shown."""

_FATES = {
    "empty": "They count as empty translations", "cut": "They are cut at their end to what has room",
    "fail": "Their pairs fail", "leave_out": "They are left out for all models",
}  # fmt: skip


def line_breaks(planned: Plan) -> Table:
    """The sentences with line breaks in them, for each pair where there are any."""
    rows: list[Row] = [
        {"text": "training", "model": training.identity.name, "test_set": None, "pair": str(pair),
         "sentences": text.line_breaks}
        for training in planned.trainings
        if training.text
        for pair, text in training.text.pairs.items()
        if text.line_breaks
    ]  # fmt: skip
    rows += [
        {"text": "test", "model": None, **of_test_set(each), "pair": str(pair), "sentences": count}
        for each in planned.test_sets
        for pair, count in each.line_breaks.items()
    ]
    return Table(
        name="line_breaks",
        title="Sentences with line breaks in them",
        columns=[word("text"), *columns_of(planned), word("model"), word("pair"), number("sentences", digits=0)],
        content=rows,
        notes=["Each line break is read as a space: a sentence is one line, in references, sources and examples."],
    )


def too_long(planned: Plan) -> Table:
    """The test sentences that models have no room for, for each prompt and pair where there are any."""
    known = room(planned)
    texts = {each.id: TestText(each) for each in planned.test_sets}
    rows = [
        {
            "models": [model.name for model in each.models], "prompt": each.prompt.label,
            **of_test_set(each.test_set), "pair": str(pair),
            "sentences": len(lines), "of": len(segments), "line": first, "tokens": tokens,
            "written": each.written, "positions": each.positions, "lines": list(lines),
            "begins": segments[first - 1].source[:SHOWN],
        }
        for each in known.found
        for pair, lines in each.lacking.items()
        for segments in [texts[each.test_set.id].of(pair)]
        for first, tokens in [next(iter(lines.items()))]
    ]  # fmt: skip
    fates = dict.fromkeys(
        each.within(
            f"{_FATES[planned.too_long(each)]}: `evaluation.too_long` chooses among empty, cut, leave_out and fail."
        )
        for each in planned.test_sets
        if len(planned.test_sets) == 1 or any(found.test_set.id == each.id for found in known.found)
    )
    return Table(
        name="too_long",
        title="Test sentences that models have no room for",
        columns=[
            Column("models", "models", lambda row: _several(row["models"]), right=False), word("prompt"),
            *columns_of(planned), word("pair"),
            share("sentences", "sentences", "of"), number("line", "first in line", digits=0),
            number("tokens", digits=0), number("written", "to be written", digits=0), number("positions", digits=0),
            word("begins", "which begins"),
        ],
        content=rows,
        notes=[*fates, *known.unknown],
    )  # fmt: skip


def tokens(planned: Plan) -> Table:
    """What each model's tokenizer makes of the test lines of each language, and the languages that it can't write."""
    known = coverages(planned)
    rows = [
        {
            "models": [model.name for model in each.models], "language": tag, "pairs": each.targets[tag],
            "lines": found.lines, "tokens": found.tokens,
            "per_word": found.tokens / found.words if found.words else None,
            "per_character": found.tokens / found.characters if found.characters else None,
            **_shares(found), "writable": found.is_writable,
        }
        for each in known.found
        for tag, found in each.languages.items()
    ]  # fmt: skip
    return Table(
        name="tokens",
        title="Tokens of the test lines by language",
        columns=[
            Column("models", "models", lambda row: _several(row["models"]), right=False), word("language"),
            number("pairs", "pairs into it", digits=0), number("lines", digits=0),
            number("per_word", "tokens a word"), number("per_character", "a character"),
            number("unknown", "% without a token", digits=1), number("in_bytes", "% in bytes", digits=1),
        ],
        content=rows,
        notes=[*cannot_write(known.found), *known.unknown],
        group="models" if len(known.found) > 1 else None,
    )  # fmt: skip


def cannot_write(coverage: Iterable[ModelCoverage]) -> list[str]:
    """The languages that models can't write, as sentences that say what to do; none where they can write all."""
    return [
        f"{_several([model.name for model in found.models])}: {english_name(tag)} ({tag}) can't be written: "
        f"{_shares(found.languages[tag])['unknown']:.0f}% of the characters of its test lines are in no token of the "
        f"vocabulary. {_the_pairs(found.targets[tag])} into {tag} will come out empty or in another language, however "
        "the model is trained: leave the language out, or choose a base that knows its script."
        for found in coverage
        for tag in found.unwritable
    ]


def _the_pairs(count: int) -> str:
    return "The pair" if count == 1 else f"The {count} pairs"


def _shares(found: Coverage) -> dict[str, float | None]:
    """Characters without a token and those spelt in bytes, in percent; None where there are no characters."""
    return {
        name: 100 * count / found.characters if found.characters else None
        for name, count in (("unknown", found.unknown), ("in_bytes", found.in_bytes))
    }


def _several(names: Sequence[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
