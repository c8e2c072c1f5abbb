"""The claims of a bundle read back, and held against its plan: what is there, what is lacking, what is too much."""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from dragoman.errors import StoreError, first_line
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.reading import ReadingError, over_limit, parse_json, parse_json_line
from dragoman.settings import settings
from dragoman.sharing.bundle import layout
from dragoman.sharing.bundle.claims import (
    CELLS,
    CONTENTS,
    DIFFERENCES,
    FORMAT,
    MEANS,
    SCORES,
    CellClaim,
    Claim,
    Contents,
    DifferenceClaim,
    MeanClaim,
    ScoreClaim,
)
from dragoman.sharing.bundle.container import BundleReader
from dragoman.sharing.bundle.findings import Finding
from dragoman.sharing.bundle.rebuilding import Place
from dragoman.sharing.bundle.segment_scores import SEGMENTS, SegmentsClaim, SegmentsKey, held_segments

AnyClaim = TypeVar("AnyClaim", bound=Claim)


class Numbered(NamedTuple):
    """A score with the line that it stands in."""

    line: int
    """The line."""
    claim: ScoreClaim
    """The score."""


class Claims(NamedTuple):
    """What a bundle claims of its cells."""

    contents: Contents
    """The grid and its plan."""
    cells: dict[Place, CellClaim]
    """The cells."""
    scores: dict[Place, list[Numbered]]
    """The scores of each."""
    findings: list[Finding]
    """What does not fit the plan."""


def read_contents(bundle: BundleReader) -> Contents:
    """The grid and the plan of a bundle.

    Raises:
        StoreError: they are not there, or are not what a bundle has.
    """
    if CONTENTS not in bundle.members:
        raise StoreError(f"{bundle.path} has no {CONTENTS}, so that nothing in it can be computed again.")
    try:
        content = parse_json(bundle.read(CONTENTS), f"{bundle.path}, {CONTENTS}")
        if isinstance(content, dict) and isinstance(content.get("format"), int) and content["format"] > FORMAT:
            raise StoreError(f"{bundle.path} was written by a newer Dragoman: upgrade Dragoman.")
        contents = Contents.model_validate(content)
        if contents.cells > settings().limit_json_values:
            raise over_limit(
                f"{bundle.path}, {CONTENTS} plans too many cells", "limit_json_values", "give another file"
            )
        return contents
    except ReadingError as error:
        raise StoreError(str(error)) from error
    except ValidationError as error:
        raise StoreError(f"{bundle.path}, {CONTENTS} is not what a bundle has: {_where(error)}.") from error
    except ValueError as error:
        raise StoreError(f"{bundle.path}, {CONTENTS} is no JSON ({first_line(error)}).") from error


def read_claims(bundle: BundleReader, contents: Contents) -> Claims:
    """The cells and scores of a bundle, held against its plan.

    Raises:
        ReadingError: a line has more in it than is read.
    """
    findings: list[Finding] = []
    plan = {
        (test_set.folder, system, pair)
        for test_set in contents.test_sets
        for system in test_set.systems
        for pair in test_set.pairs
    }
    graphs = _graphs(contents)
    cells: dict[Place, CellClaim] = {}
    for line, cell in rows(bundle, CELLS, CellClaim, findings):
        where = f"{CELLS}, line {line:,}"
        if cell.place not in plan or cell.place in cells:
            odd = "is there twice" if cell.place in cells else "is not in the plan"
            findings.append(Finding(where, f"{cell.system} on {cell.pair} of {cell.test_set} {odd}"))
            continue
        cells[cell.place] = cell
        partition = graphs[cell.system].partition(cell.pair)
        if cell.partition != partition:
            on = f"{cell.pair} of {cell.test_set}"
            told = f"the partition of {on} under {cell.system} is not that of its training pairs"
            findings.append(Finding(where, told, cell.partition or "unknown", partition or "unknown"))
    findings += [
        Finding(CELLS, f"{system} on {pair} of {folder} is in the plan, and lacks its cell")
        for folder, system, pair in sorted(plan - cells.keys())
    ]
    scores: defaultdict[Place, list[Numbered]] = defaultdict(list)
    for line, score in rows(bundle, SCORES, ScoreClaim, findings):
        place = (score.test_set, score.system, score.pair)
        known = {(each.claim.metric, each.claim.signature) for each in scores.get(place, ())}
        if place not in cells or (score.metric, score.signature) in known or score.metric not in contents.metrics:
            odd = "is of no cell" if place not in cells else "is there twice, or of no metric of the grid"
            findings.append(Finding(f"{SCORES}, line {line:,}", f"{_of(score)} {odd}"))
            continue
        scores[place].append(Numbered(line, score))
    findings += _members(bundle, contents, cells)
    return Claims(contents, cells, dict(scores), findings)


