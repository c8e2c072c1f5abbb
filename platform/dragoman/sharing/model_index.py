"""The `model-index` of a Hugging Face model card: a system's results as the hub's metadata.

The fields are those of huggingface/hub-docs, modelcard.md, which `huggingface_hub.EvalResult` reads.
"""

from collections import Counter
from typing import Any

import yaml

from dragoman.sharing.language_codes import pair_with_scripts
from dragoman.sharing.results_of_system import Result, results_of
from dragoman.sharing.shared_grid import SharedGrid
from dragoman.store.records import TestSetRecord
from dragoman.store.store import Store

DATASETS = {
    "flores101": "gsarti/flores_101",
    "flores200": "facebook/flores",
    "flores-plus": "openlanguagedata/flores_plus",
    "opus100": "Helsinki-NLP/opus-100",
    "wmt24pp": "google/wmt24pp",
    "tico19": "gmnlp/tico19",
    "bouquet": "facebook/bouquet",
}
"""The data sets of the hub that corpora are, by kind; others are named as they are here."""

METRICS = {
    "bleu": ("bleu", "BLEU"),
    "spbleu": ("bleu", "spBLEU"),
    "spbleu101": ("bleu", "spBLEU (FLORES-101)"),
    "chrf": ("chrf", "chrF"),
    "chrf++": ("chrf", "chrF++"),
    "ter": ("ter", "TER"),
}
"""The hub's type of a metric, and what it is called; others have the name that they have here."""

_DIGITS = 4


def model_index(store: Store, grid: str, system: str, *, pairs: bool = False) -> list[dict[str, Any]]:
    """The value of `model-index` for a system of a grid: a result for each mean over the pairs of a partition.

    Args:
        store: the store.
        grid: name of the grid.
        system: the system, `MODEL` or `MODEL:PROMPT`.
        pairs: a result for each pair, too.

    Raises:
        StoreError: there is no such grid or system, or it has no scores that can be taken together.
    """
    with store.snapshot() as snapshot:
        shared = SharedGrid.of(snapshot, grid)
        found = shared.system(system)
        alike = Counter(map(_dataset, shared.test_sets.values()))
        results: dict[tuple[str, str], dict[str, Any]] = {}
        for result in results_of(snapshot, shared, found):
            if isinstance(result.over, str) or pairs:
                is_alone = alike[_dataset(result.test_set)] == 1
                new = _entry(result, is_named=bool(shared.record.test_sets), is_alone=is_alone)
                entry = results.setdefault((result.folder, str(result.over)), new)
                entry["metrics"].append(_metric(result))
    return [{"name": found.name, "results": list(results.values())}]


def model_index_yaml(store: Store, grid: str, system: str, *, pairs: bool = False) -> str:
    """The same as YAML, to be put between the `---` of a model card; arguments and errors as for `model_index`."""
    content = {"model-index": model_index(store, grid, system, pairs=pairs)}
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120))


def _dataset(test_set: TestSetRecord) -> tuple[str, str, str]:
    """By what the hub tells data sets apart, besides the configuration."""
    return DATASETS.get(test_set.corpus, test_set.corpus), test_set.split, test_set.revision


def _entry(result: Result, *, is_named: bool, is_alone: bool) -> dict[str, Any]:
    test_set = result.test_set
    kind, split, revision = _dataset(test_set)
    is_pair = not isinstance(result.over, str)
    over = str(result.over).replace("_", " ")
    text = f"{test_set.corpus} {split}"
    config = result.over if isinstance(result.over, str) else pair_with_scripts(result.over)
    return {
        "task": {"type": "translation", "name": "Translation"},
        "dataset": {
            "name": f"{f'{result.folder} ({text})' if is_named else text}, {over}{'' if is_pair else ' pairs'}",
            "type": kind,
            "config": config if is_alone else f"{result.folder}-{config}",
            "split": split,
            "revision": revision,
        },
        "metrics": [],
    }


def _metric(result: Result) -> dict[str, Any]:
    kind, name = METRICS.get(result.metric, (result.metric, result.metric))
    signatures = list(result.signatures)
    arguments: dict[str, Any] = {"signature": signatures[0] if len(signatures) == 1 else signatures}
    if isinstance(result.over, str):
        name = f"{name}, mean over {result.done} of {result.pairs} pairs"
        arguments |= {"pairs": result.done, "planned": result.pairs}
    return {"type": kind, "value": round(result.value, _DIGITS), "name": name, "args": arguments}
