"""The members of a bundle by name, and the members that hold its hashes."""

from binascii import crc_hqx
from collections.abc import Iterator
from string import ascii_uppercase

from dragoman.pair import Pair
from dragoman.sharing.bundle.claims import CELLS, CONTENTS, DIFFERENCES, MEANS, SCORES
from dragoman.sharing.file_names import language_pair

README, CHECKSUMS, SUMS, ROOT = "README.md", "line-checksums.tsv", "SHA256SUMS", "ROOT"
"""Members: how to check by hand; a checksum of each line; the hash of each member; the hash of the hashes."""

REFERENCES = tuple(f"ref{letter}" for letter in ascii_uppercase)
"""Names of the references, the first of which every line has; of the further ones a line may be blank."""

ABOUT = """# A grid that proves itself

Sources, references, translations and scores of a grid of translation systems, with the hash of every file.

    dragoman verify FILE.tar          # scores everything again, and names each number that does not follow
    sha256sum -c SHA256SUMS           # every file is what it was
    sha256sum SHA256SUMS              # the root: the hash that a paper quotes, also in the file ROOT

The folder of each test set is laid out as in mt-metrics-eval: one sentence a line in UTF-8, in the order of the test
set. grid.json holds the plan and the training pairs of each model, cells.jsonl the partition of each cell,
scores.jsonl the scores with their signatures, means.jsonl the means by partition, differences.jsonl the differences to
the base with their p-values, line-checksums.tsv a CRC-16-CCITT of each line of each file.
"""
"""The member README."""


def sources(folder: str, pair: Pair) -> str:
    """The member of a pair's source sentences."""
    return f"{folder}/sources/{language_pair(pair)}.txt"


def references(folder: str, pair: Pair, place: int = 0) -> str:
    """The member of its references, or by their place of its further ones."""
    return f"{folder}/references/{language_pair(pair)}.{REFERENCES[place]}.txt"


def hypotheses(folder: str, pair: Pair, system: str) -> str:
    """The member of a system's translations of it."""
    return f"{folder}/system-outputs/{language_pair(pair)}/{system}.txt"


def line_keys(folder: str, pair: Pair) -> str:
    """The member of the row and the document of each of its sentences, for resampling."""
    return f"{folder}/rows/{language_pair(pair)}.tsv"


def claims() -> tuple[str, ...]:
    """The members that are there in every bundle, besides those of its hashes."""
    return README, CONTENTS, CELLS, SCORES, MEANS, DIFFERENCES


def line_checksum(line: bytes) -> str:
    """CRC-16-CCITT of a line without its end: no change of one byte leaves it as it was."""
    return f"{crc_hqx(line, 0xFFFF):04x}"


def sums_lines(digests: dict[str, str]) -> Iterator[str]:
    """The lines of `SHA256SUMS`, in the form of the command of that name."""
    return (f"{digest}  {name}" for name, digest in digests.items())
