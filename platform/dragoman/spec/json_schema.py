"""The JSON Schema of a spec, by which editors complete and check it.

Pydantic's own schema says what a spec is once it is read; what people may write is more: one word for a mapping,
`de-fr` for a pair. That is added here, with the meaning of every key.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from dragoman import plugins
from dragoman.metrics.errors.label import ALL as ALL_LABELS
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.model_metric import ModelMetric
from dragoman.spec.base import SpecModel
from dragoman.spec.grid import GridSpec
from dragoman.spec.meanings import meanings
from dragoman.spec.prompt import NAMED

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The dialect it is written in."""

_TEXT: Schema = {"type": "string"}

_NAMED_TEST_SET: Schema = {"$ref": "#/$defs/NamedTestSet"}

_SWEEP: Schema = {
    "description": "Lists of values for any keys, by their path (`seed`, `evaluation.decoding.beam`, "
    "`models.NAME.pairs`, `models.*.method.steps`): one grid for each combination. A mapping in place of a list names "
    "the values; keys in a group of `zip` change together.",
    "type": "object",
    "minProperties": 1,
    "properties": {
        "zip": {"anyOf": [{"$ref": "#/$defs/Zipped"}, {"type": "array", "items": {"$ref": "#/$defs/Zipped"}}]}
    },
    "additionalProperties": {"$ref": "#/$defs/Values"},
}

