"""Loader of spec files: every mistake becomes one sentence."""

import operator
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from dragoman.errors import CorpusError, SpecError, nearest
from dragoman.redaction import masked
from dragoman.spec import sweep
from dragoman.spec.base import LONGEST_WRITTEN, WRITTEN
from dragoman.spec.corpus import CorpusChoice, checked_options
from dragoman.spec.document import read_document
from dragoman.spec.grid import GridSpec
from dragoman.spec.metric import MetricChoice, stored_name
from dragoman.spec.metric import checked_options as checked_metric
from dragoman.spec.quoted import QuotedScores
from dragoman.spec.translations import Translations


class Campaign(NamedTuple):
    """What a spec file stands for: one grid, or those of its sweep."""

    name: str
    """The `name` in the file."""
    grids: tuple[GridSpec, ...]
    """The grids, in the order of the sweep; each says which campaign it belongs to."""

    @property
    def is_sweep(self) -> bool:
        """Whether the file has a sweep, even if it makes one grid."""
        return self.grids[0].campaign is not None


def load_spec(path: Path, grid: str | None = None) -> GridSpec:
    """The spec in a YAML file, checked; of a sweep, the grid of a name.

    Models and corpora given as relative paths are looked for beside the spec first, then from the current folder.

    Raises:
        SpecError: the file is not there, is no YAML, says something a grid can't be made of, or stands for several
            grids and none of them is named.
    """
    grids = {spec.name: spec for spec in load_campaign(path).grids}
    if grid is None and len(grids) == 1:
        return next(iter(grids.values()))
    if grid is None:
        names = list(grids)
        raise SpecError(
            f"{path} is a sweep of {len(names)} grids ({names[0]} to {names[-1]}): name one of them, with --grid NAME "
            "or in place of the file."
        )
    if grid not in grids:
        raise SpecError(f"{path} makes no grid '{grid}'; {nearest(grid, grids)}")
    return grids[grid]


def load_campaign(path: Path) -> Campaign:
    """Every grid that a YAML file stands for, checked.

    Raises:
        SpecError: as for `load_spec`, but several grids are welcome.
    """
    content = read_document(path)
    _require_no_secret(content, path)
    name = str(content.get("name"))
    if (length := len(name.encode())) > LONGEST_WRITTEN:
        raise SpecError(f"{path}: name has {length} bytes, and a name has at most {LONGEST_WRITTEN}: shorten it.")
    if "sweep" not in content:
        return Campaign(name, (_checked(path, content, ""),))
    try:
        contents = list(sweep.grids(content))
    except SpecError as error:
        # what the sweep does not find may only be misspelt in the rest of the spec
        rest = {key: value for key, value in content.items() if key != "sweep"}
        raise SpecError(f"{path}: {_mistake(rest) or error}") from error
    return Campaign(name, tuple(_checked(path, each, f" (grid {each['name']})") for each in contents))


def _require_no_secret(content: Any, path: Path, place: tuple[str, ...] = ()) -> None:
    """Refuse addresses with a password or key in them: a spec is kept in the store and shown in MLflow.

    Raises:
        SpecError: there is one.
    """
    if isinstance(content, dict | list):
        steps = content.items() if isinstance(content, dict) else enumerate(content)
        for step, part in steps:
            _require_no_secret(part, path, (*place, str(step)))
    elif isinstance(content, str) and "://" in content and masked(content) != content:
        raise SpecError(
            f"{path}: {'.'.join(place)} holds a secret ({content}), and specs are kept and shown: take it out; give it "
            "in the environment where the grid runs (an endpoint's key in the variable that key_variable names)."
        )


def _mistake(content: dict[str, Any]) -> str | None:
    """The first mistake in a spec whose swept keys may be missing."""
    try:
        GridSpec.model_validate(content, context=WRITTEN)
    except ValidationError as error:
        first = error.errors()[0]
        swept = first["type"] == "missing" and first["loc"][-1] != "name"
        return None if swept else sentence(error, content)
    return None


def _checked(path: Path, content: dict[str, Any], which: str) -> GridSpec:
    try:
        spec = GridSpec.model_validate(content, context=WRITTEN)
    except ValidationError as error:
        raise SpecError(f"{path}{which}: {sentence(error, content)}") from error
    for place, corpus in _corpora(spec):
        try:
            checked_options(corpus.kind, corpus.options, place)
        except CorpusError as error:
            raise SpecError(f"{path}{which}: {error}") from error
        except ModuleNotFoundError:
            continue  # said by the plan, which needs the corpus itself
    for number, metric in enumerate(spec.evaluation.metrics):
        _check_metric(metric, f"evaluation.metrics.{number}", f"{path}{which}")
    for number, model in enumerate(spec.models):
        if (selection := model.method.selection) is not None:
            _check_metric(selection.metric, f"models.{number}.method.selection.metric", f"{path}{which}")
    places = (path.parent, Path())
    baselines = tuple(
        one.model_copy(update={"model": _found(one.model, places)}) if one.model and one.engine != "openai" else one
        for one in spec.baselines
    )
    base = spec.base.model_copy(update={"model": _found(spec.base.model, places)})
    placed: GridSpec = _with_files_found(spec.model_copy(update={"base": base, "baselines": baselines}), places)
    return placed


