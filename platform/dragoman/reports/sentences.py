"""The table of sentences: a row for each translation, under its source and reference."""

from dragoman.metrics.lookup import digits_of
from dragoman.sentences.sentences import Sentences
from dragoman.tables.table import Row, Table, number, word


def sentence_table(found: Sentences) -> Table:
    """The sentences of a question, a row for each translation, with how they were chosen below."""
    records = found.records()
    rows: list[Row] = [{**each, "labels": " ".join(each["labels"])} for each in records]
    first = rows[0] if rows else {}
    columns = [word("pair"), number("number", "no.", digits=0), word("source"), word("reference")]
    columns += [word(key, key.replace("_", " ")) for key in first if key.startswith(("reference_", "line_"))]
    columns += [word("system"), word("translation"), number("score", found.metric, digits_of(found.metric))]
    columns += [word("labels")]
    notes = [found.how]
    if found.signature is not None:
        notes.append(
            f"Scores of single sentences: {found.metric}, {found.signature}; corpus scores are no means of them."
        )
    return Table(
        name="sentences", title=f"{found.grid}: sentences", columns=columns, content=rows, notes=notes,
        group=("pair", "number"), stub=2,
    )  # fmt: skip
