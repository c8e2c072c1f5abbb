"""The entry point of a submitted driver: `python -m dragoman_jobs.driver.entrypoint GRID JOB`, started by Ray."""

import sys
import traceback

from dragoman import logs, telemetry
from dragoman.control_characters import visible_sentence
from dragoman.errors import DragomanError
from dragoman.redaction import masked
from dragoman.settings import settings
from dragoman.store.records import JobLine, JobState, LineKind
from dragoman.store.store import Store
from dragoman.terminal import write_whatever_comes
from dragoman_jobs.driver.job import StoppedError
from dragoman_jobs.driver.progress import log_console
from dragoman_jobs.driver.resume_plan import plan_from_store


def main(grid: str, number: int) -> int:
    """Run a grid that is in the store, as the job that was queued for it; returns the exit code."""
    telemetry.turn_off()
    write_whatever_comes()
    try:
        chosen = settings()
        logs.configure(chosen)
        store = Store.open_existing(chosen.store_url, chosen.blobs_url)
    except DragomanError as error:  # no store to say it in: Ray's log has it, where `dragoman status` looks
        print(f"dragoman: {visible_sentence(masked(str(error)))}", file=sys.stderr)
        return 2
    try:
        from dragoman_jobs.cluster.ray_cluster import RayCluster
        from dragoman_jobs.driver.grid_run import run_grid

        plan = plan_from_store(store, grid)
        complete = run_grid(
            plan,
            chosen,
            log_console(),
            lambda: RayCluster(address="auto", grows=chosen.autoscaling),
            number,
            failed_too=False,
        )
    except (KeyboardInterrupt, StoppedError):  # the job has said so
        return 130
    except DragomanError as error:
        _end(store, number, str(error), None)
        return error.exit_code
    except Exception as error:
        _end(store, number, f"{type(error).__name__}: {error}", traceback.format_exc())
        raise
    return 0 if complete else 1


def _end(store: Store, number: int, reason: str, detail: str | None) -> None:
    """What went wrong, for a job that had not begun; one that had has said so itself."""
    reason = masked(reason)
    print(f"dragoman: {visible_sentence(reason)}", file=sys.stderr)
    if not store.jobs.lines(number, kind=LineKind.FAILURE, most=1):
        line = JobLine(kind=LineKind.FAILURE, text=reason, detail=detail and masked(detail))
        store.jobs.beat(number, None, [line])
    store.jobs.end(number, JobState.FAILED, reason)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
