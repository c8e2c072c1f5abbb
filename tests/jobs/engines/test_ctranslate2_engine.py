import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import M2M100Config, M2M100ForConditionalGeneration

from dragoman.errors import ModelError
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import UnsupportedModelError
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.models.checkpoint import Checkpoint

DECODING = Decoding(max_new_tokens=8)


def checkpoint(folder: Path) -> Checkpoint:
    return Checkpoint(id="m", model=str(folder))


def test_decoding_imports_neither_torch_nor_transformers(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    """Nor does finding a model prepared: a worker starts in a moment and stays small."""
    prepared = CTranslate2Engine.prepare(checkpoint(tiny_model("xglm")), DECODING, tmp_path)
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from dragoman.spec.decoding import Decoding\n"
        "from dragoman_jobs.models.checkpoint import Checkpoint\n"
        "from dragoman_jobs.engines.selection import choose_engine\n"
        "from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine\n"
        "decoding = Decoding(max_new_tokens=8)\n"
        "chosen = choose_engine('auto', Checkpoint(id='m', model='gone'), decoding, Path(sys.argv[1]).parents[1])\n"
        "assert chosen == ('ctranslate2', Path(sys.argv[1])), chosen\n"
        "print(CTranslate2Engine(Path(sys.argv[1]), decoding).translate(['abc'])[0])\n"
        "print(sorted({'torch', 'transformers', 'peft'} & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", script, str(prepared)], capture_output=True, text=True, check=True)
    expected = CTranslate2Engine(prepared, DECODING).translate(["abc"])[0]
    assert result.stdout.splitlines() == [str(expected), "[]"]


def test_preparing_again_makes_nothing_anew(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    for engine in (CTranslate2Engine, TransformersEngine):
        first = engine.prepare(checkpoint(tiny_model("xglm")), DECODING, tmp_path)
        before = {path: path.stat().st_mtime_ns for path in first.rglob("*")}
        assert engine.prepare(checkpoint(tiny_model("xglm")), Decoding(beam=5), tmp_path) == first
        assert {path: path.stat().st_mtime_ns for path in first.rglob("*")} == before
        assert not (first / "work").exists()


def test_int8_is_another_model(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    int8 = Decoding(max_new_tokens=8, precision="int8")
    full = CTranslate2Engine.prepare(checkpoint(tiny_model("xglm")), DECODING, tmp_path)
    small = CTranslate2Engine.prepare(checkpoint(tiny_model("xglm")), int8, tmp_path)
    assert small != full
    assert (small / "model" / "model.bin").stat().st_size < (full / "model" / "model.bin").stat().st_size
    assert CTranslate2Engine(small, int8).translate(["abc"])[0].tokens > 0
    with pytest.raises(UnsupportedModelError, match="in full precision, not in int8"):
        TransformersEngine.prepare(checkpoint(tiny_model("xglm")), int8, tmp_path)


def test_an_unknown_architecture_is_refused_with_the_reason(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    with pytest.raises(UnsupportedModelError, match=r"No conversion is registered for .* OlmoConfig"):
        CTranslate2Engine.prepare(checkpoint(tiny_model("olmo")), DECODING, tmp_path)
    assert not list(tmp_path.rglob("*.json"))


def test_a_conversion_that_computes_something_else_is_refused(
    tmp_path: Path, tiny_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ctranslate2.converters.transformers import LlamaLoader

    # as if the converter overlooked the configuration's base of the rotary positions
    monkeypatch.setattr(LlamaLoader, "get_rotary_params", lambda *_: (None, 1, 100.0))
    with pytest.raises(UnsupportedModelError, match=r"computes other logits than .* itself, by [0-9.]+%"):
        CTranslate2Engine.prepare(checkpoint(tiny_model("llama")), DECODING, tmp_path)


def test_an_encoder_decoder_without_languages_is_refused(tmp_path: Path, make_tokenizer: Callable[..., Any]) -> None:
    config = M2M100Config(
        vocab_size=101, d_model=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=8, decoder_ffn_dim=8,
    )  # fmt: skip
    M2M100ForConditionalGeneration(config).save_pretrained(tmp_path / "m2m")
    make_tokenizer().save_pretrained(tmp_path / "m2m")
    for engine in (CTranslate2Engine, TransformersEngine):
        with pytest.raises(UnsupportedModelError, match=r"is an encoder-decoder \('m2m_100'\) without language"):
            engine.prepare(checkpoint(tmp_path / "m2m"), DECODING, tmp_path)


def test_a_damaged_conversion_says_what_to_remove(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    prepared = CTranslate2Engine.prepare(checkpoint(tiny_model("xglm")), DECODING, tmp_path)
    (prepared / "model" / "model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="remove the folder to have it made again"):
        CTranslate2Engine(prepared, DECODING)


def test_weights_that_went_away(tmp_path: Path, write_model: Callable[..., Path]) -> None:
    """The reference engine does not copy them: it says so when they are gone, and finds them where they went."""
    folder = write_model(tmp_path / "here", "xglm")
    prepared = TransformersEngine.prepare(checkpoint(folder), DECODING, tmp_path / "cache")
    moved = folder.rename(tmp_path / "there")
    with pytest.raises(ModelError, match="can't be loaded"):
        TransformersEngine(prepared, DECODING)
    TransformersEngine(TransformersEngine.prepare(checkpoint(moved), DECODING, tmp_path / "cache"), DECODING)
