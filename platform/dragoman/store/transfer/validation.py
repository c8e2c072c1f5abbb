"""Validation of an archive's content, which is read and checked as a whole before any of it is written."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from dragoman.errors import StoreError
from dragoman.metrics.serialization import unpack
from dragoman.metrics.span_serialization import unpack_spans
from dragoman.pair import Pair
from dragoman.spec.base import NAME
from dragoman.store.blobs import TEST, TRANSLATION, check_blob, is_test
from dragoman.store.judgement_records import JudgementCampaignRecord, JudgementRecord
from dragoman.store.line_keys import LineKeys
from dragoman.store.line_keys import unpack as unpack_keys
from dragoman.store.line_labels import unpack as unpack_labels
from dragoman.store.records import CellRecord, ContaminationRecord, GridRecord, StoredScore
from dragoman.store.signatures import fits_state
from dragoman.store.transfer.archive import Archive
from dragoman.store.transfer.format import CAMPAIGNS, JUDGEMENTS, SPANS_FILE, Conditions, PortableModel, cell_record

CONTAMINATION = 2
"""First version of the layout that holds contamination."""

WITH_KEYS = 3
"""First version of the layout that holds the keys of test lines."""

WITH_LABELS = 4
"""First version of the layout that holds the labels of test lines."""

_LARGEST = 2**31 - 1
"""The largest number of a column."""


class Contents:
    """The content of an archive, consistent with itself and with the constraints of the store."""

    def __init__(self, archive: Archive) -> None:
        """Read and check everything.

        Raises:
            ValueError: something is not what `export_grid` writes; what is raised by libraries may be of other kinds.
            StoreError: a blob is not what its address says.
        """
        self._archive = archive
        self.grid = GridRecord.model_validate(archive.json("grid.json"))
        self.models = [PortableModel.model_validate(model) for model in archive.json("models.json")]
        self.conditions = Conditions.model_validate(archive.json("conditions.json"))
        records = [cell_record(row) for row in archive.rows("cells.parquet")]
        self.cells = {record.cell.id: record for record in records}
        _check(len(self.cells) == len(records), "a cell is there twice")
        found = archive.json("contamination.json") if archive.manifest.format >= CONTAMINATION else []
        self.contamination = [ContaminationRecord.model_validate({"search": 1, **record}) for record in found]
        self.keys: dict[tuple[str, Pair, str], LineKeys] = {}
        """The keys of test lines by test set, pair and content hash."""
        for row in archive.rows("keys.parquet") if archive.manifest.format >= WITH_KEYS else ():
            text = (row["test_set"], Pair(row["source"], row["target"]), row["content"])
            _check(text not in self.keys, "the keys of some test lines are there twice")
            self.keys[text] = LineKeys(*(row[name] for name in LineKeys._fields))
        packed: defaultdict[tuple[str, Pair, str], dict[str, bytes]] = defaultdict(dict)
        for row in archive.rows("labels.parquet") if archive.manifest.format >= WITH_LABELS else ():
            text = (row["test_set"], Pair(row["source"], row["target"]), row["content"])
            _check(bool(row["name"]) and row["name"] not in packed[text], "a label of some test lines is there twice")
            packed[text][row["name"]] = row["of_lines"]
        self.campaigns = [JudgementCampaignRecord.model_validate(each) for each in self._json(CAMPAIGNS)]
        self.judgements = [JudgementRecord.model_validate(each) for each in self._json(JUDGEMENTS)]
        self._check_grid()
        for record in records:
            self._check_cell(record)
        self._check_shape()
        self._check_contamination()
        self._check_blobs()
        self._check_keys()
        self.labels = self._checked_labels(packed)
        """The labels of test lines by test set, pair and content hash."""
        self._check_scores()
        self._check_spans()
        self._check_unscorable()
        self._check_judgements()

    def _json(self, name: str) -> list[Any]:
        """The records of a member that files of earlier versions lack."""
        return list(self._archive.json(name)) if name in self._archive.manifest.members else []

    @property
    def blobs(self) -> list[str]:
        """Addresses of the hypotheses and texts."""
        found = (address for record in self.cells.values() for address in (record.hypotheses, record.test))
        return sorted(filter(None, set(found)))

    def _check_grid(self) -> None:
        _check(re.fullmatch(NAME, self.grid.name) is not None, "the grid's name is none")
        known: set[str] = set()
        for model in self.models:
            _check({model.parent, model.base} <= {None, model.id, *known}, "a model comes before its parent or base")
            _check(model.parent != model.id and model.id not in known, "a model is its own parent, or there twice")
            _check(all(count > 0 for *_, count in model.examples), "a pair was trained on fewer than one example")
            known.add(model.id)
        _check({self.grid.base, *self.grid.models} <= known, "the grid has a model that is not described")
        _check(len(set(self.grid.models)) == len(self.grid.models), "the grid has a model twice")
        _check(len(set(self.grid.metrics)) == len(self.grid.metrics), "the grid has a metric twice")

    def _check_cell(self, record: CellRecord) -> None:
        cell = record.cell
        _check(cell.model in self.grid.models, "a cell is of no model of the grid")
        _check(cell.pair.source != cell.pair.target, "a language is paired with itself")
        numbers = (record.segments, record.tokens, record.cut, record.too_long, record.attempts)
        _check(all(number is None or 0 <= number <= _LARGEST for number in numbers), "a cell has an impossible number")
        _check(not record.state.needs_reason or record.reason is not None, f"a {record.state} cell has no reason")
        _check(not record.state.is_translated or record.hypotheses is not None, "a translated cell has no hypotheses")

    def _check_shape(self) -> None:
        """Every model has the same cells of a prompt and decoding, or none, and every condition is described."""
        cells: Counter[tuple[str, str, str]] = Counter()
        tasks: defaultdict[tuple[str, str], set[tuple[Any, ...]]] = defaultdict(set)
        for cell in (record.cell for record in self.cells.values()):
            cells[cell.model, cell.prompt, cell.decoding] += 1
            tasks[cell.prompt, cell.decoding].add((cell.test_set, cell.content, cell.pair))
        for (_, prompt, decoding), count in cells.items():
            _check(count == len(tasks[prompt, decoding]), "a model lacks a cell that another has")
        _check({model for model, *_ in cells} in (set(), set(self.grid.models)), "a model has no cell")
        described = self.conditions
        _check({prompt for prompt, _ in tasks} <= {record.id for record in described.prompts}, "a prompt is missing")
        _check({way for _, way in tasks} <= {record.id for record in described.decodings}, "a decoding is missing")
        tested = {test_set for found in tasks.values() for test_set, *_ in found}
        _check(tested <= {record.id for record in described.test_sets}, "a test set is missing")
        named = self.grid.test_sets
        _check(
            not named or tested <= named.keys() <= {record.id for record in described.test_sets},
            "a test set is unnamed",
        )
        _check(all(re.fullmatch(NAME, name) for name in named.values()), "the name of a test set is none")
        _check(len(set(named.values())) == len(named), "two test sets have one name")

    def _check_contamination(self) -> None:
        keys = {(found.model, found.test_set, found.pair, found.side) for found in self.contamination}
        _check(len(keys) == len(self.contamination), "contamination of one side is there twice")
        _check({model for model, *_ in keys} <= {model.id for model in self.models}, "an unknown model is contaminated")
        tested = {record.id for record in self.conditions.test_sets}
        _check({test_set for _, test_set, *_ in keys} <= tested, "an unknown test set is contaminated")

    def _check_blobs(self) -> None:
        kinds = defaultdict(set)
        for record in self.cells.values():
            kinds[record.hypotheses].add(tuple(TRANSLATION.names))
            kinds[record.test].add(tuple(TEST.names))
        for address in self.blobs:
            schema = check_blob(address, self._archive.read(f"blobs/{address}"))
            names = tuple(TEST.names if is_test(schema) else schema.names)
            _check({names} == kinds[address], "hypotheses and texts of a test set are mixed up")

    def _check_keys(self) -> None:
        """Keys are of lines of the grid, as many as those, and either rows or hashes of both sides."""
        lines = self._lines()
        _check(self.keys.keys() <= lines.keys(), "there are keys of other test lines")
        for text, keys in self.keys.items():
            by_row = keys.corpus_rows is not None
            _check(by_row == (keys.source_hashes is None) == (keys.reference_hashes is None), "test lines lack keys")
            count = lines[text]
            for packed in filter(None, keys):
                try:
                    count = len(unpack_keys(packed, count))
                except StoreError as error:
                    raise ValueError(str(error)) from error

    def _checked_labels(
        self, packed: Mapping[tuple[str, Pair, str], Mapping[str, bytes]]
    ) -> dict[tuple[str, Pair, str], dict[str, tuple[str, ...]]]:
        """Labels are of lines of the grid, a value for each of those."""
        lines = self._lines()
        _check(packed.keys() <= lines.keys(), "there are labels of other test lines")
        try:
            return {
                text: {name: unpack_labels(of_lines, lines[text]) for name, of_lines in labels.items()}
                for text, labels in packed.items()
            }
        except StoreError as error:
            raise ValueError(str(error)) from error

    def _lines(self) -> dict[tuple[str, Pair, str], int | None]:
        """The number of lines of each text, where it is known."""
        lines: dict[tuple[str, Pair, str], int | None] = {}
        for record in self.cells.values():
            text = (record.cell.test_set, record.cell.pair, record.cell.content)
            lines[text] = lines.get(text) or record.segments
        return lines

    def _check_scores(self) -> None:
        done = set()
        for cell, rows in groupby(self._archive.rows("scores.parquet"), key=lambda row: row["cell"]):
            _check(cell not in done, "the scores of a cell do not lie together")
            done.add(cell)
            record = self._with_scores(cell)
            segments, signatures = record.segments, set()
            for row in rows:
                score = StoredScore.model_validate({name: value for name, value in row.items() if name != "cell"})
                _check((score.metric, score.signature) not in signatures, "a cell has a score twice")
                signatures.add((score.metric, score.signature))
                _check(fits_state(score.signature, record.state), "quoted scores and cells are mixed up")
                _check(score.statistics is None or record.state.is_translated, "a quoted score has statistics")
                if score.low is not None and score.high is not None:
                    _check(score.low <= score.high, "an interval ends before it begins")
                if score.statistics is not None:
                    _check(len(unpack(score.statistics)) == segments, "statistics are of another number of segments")

    def spans(self) -> Iterator[dict[str, Any]]:
        """The error spans of scores; files of earlier versions have none."""
        return self._archive.rows(SPANS_FILE) if SPANS_FILE in self._archive.manifest.members else iter(())

    def _check_spans(self) -> None:
        """Spans are of scores that have statistics, once each, and of as many segments."""
        if SPANS_FILE not in self._archive.manifest.members:
            return
        scored = {
            (row["cell"], row["metric"], row["signature"])
            for row in self._archive.rows("scores.parquet")
            if row["statistics"] is not None
        }
        for row in self.spans():
            score = (row["cell"], row["metric"], row["signature"])
            _check(score in scored, "error spans are of no score, or there twice")
            scored.remove(score)
            try:
                unpack_spans(row["spans"] or b"", self.cells[row["cell"]].segments)
            except StoreError as error:
                raise ValueError(str(error)) from error

    def _check_unscorable(self) -> None:
        found = set()
        for row in self._archive.rows("unscorable.parquet"):
            _check(self.cells[row["cell"]].state.is_translated, "a cell that is not translated is unscorable")
            _check(None not in (row["metric"], row["reason"]), "a metric can't score a cell, and the reason is missing")
            _check((row["cell"], row["metric"]) not in found, "a metric can't score a cell twice")
            found.add((row["cell"], row["metric"]))

    def _check_judgements(self) -> None:
        _check(len({each.key for each in self.judgements}) == len(self.judgements), "a judgement is there twice")
        _check(len({each.id for each in self.campaigns}) == len(self.campaigns), "a campaign is there twice")
        judged = {each.cell for each in self.judgements}
        _check(judged <= self.cells.keys(), "a judgement is of no cell of the grid")
        _check(
            all(each.line <= (self.cells[each.cell].segments or 0) for each in self.judgements), "a line is not there"
        )
        named = {each.campaign for each in self.judgements} - {None}
        _check(named <= {each.id for each in self.campaigns}, "a judgement is of an unknown campaign")

    def _with_scores(self, cell: str) -> CellRecord:
        record = self.cells[cell]
        _check(record.state.has_scores, "a cell that is not translated has scores")
        return record


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
