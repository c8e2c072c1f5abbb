"""Checkpoints of metrics: found or fetched, known by the hash of their weights, which become safetensors once.

A pickle is opened by `torch.load(weights_only=True)` in this isolated process alone: one that holds more than tensors
and plain data is refused. What is made of it is kept in a folder under its hash.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import is_zipfile

from dragoman.environments.workers.channel import Missing, Refusal

WEIGHTS = "model.safetensors"

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Wanted(NamedTuple):
    """A checkpoint as it is asked for."""

    checkpoint: str
    """A folder, a file, or a name on the hub."""
    revision: str | None
    """Of the hub: a commit, a branch or a tag."""
    may_fetch: bool
    """Whether it may be fetched from the hub; else it must be in the hub's cache on this machine."""
    cache: str
    """Folder of what was converted."""
    terms: str = ""
    """What to do before it may be fetched, as a sentence."""


def located(wanted: Wanted, files: Sequence[str]) -> Path:
    """The place of a checkpoint on this machine.

    Args:
        wanted: the checkpoint.
        files: patterns of the files that are needed of it.

    Raises:
        Missing: it is not there, and can't or may not be fetched.
    """
    path = Path(wanted.checkpoint).expanduser()
    if path.exists():
        return path.resolve()
    if path.is_absolute() or not _HUB_NAME.fullmatch(wanted.checkpoint):
        raise Missing(
            f"There is no checkpoint {wanted.checkpoint}: give a folder, a file, or a name on the hub "
            "(ORGANISATION/NAME)."
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

    is_offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON")
    try:
        folder = Path(
            snapshot_download(
                wanted.checkpoint,
                revision=wanted.revision,
                allow_patterns=list(files),
                local_files_only=is_offline or not wanted.may_fetch,
            )
        )
    except GatedRepoError as error:
        raise Missing(
            f"{wanted.checkpoint} is gated: accept its terms at https://huggingface.co/{wanted.checkpoint}, and sign "
            "in on this machine (`hf auth login`, or HF_TOKEN)."
        ) from error
    except LocalEntryNotFoundError as error:
        reason = "and the hub is not reachable, or not to be asked (HF_HUB_OFFLINE)"
        remedy = (
            wanted.terms or "fetch it on a machine with a network, and give its folder or the hub's cache (HF_HOME)."
        )
        raise Missing(
            f"{wanted.checkpoint} is not on this machine{'' if wanted.terms else f', {reason}'}: {remedy}"
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise Missing(f"{wanted.checkpoint} can't be had from the hub ({said[:200]}): correct its name.") from error
    return folder


def content_hash(file: Path) -> str:
    """SHA-256 of a file, which is the name of the file that it leads to in the hub's cache."""
    if _SHA256.fullmatch(file.resolve().name):
        return file.resolve().name
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def in_safetensors(place: Path, *, pickles: str, made: Path) -> tuple[Path, str]:
    """The folder of a model of transformers in safetensors, and the hash of its weights.

    Args:
        place: its folder; what is in safetensors there is taken as it is.
        pickles: pattern of the files that its weights are in otherwise.
        made: what is made of those lies here, with the start of the hash behind the name.

    Raises:
        Refusal: it has no weights, or pickles that hold more than tensors.
    """
    safe = sorted(place.glob("model*.safetensors"))
    files = safe or sorted(place.glob(pickles))
    if not files:
        raise Refusal(f"{place} has no weights: neither model.safetensors nor pytorch_model.bin.")
    hashes = [content_hash(each) for each in files]
    digest = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    if safe:
        return place, digest

    def make(folder: Path) -> None:
        state: dict[str, Any] = {}
        for each in files:
            state |= unpickled(each)
        write_weights(state, folder)
        (folder / "config.json").write_bytes((place / "config.json").read_bytes())

    return made_once(made.with_name(f"{made.name}-{digest[:24]}"), make), digest


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """A folder that appears whole or not at all; of several who make it at once the first one's is kept."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        make(partial)
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def unpickled(file: Path) -> dict[str, Any]:
    """The content of a pickle of torch that holds tensors and plain data.

    Raises:
        Refusal: it holds more, or is none.
    """
    import numpy as np
    import torch

    scalar = np.float64(0).__reduce__()[0]  # how pickles make numbers of numpy
    plain: list[Any] = [scalar, np.dtype, *(type(np.dtype(name)) for name in ("float64", "float32", "int64"))]
    try:
        with torch.serialization.safe_globals(plain):
            found = torch.load(file, map_location="cpu", weights_only=True, mmap=is_zipfile(file))
    except Exception as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise Refusal(
            f"{file} can't be read as weights ({said[:200]}): it is damaged, or a pickle that holds more than tensors, "
            "which is never run here; give a checkpoint in safetensors."
        ) from error
    if not isinstance(found, dict):
        raise Refusal(f"{file} holds no weights but a {type(found).__name__}: give a checkpoint.")
    return found


def write_weights(state: dict[str, Any], folder: Path) -> None:
    """Write tensors as safetensors."""
    from safetensors.torch import save_file

    tensors = {name: value.detach().clone().contiguous() for name, value in state.items() if hasattr(value, "detach")}
    save_file(tensors, str(folder / WEIGHTS), metadata={"format": "pt"})


def read_weights(folder: Path) -> dict[str, Any]:
    """The tensors of a folder.

    Raises:
        Refusal: they are damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Any] = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise Refusal(f"{folder / WEIGHTS} can't be read ({error}): remove that folder, and run it again.") from error
    return tensors


def require_device(device: str) -> None:
    """Refuse a device that is not there.

    Raises:
        Missing: it is a GPU, and torch sees none.
    """
    import torch

    if device != "cpu" and not torch.cuda.is_available():
        raise Missing(
            f"This metric is to be computed on a GPU ('{device}'), and PyTorch {torch.__version__} sees none: let its "
            "workers hold none (DRAGOMAN_METRIC_GPUS=0), or see to the driver and to the build of PyTorch."
        )


def as_json(value: Any) -> Any:
    """The same in what JSON can hold."""
    return json.loads(json.dumps(value, default=str))
