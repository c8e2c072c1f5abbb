"""A grid in a store, an MLflow registry on SQLite, and tiny models with random weights."""

import shutil
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pytest
import yaml

from dragoman.cell import CellState
from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.settings import Settings
from dragoman.spec.grid import GridSpec
from dragoman.store import records
from dragoman.store.store import Store
from dragoman.tracking.logged_models import DECODING_TAG, GRID_TAG, MODEL_TAG, NAME_TAG, PROMPT_TAG
from dragoman_jobs.driver.register_plan import register
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.prompts.rendering import renderers
from dragoman_registry.registry_client.client import client_at
from dragoman_registry.registry_client.versions import (
    RegisteredVersion,
    registered_names,
)

SCORES = {
    # bleu and off-target rate of each pair; `english` is the better model
    "base": dict.fromkeys(("en-de", "de-en", "en-fr", "fr-en", "de-fr", "fr-de"), (2.0, 50.0)),
    "english": {
        "en-de": (50.0, 0.0),
        "de-en": (40.0, 0.0),
        "en-fr": (45.0, 10.0),
        "fr-en": (55.0, 0.0),
        "de-fr": (20.0, 30.0),
        "fr-de": (10.0, 40.0),
    },
    "german": {
        "en-de": (30.0, 0.0),
        "de-en": (41.0, 0.0),
        "en-fr": (9.0, 10.0),
        "fr-en": (8.0, 0.0),
        "de-fr": (20.0, 0.0),
        "fr-de": (30.0, 0.0),
    },
}
SPEC = yaml.safe_load("""
name: small
languages: [en, de, fr]
corpus: cldr
models:
  - {name: german, pairs: {centric: de}, examples: 5, method: {kind: lora, learning_rate: 0.1, steps: 1, rank: 4}}
  - {name: english, pairs: {centric: en}, examples: 5, method: {kind: full, learning_rate: 0.1, steps: 1}}
evaluation: {sentences: 3, metrics: [bleu, off_target], decoding: {max_new_tokens: 12}}
promotion:
  model: small-translator
  rules:
    - {over: seen, at_least: 40}
    - {over: unseen, gain_at_least: 5}
    - {metric: off_target, over: seen, at_most: 20}
    - {over: all, regression_at_most: 1}
""")


class Hypotheses:
    """What the finetuned models of a plan really answer, since registering holds them to it; the base's are made up."""

    known: ClassVar[dict[tuple[str, ...], list[str]]] = {}
    engines: ClassVar[dict[tuple[str, str], TransformersEngine]] = {}

    def __init__(self, plan: Plan, base: Path, checkpoints: dict[str, Path]) -> None:
        self._plan, self._base, self._checkpoints = plan, base, checkpoints

    def of(self, model: str, pair: Pair, sources: list[str], references: list[str]) -> list[str]:
        folder, prompt = self._checkpoints.get(model), self._plan.prompt
        if folder is None:
            return [f"{model} {pair} {source}" for source in sources]
        key = (str(folder), prompt.id, self._plan.decoding_of("").id, str(pair), *sources)
        if key not in self.known:
            render = renderers(prompt, [pair], str(folder if prompt.chat else self._base), None)[pair]
            prompts = [render(*line) for line in zip(sources, references, strict=True)]
            self.known[key] = [
                found.text for found in self._engine(model, folder).translate_pair(pair, sources, prompts)
            ]
        return self.known[key]

    def _engine(self, model: str, folder: Path) -> TransformersEngine:
        decoding = self._plan.decoding_of("")
        if (str(folder), decoding.id) not in self.engines:
            adapted = (folder / "adapter_config.json").is_file()
            weights = {"model": str(self._base), "adapter": folder} if adapted else {"model": str(folder)}
            prepared = TransformersEngine.prepare(Checkpoint(id=model, **weights), decoding, folder.parent / "prepared")
            self.engines[str(folder), decoding.id] = TransformersEngine(prepared, decoding)
        return self.engines[str(folder), decoding.id]


