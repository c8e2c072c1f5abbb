"""Captions: what the numbers of a table or figure were measured on, and how, read from the store's own rows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field, ValidationError
from sqlalchemy import Connection, select

from dragoman.analysis.line_slice import reading
from dragoman.analysis.provenance import provenance_of
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.systems import System, from_files, quotations
from dragoman.identity import canonical_json
from dragoman.metrics.lookup import metric_class
from dragoman.model import Quotation
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman.store.database.connection import fetched
from dragoman.store.records import Record
from dragoman.store.repositories.conditions import is_text
from dragoman.store.repositories.grids import number_of, test_set_names
from dragoman.store.schema import (
    CellRow,
    ConditionRow,
    DecodingRow,
    GridPairRow,
    PairRow,
    PromptRow,
    TestRow,
    TestSetRow,
)
from dragoman.store.store import Store
from dragoman.version import __version__

NOT_KNOWN = "not known (translations from files)"
"""The prompt and the decoding of a system whose translations come from files."""

NOT_KNOWN_OF_QUOTED = "not known (quoted scores)"
"""Likewise of a system whose scores are quoted."""

_NAMED = 3
"""Names that are listed before the rest is counted."""

_ASKED = 3
"""Models whose translations are counted where a store of before has no number of test lines."""

_REVISION = 20
"""Characters of a revision above which its beginning stands for it, as with Git's hashes."""


class Caption(Record):
    """What the scores of one system were measured on, and how."""

    metric: str
    """Name of the metric."""
    test_set_name: str | None = Field(default=None, exclude_if=lambda name: name is None)
    """Name of the test set in the grid; None where the grid names none."""
    corpus: str
    """Kind of corpus."""
    split: str
    """Its split."""
    revision: str
    """Its revision."""
    lines: str | None = None
    """The filter of its lines that a slice is of; None is all."""
    sentences_asked: int | None
    """Sentences of each pair that were asked for; None is all."""
    sample_seed: int | None
    """Seed of the sample that they are; None where they are the first ones, or all."""
    sentences_least: int | None
    """Fewest sentences of a pair; None where the store doesn't know."""
    sentences_most: int | None
    """Most sentences of a pair."""
    pairs: int
    """Pairs of which it knows."""
    pairs_with_fewer: int
    """Pairs that have fewer sentences than others."""
    pairs_with_least: tuple[Pair, ...]
    """Some of the pairs that have the fewest, where others have more."""
    decoding: str
    """How text was decoded."""
    prompt: str
    """What was asked, as a template."""
    signatures: tuple[str, ...]
    """The signatures of the scores: several where they follow from the target language."""
    base: str | None = None
    """The grid's base model by its name; None where the scores are of no grid."""
    evaluated: str | None = None
    """The day (UTC) on which the last run of the grid ended; None where no run is recorded."""

    @property
    def facts(self) -> dict[str, Any]:
        """What CSV and JSON say of it in each row."""
        return {
            "metric": self.metric,
            "test_set": self.test_set_name,
            "corpus": self.corpus,
            "split": self.split,
            "revision": self.revision,
            "lines": self.lines,
            "sentences_asked": self.sentences_asked,
            "sample_seed": self.sample_seed,
            "sentences_least": self.sentences_least,
            "sentences_most": self.sentences_most,
            "decoding": self.decoding,
            "prompt_template": self.prompt,
            "signature": list(self.signatures),
            "base_model": self.base,
            "evaluated": self.evaluated,
            "dragoman": __version__,
        }

    @property
    def test_set(self) -> str:
        """Its name, where it has one, corpus, split and revision, and of which lines a slice is."""
        shown = self.revision if len(self.revision) <= _REVISION else f"{self.revision[:12]}…"
        named = "" if self.test_set_name is None else f"{self.test_set_name}, "
        only = f", only lines with {self.lines}" if self.lines else ""
        return f"{named}{self.corpus} {self.split}, revision {shown}{only}"

    @property
    def warning(self) -> str | None:
        """The sentence about a slice of few lines under a metric that wants more; None elsewhere."""
        kind = metric_class(self.metric) if self.lines else None
        if kind is None or self.sentences_least is None or self.sentences_least >= kind.fewest_lines:
            return None
        return (
            f"With {self.sentences_least:,} lines {self.metric} hangs on single sentences: read the intervals, and "
            f"take {kind.fewest_lines:,} lines or more."
        )

    @property
    def sentences(self) -> str:
        """How many sentences each pair has, and which those are."""
        least, most = self.sentences_least, self.sentences_most
        if least is None or most is None:
            counted = "how many sentences a pair has is not known"
        elif least == most:
            counted = f"{most:,} sentence{'' if most == 1 else 's'} a pair"
        else:
            few = _listed(map(str, self.pairs_with_least), self.pairs_with_fewer)
            counted = f"{least:,} to {most:,} sentences a pair (fewer than {most:,} in {self.pairs_with_fewer:,} of "
            counted += f"{self.pairs:,} pairs: {few})"
        if self.lines and self.sentences_asked is not None:
            seed = "" if self.sample_seed is None else f" of a sample with seed {self.sample_seed}"
            return f"{counted}, of {'' if seed else 'the first '}{self.sentences_asked:,}{seed}"
        if self.sample_seed is not None:
            return f"{counted}, a sample with seed {self.sample_seed}"
        return counted if self.sentences_asked is None else f"{counted}, the first ones"

    @property
    def signature(self) -> str:
        """The signatures as one, with what differs by target language side by side."""
        fields = [dict(part.partition(":")[::2] for part in text.split("|")) for text in self.signatures]
        if any(each.keys() != fields[0].keys() for each in fields):
            return " and ".join(self.signatures)
        values = {key: dict.fromkeys(each[key] for each in fields) for key in (fields[0] if fields else ())}
        return "|".join(f"{key}:{'/'.join(found)}" if any(found) else key for key, found in values.items()) or "none"


