"""Package a finetuned model for MLflow: serving code, checkpoint, its base by reference, model card."""

import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dragoman.errors import ModelError
from dragoman.model import is_from_elsewhere, is_quoted
from dragoman.planning.baselines import WEIGHTS
from dragoman.planning.few_shot import Demonstrator
from dragoman.scratch_folder import ScratchFolder, remove_abandoned
from dragoman.settings import Settings
from dragoman.spec.grid import GridSpec
from dragoman.store.records import GridRecord
from dragoman.store.store import Store
from dragoman.tracking.grid_runs import experiment_id
from dragoman.tracking.logged_models import (
    DECODING_TAG,
    GRID_TAG,
    KEY_TAG,
    MODEL_TAG,
    MODEL_TYPE,
    NAME_TAG,
    PACKAGED_TAG,
    PROMPT_TAG,
    allowed,
    search,
)
from dragoman.tracking.mlflow_notes import registered_note, version_note, without_note
from dragoman_registry.packaging.answer_check import Answer, check_answers, sample
from dragoman_registry.packaging.model_card import Card, write_card
from dragoman_registry.registry_client.client import client_at, is_server, mlflow_at, unquoted
from dragoman_registry.registry_client.versions import RegisteredVersion, id_of, versions_of

REQUIREMENTS = ("mlflow", "torch", "transformers", "tokenizers", "safetensors", "sentencepiece", "pandas", "numpy")
"""What serving a model takes, besides peft for an adapter."""

Examples = dict[str, list[tuple[str, str]]]
"""Translated sentences by pair, written ``de>fr``."""

_PREFIX = "package-"
"""What the names of the folders begin with in which packages are made."""

VERSIONS_TAG = "mlflow.modelVersions"
"""Tag of a logged model with the versions of registered models that it became."""

SERVED = Path(__file__).with_name("served_model.py")
"""The code of a registered model."""


def register(
    settings: Settings, store: Store, grid: GridRecord, model: str, name: str, run: str | None = None
) -> RegisteredVersion:
    """Make a finetuned model a version of a registered model; a version that is there already is returned.

    Before anything is written to MLflow, the model as it will be served translates some of the stored sentences, and
    has to give the translations that were scored.

    Args:
        settings: where MLflow is.
        store: the results store.
        grid: the grid the model belongs to.
        model: the model's name in it.
        name: name in the registry.
        run: id of the MLflow run to log it under.

    Raises:
        ModelError: the model is not trained, its checkpoint is gone, or served it answers otherwise than was scored.
    """
    model_id, spec = id_of(grid, model), GridSpec.from_store(grid.spec)
    prompt, decoding = spec.prompts[0], spec.evaluation.decoding
    for known in versions_of(settings.mlflow_url, name):
        # asked or decoded in another way it would give other answers than this grid's scores are about
        if (known.model, known.prompt, known.decoding) == (model_id, prompt.id, decoding.id):
            _link(settings.mlflow_url, known)
            return known
    checkpoint = _checkpoint(store, model, model_id)
    config = _model_config(spec, grid, store.models.get(grid.base).recipe)
    tags = {MODEL_TAG: model_id, GRID_TAG: grid.name, NAME_TAG: model, PROMPT_TAG: prompt.id, DECODING_TAG: decoding.id}
    card = write_card(store, grid, spec, model)
    answers = sample(store, grid, model_id, prompt.id, decoding.id)
    logged = _log(settings, grid.name, model, checkpoint, config, _examples(spec), tags, card, answers, run)
    return _add_version(settings.mlflow_url, name, logged, tags, card)


def _checkpoint(store: Store, model: str, model_id: str) -> Path:
    training = store.models.training(model_id)
    if is_from_elsewhere(recipe := store.models.get(model_id).recipe):
        what = "scores are quoted" if is_quoted(recipe) else "translations are from files"
        raise ModelError(f"'{model}' has no model that could be registered: its {what}.")
    if training is None:
        raise ModelError(f"The model '{model}' is not trained yet: run its grid to the end, then register it.")
    checkpoint = Path(training["checkpoint"])
    if not checkpoint.is_dir():
        raise ModelError(
            f"The checkpoint of '{model}' is not at {checkpoint} any more: put it back, "
            "or remove the model's training from the store and run the grid again."
        )
    return checkpoint