def read_means(bundle: BundleReader, findings: list[Finding]) -> Iterator[tuple[int, MeanClaim]]:
    """The means of a bundle, each with its line; what is no mean is added to the findings."""
    return rows(bundle, MEANS, MeanClaim, findings)


def read_differences(bundle: BundleReader, findings: list[Finding]) -> Iterator[tuple[int, DifferenceClaim]]:
    """The differences of a bundle, likewise."""
    return rows(bundle, DIFFERENCES, DifferenceClaim, findings)


def read_segments(bundle: BundleReader, claims: Claims, findings: list[Finding]) -> dict[SegmentsKey, bytes]:
    """The statistics of a bundle's segments by metrics that hold a model; what is wrong is added to the findings."""
    scores = {place: [each.claim for each in own] for place, own in claims.scores.items()}
    return held_segments(rows(bundle, SEGMENTS, SegmentsClaim, findings), claims.cells, scores, findings)


def rows(
    bundle: BundleReader, name: str, kind: type[AnyClaim], findings: list[Finding]
) -> Iterator[tuple[int, AnyClaim]]:
    """The claims of a member, each with its line; a line that is none is added to the findings.

    Raises:
        ReadingError: a line has more in it than is read.
    """
    for number, line in enumerate(bundle.lines(name) if name in bundle.members else (), 1):
        where = f"{name}, line {number:,}"
        try:
            content = parse_json_line(line.decode(), partial("{}, {}".format, bundle.path, where), unique=True)
            yield number, kind.model_validate(content)
        except ValidationError as error:
            findings.append(Finding(where, f"it is not what such a line has: {_where(error)}"))
        except ReadingError:
            raise
        except ValueError as error:
            findings.append(Finding(where, f"it is no JSON in UTF-8 ({first_line(error)})"))


def _graphs(contents: Contents) -> dict[str, TrainingGraph]:
    """The training graph of each system, with what its model inherits."""
    graphs: dict[str, TrainingGraph] = {}
    for model in contents.models:
        own = model.own_graph
        graphs[model.id] = own.inherit(graphs[model.parent]) if model.parent in graphs else own
    return {system.file: graphs[system.model] for system in contents.systems}


def _members(bundle: BundleReader, contents: Contents, cells: dict[Place, CellClaim]) -> Iterator[Finding]:
    """The members that the plan does not know, and those it has that are not there."""
    due: set[str] = {*layout.claims(), layout.CHECKSUMS, layout.SUMS, layout.ROOT}
    translated: set[tuple[str, Pair]] = set()
    for (folder, system, pair), cell in cells.items():
        if cell.state.is_translated:
            due.add(layout.hypotheses(folder, pair, system))
            translated.add((folder, pair))
    for folder, pair in translated:
        due |= {layout.sources(folder, pair), layout.references(folder, pair)}
        due.update(layout.references_in(bundle.members, folder, pair))
    may = {
        name(test_set.folder, pair)
        for name in (layout.line_keys, layout.labels)
        for test_set in contents.test_sets
        for pair in test_set.pairs
    }
    may.add(SEGMENTS)
    yield from (Finding(name, "it is missing") for name in sorted(due - bundle.members.keys()))
    yield from (
        Finding(name, "it has no place in the bundle: no cell of the plan has such a text")
        for name in sorted(bundle.members.keys() - due - may)
    )


def _of(score: ScoreClaim) -> str:
    return f"{score.metric} of {score.system} on {score.pair} of {score.test_set}"


def _where(error: ValidationError) -> str:
    (first, *_) = error.errors()
    place = ".".join(str(each) for each in first["loc"])
    return f"{place}: {first['msg'].lower()}" if place else first["msg"].lower()
