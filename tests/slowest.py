"""The slowest tests of some runs of pytest, from the JUnit reports that `--junit-xml` leaves.

python tests/slowest.py --count 10 REPORT...
"""

import argparse
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree


class Duration(NamedTuple):
    """How long a test took, setting up included."""

    seconds: float
    """Of the clock, with tearing down."""
    processor: float
    """Of the processor: by the test's process and those that it waited for, not by servers that go on."""
    test: str


def durations(reports: Iterable[Path]) -> list[Duration]:
    """Every test of the reports, the slowest first."""
    found = []
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            processor = case.find("properties/property[@name='processor']")
            worked = 0.0 if processor is None else float(processor.attrib["value"])
            name = re.sub(r"@[^\]]*$", "", case.attrib["name"])  # without the group that xdist appends
            test = f"{case.attrib['classname']}::{name}"
            found.append(Duration(float(case.attrib["time"]), worked, test))
    return sorted(found, key=lambda each: (-each.seconds, each.test))


def main() -> None:
    """Print the slowest tests, and how much of the whole they take."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path, nargs="+", metavar="REPORT")
    parser.add_argument("--count", type=int, default=10)
    options = parser.parse_args()
    found = durations(options.reports)
    slowest = found[: options.count]
    total, part = (sum(each.seconds for each in some) for some in (found, slowest))
    print(f"{len(found)} tests took {total:.0f} s in all; the {len(slowest)} slowest {part:.0f} s:")
    print("   clock  processor")
    for each in slowest:
        print(f"{each.seconds:6.1f} s   {each.processor:6.1f} s  {each.test}")


if __name__ == "__main__":
    main()
