"""Call the finishers that packages register, when all cells of a grid are done."""

import traceback
from collections.abc import Mapping

from dragoman import disk, plugins
from dragoman.errors import DragomanError
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman_jobs.driver.progress import ProgressDisplay


class FinisherError(DragomanError):
    """All cells of a grid are done, and what follows could not be: the grid is not."""

    exit_code = 1


def finish(plan: Plan, settings: Settings, runs: Mapping[str, str], unwritten: int, display: ProgressDisplay) -> None:
    """Let every finisher do its work; done again it changes nothing that is done.

    Args:
        plan: the grid.
        settings: where the store and MLflow are.
        runs: MLflow's run of each model, by the model's name.
        unwritten: how much MLflow was not told.
        display: shows and logs their messages.

    Raises:
        FinisherError: one of them could not, or needs what MLflow was not told. The others have done theirs.
    """
    grid = plan.spec.name
    again = f"`dragoman resume {grid}` does that, and nothing that is done again."
    if unwritten and plan.spec.promotion is not None:
        raise FinisherError(f"Without MLflow nothing of the grid {grid} is registered or promoted: {again}")
    failures = []
    for name in sorted(plugins.available("finishers")):
        try:
            plugins.load("finishers", name)(settings, grid, plan.spec, dict(runs), display.say)
        except DragomanError as error:
            failures.append(f"{name}: {error}")
        except Exception as error:  # whatever a plugin raises, the grid's cells are done and the others go on
            if (told := disk.sentence(error)) is not None:
                failures.append(f"{name}: {told}")
                continue
            reason = f"{name}: {type(error).__name__}: {error}"
            display.failed(reason, traceback.format_exc())
            failures.append(reason)
    if failures:
        raise FinisherError(
            f"The cells of the grid {grid} are done, but not what follows ({'; '.join(failures)}): "
            f"when that is mended, {again}"
        )