def _model_config(spec: GridSpec, grid: GridRecord, base: dict[str, Any]) -> dict[str, Any]:
    """What the served code has to know: how to ask the model, and what its base is."""
    prompt, decoding = spec.prompts[0], spec.evaluation.decoding
    return {
        "template": prompt.asking,
        "shots": prompt.shots,
        "separator": prompt.separator,
        "chat": prompt.chat and prompt.chat.model_dump(mode="json"),
        "languages": {tag: prompt.language_name(tag) for tag in grid.languages},
        "beam": decoding.beam,
        "length_penalty": decoding.length_penalty,
        "max_new_tokens": decoding.max_new_tokens,
        "max_ratio": decoding.max_ratio,
        "stop": list(decoding.stop),
        "stop_at_newline": decoding.stop_at_newline,
        "base_model": spec.base.model,
        "base_revision": None if "files" in base else _cached_commit(spec.base.model, spec.base.revision),
        "base_files": base.get("files"),
        "base_patterns": list(WEIGHTS),
    }


def _examples(spec: GridSpec) -> Examples:
    """What a few-shot prompt shows of each pair that is evaluated."""
    prompt = spec.prompts[0]
    if not prompt.shots:
        return {}
    demonstrator, pairs = Demonstrator(prompt), spec.evaluated()
    missing = demonstrator.missing(pairs)
    return {f"{pair.source}>{pair.target}": [*demonstrator.of(pair)] for pair in pairs if pair not in missing}


def _cached_commit(model: str, revision: str | None) -> str | None:
    """The commit that a hub model's branch or tag (the main one, by default) stands for in this machine's cache."""
    try:
        from huggingface_hub import try_to_load_from_cache
    except ModuleNotFoundError:
        return revision
    file = try_to_load_from_cache(model, "config.json", revision=revision)
    return Path(file).parent.name if isinstance(file, str) else revision


def _log(
    settings: Settings,
    grid: str,
    model: str,
    checkpoint: Path,
    config: dict[str, Any],
    examples: Examples,
    tags: dict[str, str],
    card: Card,
    answers: Sequence[Answer],
    run: str | None,
) -> Any:
    """Package the model, hold it to its answers, and log it to MLflow, under its run if it has one.

    Returns:
        MLflow's logged model.

    Raises:
        ModelError: it answers otherwise; nothing is logged then.
    """
    client = client_at(settings.mlflow_url)
    import mlflow.pyfunc
    import pandas as pd
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model, ModelSignature
    from mlflow.models.model import MLMODEL_FILE_NAME
    from mlflow.types import ColSpec, Schema

    source, target = list(config["languages"])[:2]
    columns: list[Any] = [ColSpec("string", name) for name in ("text", "source", "target")]
    settings.cache_dir.mkdir(parents=True, exist_ok=True)
    remove_abandoned(settings.cache_dir, _PREFIX)
    with ScratchFolder(settings.cache_dir, _PREFIX) as made, unquoted(made.path) as folder:
        path = folder / "model"
        artifacts = {"checkpoint": checkpoint.as_uri()}  # MLflow would take a path for a URL that is not quoted
        if examples:
            file = folder / "examples.json"
            file.write_text(json.dumps(examples, ensure_ascii=False), encoding="utf-8")
            artifacts["examples"] = file.as_uri()
        mlflow.pyfunc.save_model(
            path,
            python_model=str(SERVED),
            artifacts=artifacts,
            model_config=config,
            signature=ModelSignature(Schema(columns), Schema([ColSpec("string", "translation")])),
            input_example=pd.DataFrame([{"text": "Hello", "source": source, "target": target}]),
            pip_requirements=requirements(with_adapter=(checkpoint / "adapter_config.json").is_file()),
            metadata=tags,
        )
        check_answers(model, path, answers)
        experiment = client.get_run(run).info.experiment_id if run else _experiment(client, settings, grid)
        logged = _unpackaged(client, experiment, tags) or client.create_logged_model(
            experiment, name=allowed(model), source_run_id=run, tags=tags, model_type=MODEL_TYPE
        )
        described: Any = Model.load(path)
        described.artifact_path, described.run_id = logged.artifact_location, run
        described.model_id = described.model_uuid = logged.model_id
        described.save(path / MLMODEL_FILE_NAME)
        (path / "README.md").write_text(card.readme, encoding="utf-8")
        client.log_model_artifacts(logged.model_id, str(path))
    if run and logged.model_id not in _outputs(client, run):
        client.log_outputs(run, [LoggedModelOutput(logged.model_id, step=0)])
    client.set_logged_model_tags(logged.model_id, {PACKAGED_TAG: "true"})
    if str(logged.status) == "READY":
        return client.get_logged_model(logged.model_id)
    return client.finalize_logged_model(logged.model_id, "READY")


