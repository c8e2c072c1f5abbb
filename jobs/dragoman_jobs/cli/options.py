"""Options that the commands which run a grid have in common."""

from typing import Annotated

import typer

from dragoman.errors import DragomanError
from dragoman.settings import Settings, settings

WorkersOption = Annotated[
    int | None,
    typer.Option(min=0, help="The most workers at once, and cores of an embedded Ray; 0 is as many as there is room."),
]
CpusOption = Annotated[
    float | None, typer.Option("--cpus", min=0.01, help="CPU cores that each evaluation worker holds; 1 by default.")
]
GpusOption = Annotated[
    float | None,
    typer.Option(
        "--gpus", min=0, help="GPUs that each evaluation worker holds: 0.5 shares one, 2 takes two; 0 by default."
    ),
]
TrainingWorkersOption = Annotated[
    int | None,
    typer.Option("--training-workers", min=1, help="Workers that train each model together; 1 by default."),
]
TrainingGpusOption = Annotated[
    float | None, typer.Option("--training-gpus", min=0, help="GPUs that each of those holds; 0 by default.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no tables.")]
AttachOption = Annotated[
    str | None,
    typer.Option(
        "--attach",
        metavar="HOST:PORT",
        help="Work with the Ray that runs there (`auto`: on this machine), which a batch script has started, in place "
        "of one of its own.",
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Address of the Ray cluster's dashboard, http://HOST:8265; by default the setting ray."
    ),
]


def asked_for(
    workers: int | None,
    cpus: float | None,
    gpus: float | None,
    training_workers: int | None,
    training_gpus: float | None,
) -> Settings:
    """The settings, with what the options say over them."""
    options = {
        "workers": workers,
        "worker_cpus": cpus,
        "worker_gpus": gpus,
        "training_workers": training_workers,
        "training_gpus": training_gpus,
    }
    return settings().model_copy(update={name: value for name, value in options.items() if value is not None})


def chosen_address(address: str | None) -> str:
    """The cluster to submit to.

    Raises:
        DragomanError: none is named.
    """
    found = address or settings().ray
    if not found:
        raise DragomanError(
            "There is no cluster to submit to: give --address http://HOST:8265 or the setting ray, or run the grid on "
            "this machine with `dragoman run`."
        )
    return found