_PARTS: dict[str, Callable[[Caption], str | None]] = {
    "Test set": lambda caption: caption.test_set,
    "": lambda caption: caption.sentences,
    "decoding": lambda caption: caption.decoding,
    "prompt": lambda caption: repr(caption.prompt),
    "signature": lambda caption: caption.signature,
    "base": lambda caption: caption.base,
    "evaluated": lambda caption: caption.evaluated,
}


def caption_line(captions: Mapping[str, Caption]) -> str | None:
    """The captions of some systems, or metrics, in one line; what differs is said with their names. None without any.

    Args:
        captions: the captions by name.
    """
    parts = []
    for what, of in _PARTS.items():
        said: dict[str, list[str]] = {}
        for name, caption in captions.items():
            if (text := of(caption)) is not None:
                said.setdefault(text, []).append(name)
        if not said:
            continue
        texts = list(said) if len(said) < 2 else [f"{text} ({_listed(names)})" for text, names in said.items()]
        parts.append(f"{what}: {', '.join(texts)}" if what else "; ".join(texts))
    warnings = dict.fromkeys(filter(None, (caption.warning for caption in captions.values())))
    return " ".join([f"{'; '.join([*parts, f'Dragoman {__version__}'])}.", *warnings]) if captions else None


def caption_of(store: Store, question: ScoreQuestion, *, model: str | None = None) -> Caption:
    """The caption of a question's scores.

    Args:
        store: the store.
        question: the question.
        model: the model whose scores are meant, which may be decoded in its own way; all by default.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with reading(store, question) as connection:
        part = Slice.of(connection, question, [] if model is None else [model])
        found = read_caption(connection, part)
        return found if model is None else _as_known(connection, found, number_of(question.grid, part.models, model))


def captions_of(store: Store, question: ScoreQuestion, systems: Iterable[System]) -> dict[System, Caption]:
    """The captions of some systems of one grid; errors as for `caption_of`."""
    found: dict[System, Caption] = {}
    known: dict[tuple[tuple[int, ...], tuple[int, ...]], Caption] = {}
    with reading(store, question) as connection:
        for system in systems:
            part = Slice.of(connection, replace(question, prompt=system.prompt), [system.model])
            key = (part.conditions, part.signatures)
            known[key] = known.get(key) or read_caption(connection, part)
            found[system] = _without_unknown(known[key], system.is_from_files, system.quoted)
    return found


def captions_of_both(connection: Connection, part: Slice, a_id: int, b_id: int) -> tuple[Caption, Caption]:
    """The captions of the other system's scores in a slice of matched scores, and of the slice's own.

    Args:
        connection: a reading transaction.
        part: the slice.
        a_id: number of the other model.
        b_id: number of the slice's own.
    """
    own = read_caption(connection, part)
    other = read_caption(connection, part, [other for _, other in part.facing]) if part.facing else own
    return _as_known(connection, other, a_id), _as_known(connection, own, b_id)


def _as_known(connection: Connection, caption: Caption, model_id: int) -> Caption:
    """The caption of a model's scores: of one that was not run here without what is not known of it."""
    is_from_files = bool(from_files(connection, [model_id]))
    return _without_unknown(caption, is_from_files, quotations(connection, [model_id]).get(model_id))