def _check_metric(metric: str | MetricChoice, place: str, file: str) -> None:
    options = metric.options if isinstance(metric, MetricChoice) else {}
    try:
        checked_metric(stored_name(metric), options, place)
    except SpecError as error:
        raise SpecError(f"{file}: {error}") from error
    except ModuleNotFoundError:
        return  # said by the run, which needs the metric itself


def _found(model: str, places: Iterable[Path]) -> str:
    """A model's folder in the first of some places that has it, `~` being the user's home; else the name as it is."""
    model = os.path.expanduser(model)  # noqa: PTH111  # of a name on the hub pathlib would change more
    folder = next((place / model for place in places if (place / model).is_dir()), None)
    return str(folder.resolve()) if folder else model


def _with_files_found(part: Any, places: Iterable[Path]) -> Any:
    """A part of a spec in which every corpus, and all files of systems, know where their relative paths begin."""
    if isinstance(part, CorpusChoice | MetricChoice | QuotedScores | Translations):
        return part.found_in(places)
    if isinstance(part, tuple):
        each = [_with_files_found(item, places) for item in part]
        return part if all(map(operator.is_, each, part)) else tuple(each)
    if not isinstance(part, BaseModel):
        return part
    found = {name: _with_files_found(value, places) for name, value in part}
    changed = {name: value for name, value in found.items() if value is not getattr(part, name)}
    return part.model_copy(update=changed) if changed else part


def _corpora(spec: GridSpec) -> Iterator[tuple[str, CorpusChoice]]:
    """Every corpus that a spec names, with where it stands."""
    prompts = [("prompt", spec.prompt), ("evaluation.prompt", spec.evaluation.prompt)]
    prompts += [(f"evaluation.prompts.{place}", prompt) for place, prompt in enumerate(spec.evaluation.prompts)]
    named = [("corpus", spec.corpus), ("evaluation.corpus", spec.evaluation.corpus)]
    named += [
        (f"evaluation.test_sets.{place}.corpus", each.corpus) for place, each in enumerate(spec.evaluation.test_sets)
    ]
    prompts += [(f"baselines.{place}.prompt", each.prompt) for place, each in enumerate(spec.baselines)]
    for place, model in enumerate(spec.models):
        named.append((f"models.{place}.corpus", model.corpus))
        prompts.append((f"models.{place}.prompt", model.prompt))
    named += [(f"{place}.demonstrations.corpus", prompt.demonstrations.corpus) for place, prompt in prompts if prompt]
    return ((place, corpus) for place, corpus in named if corpus)


def sentence(error: ValidationError, content: Any) -> str:
    """The first mistake of a failed validation as one sentence: the key's path, its value, and the remedy."""
    first = error.errors()[0]
    # a union's branch ("full") and pydantic's function names are places in the schema, not in the file
    path = _path_in(content, first["loc"])
    place = ".".join(str(step) for step in path) or "the spec"
    message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    more = f" ({error.error_count() - 1} more after this.)" if error.error_count() > 1 else ""
    match first["type"]:
        case "missing":
            missing = first["loc"][-1]
            return f"{place} lacks the key '{missing}': add it.{more}"
        case "value_error":
            value = first["input"]
            named = isinstance(value, dict) or repr(value) in message
            shown = "" if named or not path else f" ({_short(value)})"
            if repr(value) in message:
                place += ":"
            return f"{place}{shown} {message}{'' if message.endswith('?') else '.'}{more}"
        case "union_tag_invalid" | "literal_error" | "enum":
            expected = first.get("ctx", {}).get("expected") or first.get("ctx", {}).get("expected_tags") or message
            value = first["input"]
            if isinstance(value, dict):
                place, value = f"{place}.kind", value.get("kind")
            return f"{place} is {_short(value)}: use one of {expected}.{more}"
        case "union_tag_not_found":
            return f"{place} lacks the key 'kind': add it.{more}"
    message = message.replace("valid tuple", "list")  # a spec's author writes YAML, not Python
    return f"{place} is {_short(first['input'])}: {message[:1].lower()}{message[1:]}.{_hint(first, place)}{more}"


def _hint(error: Mapping[str, Any], place: str) -> str:
    """What the author of a value of the wrong kind may have meant."""
    if isinstance(error["input"], int | float) and error["type"] == "string_type":
        return " YAML reads it as a number: put the word in quotes."
    if isinstance(error["input"], list) and error["type"] in ("int_type", "float_type", "string_type", "bool_type"):
        return f" To try each of them, write `sweep: {{{place}: {_short(error['input'])}}}`."
    return ""


def _path_in(content: Any, location: tuple[int | str, ...]) -> list[int | str]:
    path: list[int | str] = []
    for step in location:
        if not isinstance(content, dict | list):
            break
        place: Any = content
        try:
            content = place[step]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(step)
    return path


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
