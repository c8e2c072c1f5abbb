"""The hashes of a bundle held against its bytes: which members, and which lines of them, were changed."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from typing import NamedTuple

from dragoman.errors import StoreError
from dragoman.reading import ReadingError
from dragoman.sharing.bundle.container import BundleReader
from dragoman.sharing.bundle.findings import Finding
from dragoman.sharing.bundle.layout import CHECKSUMS, ROOT, SUMS, line_checksum, sums_lines

_NAMED = 3
"""Lines that are named of a member before the rest is counted."""

_DIGITS = 4
"""Hexadecimal digits of a line's checksum."""


class Integrity(NamedTuple):
    """The hashes of a bundle."""

    root: str
    """The hash of its hashes."""
    findings: list[Finding]
    """What was changed."""


def check_integrity(
    bundle: BundleReader, *, root: str | None = None, advance: Callable[[int, int], None] | None = None
) -> Integrity:
    """Hold every byte of a bundle against its hashes.

    Args:
        bundle: the bundle.
        root: the root as it was quoted elsewhere.
        advance: is told how many bytes are read, and of how many.

    Raises:
        StoreError: the file has no hashes, or more in it than is read.
    """
    findings = [Finding(place, what) for place, what in bundle.faults]
    if SUMS not in bundle.members and ROOT not in bundle.members and not findings:
        raise StoreError(
            f"{bundle.path} has no {SUMS}: it is no bundle; give a file that `dragoman export --format bundle` wrote."
        )
    try:
        return _check(bundle, findings, root, advance)
    except ReadingError as error:
        raise StoreError(str(error)) from error


def _check(
    bundle: BundleReader,
    findings: list[Finding],
    root: str | None,
    advance: Callable[[int, int], None] | None,
) -> Integrity:
    whole, done = sum(member.size for member in bundle.members.values()), 0
    digests: dict[str, str] = {}
    checksums: dict[str, str] = {}
    for name, member in bundle.members.items():
        digests[name], checksums[name] = _hashed(bundle, name)
        done += member.size
        if advance:
            advance(done, whole)
    written = _lines(bundle, SUMS)
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in written)}
    own_root, told_root = digests.get(SUMS, ""), "".join(_lines(bundle, ROOT))
    right = {name: digest for name, digest in digests.items() if name not in (SUMS, ROOT)}
    due = list(sums_lines(right))
    if own_root != told_root and hashlib.sha256("".join(f"{line}\n" for line in due).encode()).hexdigest() == told_root:
        findings += _differing(SUMS, written, due)  # the members are what the root says
        sums = right
    elif own_root != told_root:
        findings.append(Finding(f"{ROOT}, line 1", f"it is not the hash of {SUMS}", told_root, own_root or None))
    if root is not None and root.strip().lower() != own_root:
        findings.append(
            Finding(SUMS, "its hash is not the root that was quoted", own_root or None, root.strip().lower())
        )
    findings += [
        Finding(name, "it is missing" if name in sums else f"{SUMS} does not name it")
        for name in sorted((sums.keys() | {SUMS, ROOT}) ^ (digests.keys() | {SUMS, ROOT}))
    ]
    findings += [Finding(name, "it is missing") for name in (SUMS, ROOT) if name not in digests]
    findings += _changed(bundle, digests, checksums, sums)
    return Integrity(own_root, findings)


def _changed(
    bundle: BundleReader, digests: Mapping[str, str], checksums: Mapping[str, str], sums: Mapping[str, str]
) -> Iterator[Finding]:
    """The members that are not what their hashes say, with the lines that were changed."""
    changed = {name for name, digest in digests.items() if sums.get(name, digest) != digest}
    table = {name: found for name, _, found in (line.partition("\t") for line in _lines(bundle, CHECKSUMS))}
    covered = [name for name in checksums if name not in (CHECKSUMS, SUMS, ROOT)]
    if CHECKSUMS in changed:
        # of the members that are whole the lines are known
        due = [f"{name}\t{checksums[name] if name not in changed else table.get(name, '')}" for name in covered]
        yield from _differing(CHECKSUMS, _lines(bundle, CHECKSUMS), due)
    for name in covered:
        odd = [] if CHECKSUMS in changed and name not in changed else _odd_lines(checksums[name], table.get(name, ""))
        if odd:
            more = f" and {len(odd) - _NAMED:,} more" if len(odd) > _NAMED else ""
            listed = ", ".join(f"{number:,}" for number in odd[:_NAMED])
            is_one = len(odd) == 1
            yield Finding(
                f"{name}, line{'' if is_one else 's'} {listed}{more}", f"{'it was' if is_one else 'they were'} changed"
            )
        elif name in changed:
            yield Finding(name, "it was changed")


def _odd_lines(found: str, due: str) -> list[int]:
    """Numbers of the lines whose checksums differ; only the first where lines were added or taken away."""
    pieces = zip_longest(_cut(found), _cut(due))
    odd = [number for number, (one, other) in enumerate(pieces, 1) if one != other]
    return odd[:1] if len(found) != len(due) else odd


def _cut(checksums: str) -> Iterator[str]:
    return (checksums[place : place + _DIGITS] for place in range(0, len(checksums), _DIGITS))


def _differing(name: str, lines: list[str], due: list[str]) -> list[Finding]:
    odd = [number for number, (line, right) in enumerate(zip_longest(lines, due), 1) if line != right]
    return [Finding(f"{name}, line {number:,}", "it was changed") for number in odd[: _NAMED + 1]] or [
        Finding(name, "it was changed")
    ]


def _hashed(bundle: BundleReader, name: str) -> tuple[str, str]:
    """The hash of a member, and the checksums of its lines."""
    digest, checksums = hashlib.sha256(), []
    for piece in bundle.pieces(name):
        digest.update(piece)
        checksums += [line_checksum(line) for line in piece.removesuffix(b"\n").split(b"\n")]
    return digest.hexdigest(), "".join(checksums)


def _lines(bundle: BundleReader, name: str) -> list[str]:
    if name not in bundle.members:
        return []
    return [line.decode("utf-8", "replace") for line in bundle.lines(name)]
