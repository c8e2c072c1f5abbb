"""The setting for how much is decoded at once: it reaches the engines, and changes no text on a CPU."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dragoman.pair import Pair
from dragoman.settings import settings
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines import ctranslate2, transformers
from dragoman_jobs.engines.tokenization import batches
from dragoman_jobs.models.checkpoint import Checkpoint

PROMPTS = [f"[English]: {number} Euro [French]:" for number in range(10, 18)]
DECODING = Decoding(max_new_tokens=5)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    settings.cache_clear()


@pytest.mark.parametrize(
    ("module", "engine"),
    [(ctranslate2, ctranslate2.CTranslate2Engine), (transformers, transformers.TransformersEngine)],
)
def test_a_pair_is_decoded_in_batches_of_the_setting(
    module: Any, engine: Any, tiny_model: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[list[int]] = []

    def counted(*arguments: Any) -> list[list[int]]:
        found = list(batches(*arguments))
        sizes.append([len(batch) for batch in found])
        return found

    monkeypatch.setattr(module, "batches", counted)
    model = engine(engine.prepare(Checkpoint(id="m", model=str(tiny_model("llama"))), DECODING, tmp_path), DECODING)
    made = []
    for tokens in ("4096", "80"):
        monkeypatch.setenv("DRAGOMAN_BATCH_TOKENS", tokens)
        settings.cache_clear()
        made.append(model.translate_pair(Pair("en", "fr"), ["ten"] * 8, PROMPTS))
    assert sizes == [[8], [2] * 4]
    assert made[0] == made[1]
