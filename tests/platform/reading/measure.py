"""Reads hostile inputs in a process of its own, and prints how long each took, how much memory, and what was said.

Usage: python measure.py FOLDER CASES, where CASES is JSON of names and expressions of Python with `folder` in them.
"""

import json
import resource
import sys
import time
import traceback
from pathlib import Path

from dragoman.checkpoint_settings import deciding_settings
from dragoman.corpora.factory import open_corpus
from dragoman.errors import DragomanError
from dragoman.metrics.serialization import unpack
from dragoman.operations.manifest import Manifest
from dragoman.pair import Pair
from dragoman.reading import read_bytes
from dragoman.segment import Split
from dragoman.spec.loading import load_campaign
from dragoman.store.blobs import check_blob
from dragoman.store.transfer.archive import Archive
from dragoman_registry.gate.policy import load_policy

ADDRESS_SPACE = 8 << 30
"""Bytes: what is read without a bound ends here, and not with the machine."""


def text_of(kind: str, split: str = "train", **options: object) -> int:
    """Reads the text of a corpus from German to English, and counts the segments."""
    corpus = open_corpus(kind, options)
    return sum(1 for _ in corpus.segments(Pair("de", "en"), Split(split)))


def imported(path: Path) -> None:
    """Reads an archive."""
    with Archive(path) as archive:
        archive.json("grid.json")
        list(archive.rows("cells.parquet"))


READERS = {
    each.__name__: each
    for each in (check_blob, deciding_settings, imported, load_campaign, load_policy, read_bytes, text_of, unpack)
}


def peak() -> float:
    """Megabytes of memory at most since `forget_peak`, or since this process began."""
    found = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()
    return int(found[0]) / 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forget_peak() -> None:
    """Begin to measure anew, where the system lets it (https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html)."""
    Path("/proc/self/clear_refs").write_text("5")


def main(folder: Path, cases: dict[str, str]) -> None:
    """Evaluate the cases one after the other."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for name, expression in cases.items():
        forget_peak()
        base, began = peak(), time.monotonic()
        try:
            said = f"read: {eval(expression, {'folder': folder, 'Manifest': Manifest, **READERS})}"
        except DragomanError as error:
            said = str(error)
        except BaseException:
            said = traceback.format_exc()
        row = {"seconds": time.monotonic() - began, "megabytes": peak() - base, "said": said}
        print(json.dumps({"name": name, **row}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
