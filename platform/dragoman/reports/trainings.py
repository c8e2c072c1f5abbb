"""The table of a grid's finetunings: how far each is, its loss, its pace and the time left."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dragoman.store.records import now
from dragoman.store.training_records import TrainingStanding, TrainingState
from dragoman.tables.durations import duration
from dragoman.tables.sparkline import sparkline
from dragoman.tables.table import Column, Table, number, word
from dragoman.terminal import writes_unicode

CURVE = 10
"""Characters of a loss curve in a table."""


def trainings(standings: Sequence[TrainingStanding]) -> Table:
    """Every finetuning of a grid."""
    columns = [
        word("model"),
        word("state"),
        Column("step", "step", steps_done, values=("step", "steps")),
        number("loss", digits=2),
        Column("seconds_left", "left", _left),
        Column("reported", "reported", _age),
        number("tokens_per_second", "tokens/s", digits=0),
        Column("losses", "loss curve", _curve, right=False),
    ]
    notes = [_sentence(standing) for standing in standings if standing.state in _EXPLAINED]
    return Table("trainings", "Finetunings", columns, [row_of(standing) for standing in standings], notes=notes)


def row_of(standing: TrainingStanding) -> dict[str, Any]:
    """One finetuning as plain values; time left and pace only of one that is under way."""
    report, is_under_way = standing.report, standing.state is TrainingState.TRAINING
    has_begun = standing.state is not TrainingState.TO_DO
    return {
        "model": standing.model,
        "state": standing.state.value,
        "step": report.step,
        "steps": report.steps,
        "first_step": report.first_step,
        "loss": report.loss,
        "losses": [list(point) for point in report.losses],
        "tokens_per_second": report.tokens_per_second if is_under_way else None,
        "seconds_left": report.seconds_left if is_under_way else None,
        "reported": report.reported.isoformat(timespec="seconds") if has_begun else None,
        "failure": report.failure,
    }


def brief(standing: TrainingStanding) -> str:
    """How far a finetuning is, in a line: ``step 51 of 200, loss 2.31, 1,234 target tokens/s, 3 min 20 s left``."""
    report = standing.report
    if not report.step:
        return "loading the model and its examples" if standing.state is TrainingState.TRAINING else standing.state
    said = [f"step {report.step:,} of {report.steps:,}"]
    if report.loss is not None:
        said.append(f"loss {report.loss:.2f}")
    if standing.state is not TrainingState.TRAINING:
        return ", ".join([standing.state, *said])
    if report.tokens_per_second is not None:
        said.append(f"{report.tokens_per_second:,.0f} target tokens/s")
    if report.seconds_left is not None:
        said.append(f"{duration(report.seconds_left)} left")
    return ", ".join(said)


def age(reported: datetime) -> str:
    """How long ago something was said."""
    seconds = (now() - reported).total_seconds()
    return f"{duration(max(seconds, 0))} ago"


_EXPLAINED = (TrainingState.INTERRUPTED, TrainingState.FAILED)


def _sentence(standing: TrainingStanding) -> str:
    report = standing.report
    if standing.state is TrainingState.FAILED:
        return f"{standing.model} failed at step {report.step} of {report.steps}: {report.failure}"
    return (
        f"{standing.model} was at step {report.step} of {report.steps} when its driver ended: the next run goes on "
        "from the last checkpoint."
    )


def steps_done(row: Any) -> str:
    """The steps of a row, of how many."""
    return f"{row['step']:,} of {row['steps']:,}"


def _curve(row: Any) -> str:
    return (sparkline([loss for _, loss in row["losses"]], CURVE) if writes_unicode() else "") or "-"


def _left(row: Any) -> str:
    return "-" if row["seconds_left"] is None else duration(row["seconds_left"])


def _age(row: Any) -> str:
    return "-" if row["reported"] is None else age(datetime.fromisoformat(row["reported"]))
