"""Representations of a language's test lines on disk, a NumPy file for each layer.

They are a cache: what is measured from them is in the store, and a folder that is removed is made again when it is
wanted. A layer of N sentences takes N x d x 4 bytes, and no more than a batch of sentences is in memory.
"""

import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from dragoman.errors import ModelError
from dragoman.store.alignment_records import ALIGNMENT_VERSION, Pooling
from dragoman_jobs.engines.base import Engine

_ABANDONED_SECONDS = 86_400.0
"""Age from which nobody writes a file any more."""


class Representations:
    """The representations of some sentences by one model.

    Args:
        cache: the folder of what can be made again.
        model: id of the model.
        content: hash of the sentences.
        pooling: how a sentence's tokens are made one vector.
    """

    def __init__(self, cache: Path, model: str, content: str, pooling: Pooling) -> None:
        self._folder = cache / "representations" / model / f"{content}-{pooling}-v{ALIGNMENT_VERSION}"

    def lacking(self, layers: Collection[int]) -> list[int]:
        """The layers that are not there."""
        return [layer for layer in layers if not self._file(layer).is_file()]

    def write(
        self, engine: Engine, language: str, texts: Sequence[str], layers: Collection[int], *, pooling: Pooling
    ) -> int:
        """Represent the sentences, in one pass of the model, and keep these layers; returns how many it has in all.

        Each file appears whole, by a rename.

        Raises:
            ModelError: the model has no such layer, or none of the sentences has a token.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        files: dict[int, Any] = {}
        partial = {layer: self._folder / f".{layer}-{uuid4().hex}" for layer in layers}
        count = 0
        try:
            for found in engine.sentence_states(language, texts, pooling):
                if not files:
                    count = len(found.layers)
                    _check(layers, count)
                    shape = len(texts), found.layers.shape[1]
                    files = {layer: open_memmap(partial[layer], "w+", np.float32, shape) for layer in layers}
                for layer, file in files.items():
                    file[found.place] = found.layers[layer]
            if not files:
                raise ModelError(f"None of the {len(texts)} test lines in {language} has a token: leave it out.")
            for layer, file in files.items():
                file.flush()
                partial[layer].replace(self._file(layer))
        finally:
            for path in partial.values():
                path.unlink(missing_ok=True)
        return count

    def read(self, layer: int, lines: int) -> NDArray[np.float32]:
        """The representations in a layer, on disk until they are used.

        Raises:
            ModelError: they are damaged, or not there.
        """
        path = self._file(layer)
        try:
            found: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
            if found.ndim != 2 or len(found) != lines or found.dtype != np.float32:
                raise ValueError("it holds something else")
        except (OSError, ValueError, EOFError) as error:
            raise ModelError(
                f"The representations {path} can't be read ({error}): remove that folder and run the command again."
            ) from error
        return found

    def _file(self, layer: int) -> Path:
        return self._folder / f"{layer:03}.npy"


def remove_partial(cache: Path) -> None:
    """Remove what workers left half written that were killed; what is younger may be somebody's who writes it now."""
    for path in (cache / "representations").glob("*/*/.*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()


def _check(layers: Collection[int], count: int) -> None:
    if wrong := [layer for layer in layers if not 0 <= layer < count]:
        raise ModelError(f"The model has the layers 0 to {count - 1} and no layer {wrong[0]}: choose others.")
