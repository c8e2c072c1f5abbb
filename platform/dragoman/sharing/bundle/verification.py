"""Verification of a bundle: every byte held against its hashes, every number computed again from its texts."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

from dragoman.errors import StoreError, StoreUnusableError, first_line
from dragoman.pair import Pair
from dragoman.reading import ReadingError, refused_as
from dragoman.sharing.bundle import measures
from dragoman.sharing.bundle.claims import (
    CELLS,
    CONTENTS,
    DIFFERENCES,
    MEANS,
    SCORES,
    Claim,
    DifferenceClaim,
    LeftOut,
    MeanClaim,
)
from dragoman.sharing.bundle.container import BundleReader
from dragoman.sharing.bundle.findings import Finding, Unchecked
from dragoman.sharing.bundle.integrity import check_integrity
from dragoman.sharing.bundle.reading_claims import (
    Claims,
    read_claims,
    read_contents,
    read_differences,
    read_means,
    read_segments,
)
from dragoman.sharing.bundle.rebuilding import Rebuilt, rebuild
from dragoman.sharing.bundle.rescoring import Rescored, Signatures, rescore
from dragoman.sharing.bundle.segment_scores import SegmentsKey

EXACT, RESAMPLED = 1e-9, 1e-6
"""Relative differences of equal numbers from machine to machine: of scores and their means, and of what is resampled,
which is summed in single precision."""

_RESAMPLED = ("low", "high", "p_value", "adjusted")
_KEYS = ("test_set", "system", "metric", "scope", "over")

AnyClaim = TypeVar("AnyClaim", MeanClaim, DifferenceClaim)


class Verification(NamedTuple):
    """What came of the verification of a bundle."""

    grid: str | None
    """Name of the grid; None where that can't be read."""
    root: str
    """The hash of the hashes."""
    findings: list[Finding]
    """What is not what it claims to be."""
    unchecked: list[Unchecked]
    """Numbers that can't be computed here."""
    numbers: int
    """Numbers that were computed again, and held against the claimed ones."""
    left_out: Sequence[LeftOut] = ()
    """Systems of the grid whose scores are quoted, which are not in it."""


Advance = Callable[[str, int, int], None]
"""Is told what is done, how much of it, and of how much."""


def verify(path: Path, *, root: str | None = None, workers: int = 1, advance: Advance | None = None) -> Verification:
    """Verify a bundle, without the store, the models or the machine that it was written on.

    Args:
        path: the file.
        root: the root as it was quoted elsewhere.
        workers: processes that score.
        advance: is told how far it is.

    Raises:
        StoreError: it is no bundle, or has more in it than is read.
    """

    def step(name: str) -> Callable[[int, int], None]:
        return lambda done, whole: advance(name, done, whole) if advance else None

    with refused_as(StoreError), BundleReader(path) as bundle, TemporaryDirectory() as folder:
        integrity = check_integrity(bundle, root=root, advance=step("reading"))
        try:
            contents = read_contents(bundle)
        except StoreError as error:
            if not integrity.findings:
                raise
            return Verification(None, integrity.root, [*integrity.findings, Finding(CONTENTS, str(error))], [], 0)
        check = _Check(bundle, read_claims(bundle, contents), workers, step)
        check.run(Path(folder))
        findings = [*integrity.findings, *check.findings]
        return Verification(contents.grid, integrity.root, findings, check.unchecked, check.numbers, contents.left_out)