_OF_SWEEP: Schema = {
    "Values": {"anyOf": [{"type": "array", "minItems": 1}, {"type": "object", "minProperties": 1}]},
    "Zipped": {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/Values"}},
}


def json_schema() -> Schema:
    """The schema of a spec file."""
    schema = GridSpec.model_json_schema()
    definitions: Schema = schema["$defs"]
    models: tuple[type[SpecModel], ...] = (GridSpec, *_parts(SpecModel))
    for model in models:
        described = schema if model is GridSpec else definitions.get(model.__name__, {})
        for name, meaning in meanings(model).items():
            if name in described.get("properties", {}):
                described["properties"][name]["description"] = meaning
    pair = {"anyOf": [_TEXT, {"type": "array", "prefixItems": [_TEXT, _TEXT], "minItems": 2, "maxItems": 2}]}
    definitions["Pair"] = {"description": "A directed pair: `de-fr`, `zh-Hans>fr` or [de, fr].", **pair}
    definitions["CorpusChoice"] = _corpus(definitions["CorpusChoice"]["description"], definitions)
    definitions["PairChoice"]["properties"]["centric"]["anyOf"].append(_TEXT)
    stop = definitions["Decoding"]["properties"]["stop"]
    stop["anyOf"] = [_TEXT, {"type": stop.pop("type"), "items": stop.pop("items")}]
    del definitions["Translations"]["properties"]["folder"]  # never written by hand
    evaluation = definitions["Evaluation"]["properties"]
    definitions["MetricChoice"] = _metric(definitions["MetricChoice"], definitions)
    metrics = _known([*_own("metrics"), ALL_LABELS])["anyOf"]
    evaluation["metrics"]["items"] = {"anyOf": [*metrics, {"$ref": "#/$defs/MetricChoice"}]}
    engines = _known(["auto", *_own("engines")])
    evaluation["engine"] |= engines
    definitions["Baseline"]["properties"]["engine"]["anyOf"][:1] = engines["anyOf"]
    schema["properties"]["sweep"] = _SWEEP
    definitions |= _OF_SWEEP
    shorthands: Mapping[str, Schema] = {
        "Base": _TEXT,
        "CorpusChoice": _known(_own("corpora")),
        "Prompt": _known(NAMED),
        "EvaluationPrompt": _known(NAMED),
        "Chat": {"type": "boolean"},
        "ScopeChampion": {"$ref": "#/$defs/Pair"},
        "Translations": _TEXT,
        # the first test set of a list may have the keys that all of them share
        "Evaluation": {"type": "array", "prefixItems": [{"type": "object"}], "items": _NAMED_TEST_SET, "minItems": 1},
    }
    written = _with_shorthands(schema, {f"#/$defs/{name}": short for name, short in shorthands.items()})
    return {"$schema": DIALECT, "title": "A grid, or a campaign of grids, for Dragoman", **_without_titles(written)}


def _parts(model: type[SpecModel]) -> Iterator[type[SpecModel]]:
    for part in model.__subclasses__():
        yield part
        yield from _parts(part)


def _own(group: str) -> list[str]:
    """The plugins that come with Dragoman: the schema is the same wherever it is made."""
    return sorted(name for name, entry in plugins.available(group).items() if entry.value.startswith("dragoman"))


def _known(names: Iterable[str]) -> Schema:
    """Any text, with some that an editor may offer."""
    return {"anyOf": [{"enum": sorted(names)}, _TEXT]}


def _corpus(description: str, definitions: Schema) -> Schema:
    """A kind of corpus and, where it comes with Dragoman, the options of that kind."""
    cases = []
    for kind in _own("corpora"):
        properties = _options(plugins.load("corpora", kind).Options, definitions)
        if "path" in properties:  # a path for each split may be one path with {split} in it
            properties["path"] = {
                "anyOf": [_TEXT, properties["path"]],
                "description": properties["path"]["description"],
            }
        this = {"required": ["kind"], "properties": {"kind": {"const": kind}}}
        cases.append({"if": this, "then": {"properties": {"kind": True, **properties}, "additionalProperties": False}})
    return {
        "description": description,
        "type": "object",
        "properties": {"kind": {"description": "Name of a corpus plugin.", **_known(_own("corpora"))}},
        "required": ["kind"],
        "allOf": cases,
    }


def _metric(choice: Schema, definitions: Schema) -> Schema:
    """A metric that holds a model and, where it comes with Dragoman, the options of that model."""
    own: Schema = {name: choice["properties"][name] for name in ("metric", "name")}
    cases = []
    for name in _own("metrics"):
        kind = metric_class(name)
        if kind is None or not issubclass(kind, ModelMetric):
            continue
        options = {**dict.fromkeys(own, True), **_options(kind.Options, definitions)}
        this = {"required": ["metric"], "properties": {"metric": {"const": name}}}
        cases.append({"if": this, "then": {"properties": options, "additionalProperties": False}})
    of_kinds: Schema = {"allOf": cases} if cases else {}
    return {
        "description": choice["description"], "type": "object", "properties": own, "required": ["metric"], **of_kinds
    }  # fmt: skip


def _options(options: type[BaseModel], definitions: Schema) -> Schema:
    """The properties of a plugin's options, with their meaning."""
    allowed = options.model_json_schema()
    definitions |= allowed.get("$defs", {})
    documented = meanings(options)
    return {
        name: {**field, "description": documented.get(name, "")}
        for name, field in allowed.get("properties", {}).items()
    }


def _with_shorthands(part: Any, shorthands: Mapping[str, Schema]) -> Any:
    """The schema with a short form beside every reference to what has one."""
    if isinstance(part, list):
        return [_with_shorthands(item, shorthands) for item in part]
    if not isinstance(part, dict):
        return part
    rest = {key: _with_shorthands(value, shorthands) for key, value in part.items()}
    if part.get("$ref") in shorthands:
        short = {"anyOf": [shorthands[rest.pop("$ref")], {"$ref": part["$ref"]}]}
        return {**rest, **short}
    return rest


def _without_titles(part: Any) -> Any:
    """The schema without the titles that repeat the keys, and without defaults that are mappings of defaults."""
    if isinstance(part, list):
        return [_without_titles(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept: Schema = {}
    for key, value in part.items():
        if key == "properties":  # here `title` and `default` would be keys of a spec
            kept[key] = {name: _without_titles(each) for name, each in value.items()}
        elif not (key == "title" and isinstance(value, str)) and not (key == "default" and isinstance(value, dict)):
            kept[key] = _without_titles(value)
    return kept