def _unpackaged(client: Any, experiment: str, tags: dict[str, str]) -> Any:
    """The logged model with the scores of what is packaged, where MLflow has one that has no files yet."""
    found = search(client, experiment, {tag: tags[tag] for tag in (GRID_TAG, MODEL_TAG, PROMPT_TAG, DECODING_TAG)})
    return next((each for each in found if KEY_TAG in each.tags and PACKAGED_TAG not in each.tags), None)


def _outputs(client: Any, run: str) -> set[str]:
    """The logged models that a run is known to have made."""
    made = client.get_run(run).outputs
    return {each.model_id for each in made.model_outputs} if made else set()


def _experiment(client: Any, settings: Settings, grid: str) -> str:
    # a server knows where artifacts go; a database alone would have them in the current folder
    location = None if is_server(settings.mlflow_url) else settings.artifacts_dir.as_uri()
    return experiment_id(client, grid, location)


def _add_version(uri: str, name: str, logged: Any, tags: dict[str, str], card: Card) -> RegisteredVersion:
    from mlflow.exceptions import MlflowException

    client = client_at(uri)
    try:
        client.create_registered_model(name, description=registered_note(name))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    with mlflow_at(uri):
        added = client.create_model_version(
            name,
            f"models:/{logged.model_id}",
            logged.source_run_id,
            tags,
            description=card.summary,
            model_id=logged.model_id,
        )
    version = RegisteredVersion.of(added)
    _link(uri, version)
    return version


def _link(uri: str, version: RegisteredVersion) -> None:
    """Have MLflow's pages of a version and its registered model lead to ours; what users wrote there stays."""
    client = client_at(uri)
    note = version_note(version.name, version.version, str(version.grid), str(version.model_name))
    there = client.get_model_version(version.name, version.version)
    said = there.description or ""
    if not said.startswith(note):
        client.update_model_version(version.name, version.version, f"{note}{without_note(said)}")
    _name_version(client, str(there.source), version)
    if not client.get_registered_model(version.name).description:
        client.update_registered_model(version.name, registered_note(version.name))


def _name_version(client: Any, source: str, version: RegisteredVersion) -> None:
    """Have a logged model name the version that it became, as MLflow's `register_model` does for its page."""
    if not source.startswith("models:/m-"):
        return
    logged = source.removeprefix("models:/")
    named = json.loads(client.get_logged_model(logged).tags.get(VERSIONS_TAG, "[]"))
    own = {"name": version.name, "version": version.version}
    if own not in [{**each, "version": str(each["version"])} for each in named]:
        client.set_logged_model_tags(logged, {VERSIONS_TAG: json.dumps([*named, own])})


def requirements(with_adapter: bool) -> list[str]:
    """The packages that serving takes, pinned to the versions installed here."""
    pinned = []
    for name in (*REQUIREMENTS, *(("peft",) if with_adapter else ())):
        try:
            # the local part of a version ("2.13.0+cpu") names a build that no package index has
            pinned.append(f"{name}=={version(name).partition('+')[0]}")
        except PackageNotFoundError:
            continue
    return pinned
