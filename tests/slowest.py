"""The slowest tests of some runs of pytest, from the JUnit reports that `--junit-xml` leaves.

python tests/slowest.py --count 10 REPORT...
"""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree


class Duration(NamedTuple):
    """A test and the seconds of the clock that it took, setting up and tearing down included."""

    seconds: float
    test: str


def durations(reports: Iterable[Path]) -> list[Duration]:
    """Every test of the reports, the slowest first."""
    found = [
        Duration(float(case.attrib["time"]), f"{case.attrib['classname']}::{case.attrib['name']}")
        for report in reports
        for case in ElementTree.parse(report).iter("testcase")
    ]
    return sorted(found, key=lambda each: (-each.seconds, each.test))


def main() -> None:
    """Print the slowest tests, and how much of the whole they take."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path, nargs="+", metavar="REPORT")
    parser.add_argument("--count", type=int, default=10)
    options = parser.parse_args()
    found = durations(options.reports)
    slowest = found[: options.count]
    total = sum(each.seconds for each in found)
    print(
        f"{len(found)} tests took {total:.0f} s in all; the {len(slowest)} slowest {sum(s for s, _ in slowest):.0f} s:"
    )
    for each in slowest:
        print(f"{each.seconds:8.1f} s  {each.test}")


if __name__ == "__main__":
    main()