class _Check:
    """The numbers of a bundle, computed again."""

    def __init__(
        self, bundle: BundleReader, claims: Claims, workers: int, step: Callable[[str], Callable[[int, int], None]]
    ) -> None:
        self._bundle, self._claims, self._workers, self._step = bundle, claims, workers, step
        self.signatures = Signatures(claims.contents.languages)
        self._lacking: set[str] = set()
        self._skipped: Counter[str] = Counter()
        self.findings = list(claims.findings)
        self.numbers = 0

    def run(self, folder: Path) -> None:
        """Compute everything, and hold it against the claims."""
        try:
            rebuilt = rebuild(self._bundle, self._claims.contents, self._claims.cells, folder)
            try:
                self._compute(rebuilt)
            finally:
                rebuilt.store.close()
        except (ReadingError, OSError, StoreUnusableError):
            raise
        except Exception as error:  # what somebody altered may fail in any library that computes it
            told = f"what the bundle holds can't be computed again ({first_line(error)})"
            self.findings.append(Finding(CONTENTS, told))

    def _compute(self, rebuilt: Rebuilt) -> None:
        contents, blobs = self._claims.contents, rebuilt.store.blobs
        self.findings += rebuilt.findings

        def references(folder: str, pair: Pair) -> list[tuple[str, ...]] | None:
            address = rebuilt.several.get((folder, pair))
            return None if address is None else blobs.test_text(address).all_references

        self.signatures = Signatures(contents.languages, references)
        claims = {
            place: (cell, [each.claim for each in self._claims.scores.get(place, ())])
            for place, cell in self._claims.cells.items()
        }
        segments = read_segments(self._bundle, self._claims, self.findings)
        for found in rescore(
            rebuilt, claims=claims, metrics=contents.metrics, signatures=self.signatures, segments=segments,
            languages=contents.languages, workers=self._workers, advance=self._step("scoring"),
        ):  # fmt: skip
            self._hold_scores(found)
        self._lacking = {
            each.claim.metric
            for place, own in self._claims.scores.items()
            for each in own
            if self.signatures.is_foreign(each.claim)
            and SegmentsKey(place, each.claim.metric, each.claim.signature) not in segments
        }
        of_means = read_means(self._bundle, self.findings)
        self._hold(MEANS, of_means, self._counted("means", measures.means(rebuilt.store, contents)))
        tested = self._counted("tests", measures.differences(rebuilt.store, contents))
        self._hold(DIFFERENCES, read_differences(self._bundle, self.findings), tested)

    @property
    def unchecked(self) -> list[Unchecked]:
        """What could not be computed here."""
        reason = "intervals and p-values follow from scores that can't be computed here"
        rest = [Unchecked(metric, "", count, reason) for metric, count in sorted(self._skipped.items())]
        return [*self.signatures.unchecked, *rest]

    def _hold_scores(self, found: Rescored) -> None:
        """Hold the scores of a cell against those that its texts give."""
        claimed = self._claims.scores.get(found.place, [])
        cell = self._claims.cells.get(found.place)
        refused = cell.unscorable if cell else ()
        folder, system, pair = found.place
        name = f"{system} on {pair} of {folder}"
        for metric in self._claims.contents.metrics:
            its = [each for each in claimed if each.claim.metric == metric]
            if not its and metric not in refused:
                told = f"{name} has neither a score of {metric} nor a note that it can't be scored"
                self.findings.append(Finding(SCORES, told))
            elif metric in found.computed and (metric in found.unscorable) != (metric in refused):
                can = "can't" if metric in found.unscorable else "can"
                self.findings.append(Finding(CELLS, f"{name} {can} be scored with {metric}, and it says otherwise"))
        for line, claim in claimed:
            score = found.scores.get((claim.metric, claim.signature))
            if score is None and claim.metric in found.computed and not self.signatures.is_foreign(claim):
                told = f"its texts have no score of {claim.metric} for {name} under {claim.signature}"
                self.findings.append(Finding(f"{SCORES}, line {line:,}", told))
            elif score is not None:
                right = {"value": score.value, "low": score.low, "high": score.high}
                self._compare(f"{SCORES}, line {line:,}", f"{claim.metric} of {name}", claim, right)

    def _hold(self, name: str, claimed: Iterable[tuple[int, AnyClaim]], right: Iterable[AnyClaim]) -> None:
        """Hold means or differences against those that the scores give."""
        due = {_key(each): each for each in right}
        for line, claim in claimed:
            where = f"{name}, line {line:,}"
            found = due.pop(_key(claim), None)
            if found is None:
                self.findings.append(
                    Finding(where, f"no scores of the grid give {_named(claim)}, or it is there twice")
                )
            else:
                fields = found.model_dump(exclude=set(_KEYS))
                self._compare(where, _named(claim), claim, fields, metric=claim.metric)
        self.findings += [Finding(name, f"{_named(each)} is lacking") for each in due.values()]

    def _compare(
        self, where: str, what: str, claim: Claim, right: Mapping[str, Any], *, metric: str | None = None
    ) -> None:
        for field, found in right.items():
            there = getattr(claim, field)
            if metric in self._lacking and field in _RESAMPLED:
                self._skipped[str(metric)] += there is not None
                continue
            self.numbers += there is not None or found is not None
            if not _is_equal(there, found, RESAMPLED if field in _RESAMPLED else EXACT):
                self.findings.append(Finding(where, f"{field.replace('_', '-')}: {what}", there, found))

    def _counted(self, name: str, claims: Iterable[AnyClaim]) -> Iterator[AnyClaim]:
        """The claims, told of system by system."""
        contents, seen = self._claims.contents, set[tuple[str, str, str]]()
        whole = len(contents.metrics) * sum(len(each.systems) for each in contents.test_sets)
        for claim in claims:
            seen.add((claim.test_set, claim.system, claim.metric))
            self._step(name)(len(seen), whole)
            yield claim


def _key(claim: MeanClaim | DifferenceClaim) -> tuple[str, ...]:
    return tuple(getattr(claim, name) for name in _KEYS if hasattr(claim, name))


def _named(claim: MeanClaim | DifferenceClaim) -> str:
    if isinstance(claim, MeanClaim):
        return f"the mean {claim.metric} of {claim.system} over {claim.scope} on {claim.test_set}"
    return f"the difference in {claim.metric} of {claim.system} to the base over {claim.over} on {claim.test_set}"


def _is_equal(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    return bool(one == other)
