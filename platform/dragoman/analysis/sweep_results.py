"""The results of a campaign: every finetuned model with what was swept, its recipe's values and its partition table."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any, NamedTuple

from dragoman.analysis.partition_table import PartitionRow
from dragoman.analysis.run_table import runs
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError, nearest
from dragoman.partition import Evidence
from dragoman.store.store import Store

SEEDS = ("seed", "seeds")
"""The last words of keys whose values are repetitions of one recipe: lines are means over them."""

RECIPE = (
    "training_pairs",
    "training_examples",
    "target_tokens",
    "parameters",
    "trained_parameters",
    "training_seconds",
)
"""What is known of a finetuning besides its specification."""

_LEFT_OUT = frozenset({"name", "campaign", "models", "baselines", "promotion", "notes", "tags"})
"""Keys of a specification that say nothing of a model's recipe or of its evaluation."""


class SweptModel(NamedTuple):
    """A finetuned model of a campaign."""

    grid: str
    """Its grid."""
    model: str
    """Its name in it."""
    seed: int | None
    """Seed of its training."""
    swept: Mapping[str, Any]
    """The values of the keys that differ between the campaign's models."""
    recipe: Mapping[str, Any]
    """What is known of its finetuning: `RECIPE`, as far as it is recorded."""
    rows: Mapping[str, PartitionRow]
    """Its partition table by scope."""

    def value(self, key: str) -> Any:
        """The value of a swept key, or one of `RECIPE`; None where it is not known."""
        return self.swept.get(key, self.recipe.get(key))


class CurvePoint(NamedTuple):
    """One point of a line: the models of one recipe, which differ in their seeds alone."""

    line: str
    """What tells the line from the others: its values of the other swept keys."""
    x: Any
    """The value on the horizontal axis."""
    scope: str
    """The scope."""
    mean: float
    """Mean of the models' means."""
    sd: float | None
    """Their standard deviation (n - 1); None for one model."""
    gain: float | None
    """Mean of their gains over the base; None where one has none."""
    models: int
    """How many there are."""


def sweep_results(
    store: Store, questions: Iterable[ScoreQuestion], wanted: Collection[tuple[str, str]]
) -> list[SweptModel]:
    """The finetuned models of some grids, with what differs between them.

    Args:
        store: the store.
        questions: the question of each grid.
        wanted: the grids and names of the models that are meant; those that are not finetuned by a specification are
            left out.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    found: list[tuple[SweptModel, dict[str, Any]]] = []
    for question in questions:
        grid = store.grids.get(question.grid)
        identities = {name: identity for identity, name in grid.names.items()}
        general = flattened({key: value for key, value in grid.spec.items() if key not in _LEFT_OUT})
        for run in runs(store, question):
            own = _specified(grid.spec, run.model)
            record = store.models.get(identities[run.model])
            short = run.model.removesuffix(f"-seed{record.seed}")
            if own is None or (run.grid, run.model) not in wanted:
                continue
            facts = {**general, "model": short, **flattened(own), "seed": record.seed}
            recipe = _recipe(store.models.training(record.id) or {})
            if run.evidence is not Evidence.UNKNOWN:
                recipe |= {"training_pairs": run.pairs, "training_examples": run.examples}
            rows = {row.scope: row for row in run.rows}
            found.append((SweptModel(run.grid, run.model, record.seed, {}, recipe, rows), facts))
    keys = differing([facts for _, facts in found])
    names = short_names(keys)
    return [model._replace(swept={names[key]: facts.get(key) for key in keys}) for model, facts in found]


def flattened(content: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """A mapping's values by dotted keys; a list of plain values is one value, as text."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            found |= flattened(value, f"{name}.")
        elif isinstance(value, list | tuple):
            is_plain = all(isinstance(each, str | int | float) for each in value)
            found[name] = " ".join(map(str, value)) if is_plain else str(value)
        else:
            found[name] = value
    return found