def _without_unknown(caption: Caption, is_from_files: bool, quoted: Quotation | None) -> Caption:
    if is_from_files:
        return caption.model_copy(update={"decoding": NOT_KNOWN, "prompt": NOT_KNOWN})
    if quoted is None:
        return caption
    least, most = quoted.sentences or (None, None)
    unknown = {"decoding": NOT_KNOWN_OF_QUOTED, "prompt": NOT_KNOWN_OF_QUOTED, "sentences_asked": None}
    counted = {"sentences_least": least, "sentences_most": most, "sample_seed": None, "pairs_with_least": ()}
    return caption.model_copy(update={**unknown, **counted})


def read_caption(connection: Connection, part: Slice, conditions: Iterable[int] = ()) -> Caption:
    """The caption of a slice's scores.

    Args:
        connection: a reading transaction.
        part: the slice.
        conditions: those of another system whose scores are matched with the slice's (`Slice.facing`), if it is meant.
    """
    conditions = [*(conditions or part.conditions)]
    query = (
        select(TestSetRow, PromptRow.template, DecodingRow.settings)
        .select_from(ConditionRow)
        .join(TestSetRow, TestSetRow.id == ConditionRow.test_set_id)
        .join(PromptRow, PromptRow.id == ConditionRow.prompt_id)
        .join(DecodingRow, DecodingRow.id == ConditionRow.decoding_id)
        .where(ConditionRow.id.in_(conditions))
        .order_by(ConditionRow.id)
    )
    rows = connection.execute(query).all()
    first = rows[0]._mapping if rows else {}
    return Caption(
        metric=part.metric,
        test_set_name=test_set_names(connection, part.grid_id).get(first.get("identity", "")),
        corpus=first.get("corpus", "none"),
        split=first.get("split", "none"),
        revision=first.get("revision", "none"),
        lines=part.lines,
        sentences_asked=first.get("sentences"),
        sample_seed=first.get("seed"),
        decoding=" or ".join(dict.fromkeys(_decoding(row.settings) for row in rows)),
        prompt=" or ".join(dict.fromkeys(row.template for row in rows)),
        signatures=part.signature_texts(connection),
        **provenance_of(connection, part.grid_id)._asdict(),
        **_counted(connection, part),
    )


def _counted(connection: Connection, part: Slice) -> dict[str, Any]:
    """The numbers of sentences of the slice's pairs: of their test lines, or of what was translated of them."""
    planned = (
        select(GridPairRow.pair_id, TestRow.segments)
        .select_from(GridPairRow)
        .join(ConditionRow, ConditionRow.id == GridPairRow.condition_id)
        .join(TestRow, is_text(TestRow))
        .where(GridPairRow.grid_id == part.grid_id, GridPairRow.condition_id.in_(part.conditions))
        .where(TestRow.content != "")
    )
    lines: dict[int, int | None] = dict(fetched(connection, planned))
    for model_id in list(part.models.values())[:_ASKED]:
        if None not in lines.values():
            break
        translated = select(CellRow.pair_id, CellRow.segments).where(
            CellRow.model_id == model_id, CellRow.condition_id.in_(part.conditions), CellRow.segments.is_not(None)
        )
        for pair_id, segments in fetched(connection, translated):
            if pair_id in lines and lines[pair_id] is None:
                lines[pair_id] = segments
    known = {pair_id: number for pair_id, number in lines.items() if number is not None}
    least, most = (min(known.values()), max(known.values())) if known else (None, None)
    few: list[Pair] = []
    if least != most:
        named = [pair_id for pair_id, number in known.items() if number == least][:_NAMED]
        of_least = select(PairRow.source, PairRow.target).where(PairRow.id.in_(named))
        few = sorted(Pair(*row) for row in connection.execute(of_least))
    return {
        "sentences_least": least,
        "sentences_most": most,
        "pairs": len(known),
        "pairs_with_fewer": sum(number != most for number in known.values()),
        "pairs_with_least": tuple(few),
    }


def _decoding(settings: Mapping[str, Any]) -> str:
    try:
        return Decoding.model_validate(settings).shown
    except ValidationError:  # of another version
        return canonical_json(settings)


def _listed(names: Iterable[str], count: int | None = None) -> str:
    """Some names; of many the first ones, with the number of the rest."""
    listed = list(names)
    rest = (len(listed) if count is None else count) - min(len(listed), _NAMED)
    return f"{', '.join(listed[:_NAMED])}{f' and {rest:,} more' if rest else ''}"
