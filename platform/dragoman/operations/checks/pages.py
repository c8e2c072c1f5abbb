"""Check of every page and index of an SQLite file; PostgreSQL checks its pages itself."""

from pathlib import Path

from dragoman.operations.finding import Finding, fault, fine, warning
from dragoman.store.database.connection import Database
from dragoman.store.maintenance.integrity import damage

SECONDS = 20.0
"""How long the pages of a file are looked at."""


def check_pages(part: str, database: Database, file: Path, remedy: str) -> Finding:
    """Look for damage in a database's file, as far as the time goes.

    Args:
        part: what it is to users.
        database: the database, opened to be read only.
        file: its file.
        remedy: what to do about damage.

    Raises:
        StoreUnusableError: it can't be opened at all.
    """
    found, size = damage(database, SECONDS), f"{file.stat().st_size:,} bytes"
    if found.is_of_indexes:
        told = f"indexes of {file} are damaged, and no table ({found.complaints[0]})"
        return fault(part, told, f"copy the file, then `sqlite3 {file} REINDEX`; if that fails, {remedy}")
    if found.complaints:
        return fault(part, f"{file} is damaged: {'; '.join(found.complaints[:3])}", remedy)
    if found.is_finished:
        return fine(part, f"every page and index of {file} is whole ({size})")
    told = f"in {SECONDS:.0f} seconds no damage was found in {file} ({size}), which was not all read"
    return warning(part, told, f"sqlite3 {file} 'PRAGMA integrity_check'")