def differing(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys whose values are not the same everywhere, in their order."""
    keys = dict.fromkeys(key for each in facts for key in each)
    return [key for key in keys if len({repr(each.get(key)) for each in facts}) > 1]


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Each dotted key's last word, or as many of its last words as tell it from the others; of a seed two."""
    found = {}
    for key in keys:
        words = key.split(".")
        for count in range(min(len(words), 2 if is_seed(key) else 1), len(words) + 1):
            name = ".".join(words[-count:])
            if count == len(words) or sum(other == name or other.endswith(f".{name}") for other in keys) == 1:
                found[key] = name
                break
    return found


def axes_of(models: Sequence[SweptModel]) -> list[str]:
    """What models can be drawn over: swept keys first, numbers before words and seeds left out, then recipe values."""
    swept = [key for key in (models[0].swept if models else ()) if not is_seed(key)]
    recipe = [key for key in RECIPE if len({model.recipe.get(key) for model in models} - {None}) > 1]
    numeric = [key for key in swept if all(_is_number(model.value(key)) for model in models)]
    return [*numeric, *recipe, *(key for key in swept if key not in numeric)]


def axis_named(models: Sequence[SweptModel], name: str | None) -> str | None:
    """The axis of a name; the first one by default, None where there is none.

    Raises:
        StoreError: there is none of that name.
    """
    known = axes_of(models)
    if name is not None and name not in known:
        raise StoreError(f"These models can't be drawn over '{name}': {nearest(name, known)}")
    return name or next(iter(known), None)


def is_seed(key: str) -> bool:
    """Whether a key's values are repetitions of one recipe."""
    return key.rsplit(".", 1)[-1] in SEEDS


def curves(models: Sequence[SweptModel], x: str, scopes: Sequence[str]) -> list[CurvePoint]:
    """The points of the lines over a key: means over the models that differ in their seeds alone, with their spread.

    A recipe's value, such as the number of training examples, may follow from another key: keys whose values are the
    same wherever x is, are no other line.
    """
    apart = [key for key in (models[0].swept if models else ()) if key != x and not is_seed(key)]
    apart = _telling(models, [key for key in apart if not _follows(models, key, x)])
    groups: defaultdict[tuple[str, Any], list[SweptModel]] = defaultdict(list)
    for model in models:
        if (place := model.value(x)) is not None:
            groups[_line(model, apart), place].append(model)
    points = []
    for scope in scopes:
        for (line, place), members in groups.items():
            rows = [model.rows[scope] for model in members if scope in model.rows]
            means = [row.mean for row in rows if row.mean is not None]
            gains = [row.gain for row in rows if row.mean is not None]
            known = [gain for gain in gains if gain is not None]
            if means:
                points.append(
                    CurvePoint(
                        line=line,
                        x=place,
                        scope=scope,
                        mean=fmean(means),
                        sd=stdev(means) if len(means) > 1 else None,
                        gain=fmean(known) if len(known) == len(gains) else None,
                        models=len(means),
                    )
                )
    return sorted(points, key=lambda point: (scopes.index(point.scope), point.line, _rank(point.x)))


def _telling(models: Sequence[SweptModel], keys: Sequence[str]) -> list[str]:
    """Those of some keys that tell apart what the keys before them don't."""
    kept = list[str]()
    for key in keys:
        groups = (
            {tuple(repr(model.swept.get(each)) for each in each_of) for model in models}
            for each_of in (kept, [*kept, key])
        )
        before, after = map(len, groups)
        if after > before:
            kept.append(key)
    return kept


def _line(model: SweptModel, keys: Sequence[str]) -> str:
    """The name of a model's line: its values, with their keys where they are no words."""
    values = ((key, model.swept[key]) for key in keys if model.swept[key] is not None)
    return ", ".join(str(value) if isinstance(value, str) else f"{key} {value}" for key, value in values) or "all"


def _follows(models: Sequence[SweptModel], key: str, x: str) -> bool:
    """Whether a key's value follows from that of x, so that it tells no lines apart."""
    values: defaultdict[Any, set[str]] = defaultdict(set)
    for model in models:
        values[model.value(x)].add(repr(model.swept.get(key)))
    return len(values) > 1 and all(len(each) == 1 for each in values.values())


def _rank(value: Any) -> tuple[bool, float, str]:
    return not _is_number(value), float(value) if _is_number(value) else 0.0, str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _specified(spec: Mapping[str, Any], model: str) -> dict[str, Any] | None:
    """What a specification says of a finetuned model; None of any other."""
    for each in spec.get("models") or ():
        name = str(each.get("name"))
        if model == name or model.startswith(f"{name}-seed"):
            return {key: value for key, value in each.items() if key not in ("name", "seed", "seeds")}
    return None


def _recipe(record: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"target_tokens": "target_tokens", "parameters": "parameters", "trained_parameters": "trained_parameters"}
    found = {name: record[key] for key, name in kept.items() if record.get(key) is not None}
    return found | ({"training_seconds": record["seconds"]} if record.get("seconds") is not None else {})