class World:
    """What a grid leaves behind when it is complete."""

    scores = SCORES

    def __init__(self, home: Path, base: Path, checkpoints: dict[str, Path]) -> None:
        self.settings = Settings(home=home)
        self.store = Store.open(self.settings.store_url, self.settings.blobs_url)
        self.checkpoints = checkpoints
        self.base = base
        self.spec = GridSpec.model_validate({"base": str(base), **SPEC})

    @cached_property
    def _hypotheses(self) -> Hypotheses:
        return Hypotheses(make_plan(self.spec), self.base, self.checkpoints)

    @property
    def grid(self) -> records.GridRecord:
        return self.store.grids.get(self.spec.name)

    def run(self, changes: dict, scores: dict | None = None, signature: str = "v1") -> None:
        """Put a grid and its scores into the store, as the driver would."""
        self.spec = GridSpec.model_validate({**self.spec.model_dump(mode="json"), **changes})
        plan, store = make_plan(self.spec), self.store
        self.spec = plan.spec
        self._hypotheses = Hypotheses(plan, self.base, self.checkpoints)
        register(plan, store)
        for training in plan.trainings:
            identity = training.identity
            store.models.record_graph(identity.id, TrainingGraph.of(training.pairs, 5))
            store.models.add_training(
                identity.id, {"checkpoint": str(self.checkpoints[identity.name]), "base": str(self.base)}
            )
        names = self.grid.names
        for cell in store.cells.of_grid(self.spec.name):
            if cell.state is CellState.PLANNED:
                name = names[cell.cell.model]
                values = (scores or SCORES)[name][str(cell.cell.pair)]
                if values is None:
                    store.cells.advance(failed=[records.Untranslated(cell.cell.id, "out of memory")])
                else:
                    try:
                        self.commit(cell, signature, *values)
                    except ModelError as error:  # a prompt that is longer than the tiny model
                        store.cells.advance(failed=[records.Untranslated(cell.cell.id, str(error))])

    def commit(self, cell: records.CellRecord, signature: str, bleu: float, off_target: float) -> None:
        sources, references = self.store.blobs.test(str(cell.test))
        texts = self._hypotheses.of(self.grid.names[cell.cell.model], cell.cell.pair, sources, references)
        address = self.store.blobs.put_translation([(text, "stop", 4) for text in texts])
        translation = records.Translation(
            cell_id=cell.cell.id, hypotheses=address, segments=len(texts), tokens=4, cut=0, engine="test", seconds=1,
            worker="w",
        )  # fmt: skip
        values = {"bleu": bleu, "off_target": off_target}
        self.store.cells.advance(
            translated=[
                records.CellOutcome(
                    translation=translation,
                    scores=[
                        records.StoredScore(metric=metric, signature=f"{metric}|{signature}", value=value)
                        for metric, value in values.items()
                    ],
                )
            ]
        )

    def bare_version(self, model: str, name: str = "small-translator", **tags: str) -> RegisteredVersion:
        """A version that says it is a model and holds nothing: enough for everything but translating."""
        client = client_at(self.settings.mlflow_url)
        if name not in registered_names(self.settings.mlflow_url):
            client.create_registered_model(name)
        ids = {called: identity for identity, called in self.grid.names.items()}
        said = {
            MODEL_TAG: ids[model], GRID_TAG: self.grid.name, NAME_TAG: model,
            PROMPT_TAG: self.spec.prompt.id, DECODING_TAG: self.spec.evaluation.decoding.id,
        }  # fmt: skip
        return RegisteredVersion.of(client.create_model_version(name, "file:///nowhere", tags={**said, **tags}))


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny XGLM with random weights, and a tokenizer of bytes that opens every sentence with </s>, as XGLM's does."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XGLMConfig, XGLMForCausalLM

    folder = tmp_path_factory.mktemp("base")
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    tokens = [*specials, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.TemplateProcessing(single="</s> $A", special_tokens=[("</s>", 2)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    torch.manual_seed(1)
    config = XGLMConfig(
        vocab_size=len(vocabulary), d_model=32, ffn_dim=64, num_layers=2, attention_heads=4,
        max_position_embeddings=256, pad_token_id=1, eos_token_id=2, bos_token_id=0, init_std=0.3,
    )  # fmt: skip
    model = XGLMForCausalLM(config)
    for name, weights in model.named_parameters():
        if "layers" in name:
            weights.data *= 4  # smaller ones would repeat one token, whatever the prompt
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def checkpoints(base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A fully finetuned model and an adapter, as finetuning leaves them."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("checkpoints")
    torch.manual_seed(2)
    model = AutoModelForCausalLM.from_pretrained(base_folder)
    for weights in model.parameters():
        weights.data += 0.1 * torch.randn_like(weights)
    model.save_pretrained(folder / "english")
    AutoTokenizer.from_pretrained(base_folder).save_pretrained(folder / "english")
    model = AutoModelForCausalLM.from_pretrained(base_folder)
    lora = LoraConfig(r=4, target_modules=["q_proj", "fc1"], init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(model, lora).save_pretrained(folder / "german")
    return {"english": folder / "english", "german": folder / "german"}


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of an MLflow that nobody has used: it takes seconds to make and none to copy."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    client_at(f"sqlite:///{file}").search_registered_models()
    return file


@pytest.fixture(scope="session")
def complete_home(
    tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path, base_folder: Path, checkpoints: dict[str, Path]
) -> Path:
    """The home of a complete grid of two models, `english` the better one, with nothing registered yet."""
    home = tmp_path_factory.mktemp("home")
    shutil.copy(empty_mlflow, home / "mlflow.db")
    world = World(home, base_folder, checkpoints)
    world.run({})
    world.store.close()
    return home


@pytest.fixture
def world(
    tmp_path: Path,
    complete_home: Path,
    base_folder: Path,
    checkpoints: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """That grid in a home of its own, with an empty current folder beside it."""
    shutil.copytree(complete_home, tmp_path / "home")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return World(tmp_path / "home", base_folder, checkpoints)
