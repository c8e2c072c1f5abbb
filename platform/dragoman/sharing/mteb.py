"""A grid as the results of mteb: `results/MODEL/REVISION/TASK.json`, with a subset for each pair.

The fields are those of `TaskResult` and `ModelMeta`, the places those of `ResultCache` (embeddings-benchmark/mteb:
mteb/results/task_result.py, mteb/models/model_meta.py, mteb/cache.py). Scores are in the metric's own range, as
sacreBLEU prints them.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from dragoman.sharing.file_names import file_names
from dragoman.sharing.language_codes import code_with_script
from dragoman.sharing.new_folder import new_folder
from dragoman.sharing.results_of_system import results_of
from dragoman.sharing.shared_grid import SharedGrid, SharedSystem
from dragoman.store.store import Store

_UNKNOWN = (
    "loader", "release_date", "n_parameters", "memory_usage_mb", "max_tokens", "embed_dim", "license", "open_weights",
    "public_training_code", "public_training_data", "similarity_fn_name", "use_instructions", "training_datasets",
)  # fmt: skip
"""Fields of a model that a grid knows nothing of."""


def write_results(store: Store, grid: str, folder: Path, *, system: str | None = None) -> None:
    """Write a folder of results for each system of a grid.

    Args:
        store: the store.
        grid: name of the grid.
        folder: a new folder, or an empty one.
        system: only this system.

    Raises:
        StoreError: there is no such grid or system, it has no scores, or the folder can't be written.
    """
    with store.snapshot() as snapshot, new_folder(folder) as partial:
        shared = SharedGrid.of(snapshot, grid)
        systems = shared.systems if system is None else [shared.system(system)]
        names = file_names((each.file, each.name.replace("/", "__")) for each in shared.systems)
        for each in systems:
            place = partial / "results" / names[each.file] / each.model.id
            place.mkdir(parents=True)
            for task, content in _tasks(snapshot, shared, each).items():
                _write(place / f"{task}.json", content)
            _write(place / "model_meta.json", _about(shared, each))


def _tasks(store: Store, shared: SharedGrid, system: SharedSystem) -> dict[str, dict[str, Any]]:
    """The results of a system by test set."""
    subsets: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for result in results_of(store, shared, system):
        if isinstance(result.over, str):
            continue
        languages = [code_with_script(tag, "-") for tag in result.over]
        entry = subsets[result.folder].setdefault(
            str(result.over),
            {
                "hf_subset": "-".join(code_with_script(tag) for tag in result.over),
                "languages": languages,
                "main_score": result.value,  # that of the grid's first metric that the pair has a score of
            },
        )
        entry[result.metric] = result.value
        entry.setdefault("signatures", {})[result.metric] = "".join(result.signatures)
    tasks = {}
    for folder, entries in subsets.items():
        test_set = shared.test_sets[folder]
        seconds = [cell.seconds for cell in shared.cells[folder, system.file].values() if cell.seconds is not None]
        tasks[folder] = {
            "dataset_revision": test_set.revision,
            "task_name": folder,
            "mteb_version": None,
            "scores": {test_set.split: list(entries.values())},
            "evaluation_time": None if system.is_from_files else sum(seconds),
            "kg_co2_emissions": None,
        }
    return tasks


def _about(shared: SharedGrid, system: SharedSystem) -> dict[str, Any]:
    return {
        "name": system.name,
        "revision": system.model.id,
        "languages": [code_with_script(tag, "-") for tag in shared.record.languages],
        "framework": [],
        **dict.fromkeys(_UNKNOWN),
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    path.write_text(f"{text}\n", encoding="utf-8", newline="\n")
