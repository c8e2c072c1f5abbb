"""docs/alignment.md and docs/instructions.md name the measures and tables that there are."""

import re
from pathlib import Path

from dragoman.alignment.measures import MARGIN_NEIGHBOURS, MUTUAL_NEIGHBOURS
from dragoman.alignment.named_measures import MEASURES
from dragoman.cli.instructions import instructions
from dragoman_jobs.cli.align import align

DOCS = Path(__file__).parents[2] / "docs"
ALIGNMENT, INSTRUCTIONS = ((DOCS / f"{name}.md").read_text() for name in ("alignment", "instructions"))


def tables(command: object) -> list[str]:
    found = re.search(r"Tables: ([^.]*)\.", command.__doc__ or "")
    assert found
    return found[1].split(", ")


def test_every_measure_is_defined() -> None:
    rows = re.findall(r"^\| (`[^|]*) \|", ALIGNMENT, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
    assert named == set(MEASURES)
    assert (
        f"{MUTUAL_NEIGHBOURS} nearest" in ALIGNMENT and MARGIN_NEIGHBOURS == 4 and "among the four nearest" in ALIGNMENT
    )


def test_every_table_is_described() -> None:
    for name in tables(align):
        assert f"**{name}**" in ALIGNMENT, name
    for name in tables(instructions):
        assert f"| `{name}` |" in INSTRUCTIONS, name
