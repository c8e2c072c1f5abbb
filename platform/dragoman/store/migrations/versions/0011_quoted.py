"""A state of cells whose scores are quoted from a source, without translations."""

from alembic import op

revision = "0011"
down_revision = "0010"

_BEFORE = ("planned", "running", "done", "failed", "missing", "unscorable")


def upgrade() -> None:
    """Let the columns of states hold it, and such a cell be without a reason."""
    states = _any_of(_BEFORE), _any_of((*_BEFORE, "quoted"))
    _replace_rule("cell_count", "cell_count_state_check", *states)
    # named twice over by the first migration
    _replace_rule("cell", "cell_cell_state_check_check", *states)
    reasonless = ("planned", "running", "done", "quoted")
    _replace_rule(
        "cell", "cell_cell_reason_check_check",
        f"{_any_of(('done', 'planned', 'running'))} OR reason IS NOT NULL",
        f"{_any_of(reasonless)} OR reason IS NOT NULL",
    )  # fmt: skip


def _any_of(states: tuple[str, ...]) -> str:
    return " OR ".join(f"state = '{state}'" for state in states)


def _replace_rule(table: str, name: str, before: str, after: str) -> None:
    """Replace a CHECK by one that allows more.

    SQLite can't alter one; its table would have to be copied, with all that refers to it. As no row is stored
    otherwise for it, the text of the schema is edited, as https://www.sqlite.org/lang_altertable.html#otheralter says.
    """
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.drop_constraint(op.f(name), table, type_="check")
        op.create_check_constraint(op.f(name), table, after)
        return
    (version,) = connection.exec_driver_sql("PRAGMA schema_version").one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ? AND instr(sql, ?)",
        (f"({before})", f"({after})", table, f"({before})"),
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"The table {table} has no rule {name} as earlier versions wrote it.")
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
