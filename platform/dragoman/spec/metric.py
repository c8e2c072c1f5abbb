"""The metrics of an evaluation: names, or a metric that holds a model with the options of that model."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from dragoman.errors import SpecError, nearest
from dragoman.metrics.names import is_installed, plugin_of
from dragoman.plugins import available
from dragoman.spec.base import Name, SpecModel
from dragoman.spec.corpus import is_relative, is_there


class MetricChoice(SpecModel):
    """A metric that holds a model, and the options of that model, all in one mapping."""

    metric: str
    """Name of a metric plugin."""
    name: Name | None = None
    """What tells it from others of the same plugin: it is called `PLUGIN:NAME` in tables and in the store."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What stood beside these; the plugin's own model checks it."""

    @property
    def stored_name(self) -> str:
        """Its name in tables and in the store."""
        return self.metric if self.name is None else f"{self.metric}:{self.name}"

    def found_in(self, folders: Iterable[Path]) -> Self:
        """The same, with relative paths made absolute where the first of some folders has them."""
        from dragoman.metrics.lookup import installed_metric  # imported here, so that a spec is read fast
        from dragoman.metrics.model_metric import ModelMetric

        kind = installed_metric(self.metric)
        named = kind.path_options if issubclass(kind, ModelMetric) else ()
        found = {
            key: next((str((folder / path).resolve()) for folder in folders if is_there(path, folder)), path)
            for key in named
            if is_relative(path := self.options.get(key))
        }
        return self.model_copy(update={"options": {**self.options, **found}}) if found else self

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "options" in value or "metric" not in value:
            return value
        own = {key: value[key] for key in ("metric", "name") if key in value}
        return {**own, "options": {str(key): item for key, item in value.items() if key not in own}}

    @model_validator(mode="after")
    def _is_installed(self) -> Self:
        _require_installed(self.metric)
        return self


def _require_installed(metric: str) -> None:
    if ":" in metric and not _is_variant(metric):
        raise ValueError(
            f"names '{metric}', which has no options there; write a mapping, as `{{metric: {metric.partition(':')[0]}, "
            f"name: {metric.partition(':')[2]}, ...}}`"
        )
    if not is_installed(metric):
        raise ValueError(f"names '{metric}', which is not an installed metric; {nearest(metric, available('metrics'))}")


def _is_variant(metric: str) -> bool:
    """Whether a name chooses another way of computing a metric that holds no model, as in `off_target:fasttext`."""
    from dragoman.metrics.lookup import metric_class
    from dragoman.metrics.model_metric import ModelMetric

    kind = metric_class(metric)
    return kind is not None and not issubclass(kind, ModelMetric)


def _choice(value: Any) -> Any:
    if isinstance(value, dict):
        if "metric" not in value:
            raise ValueError("has a mapping without the key 'metric'; write `metric: NAME` in it")
        choice = MetricChoice.model_validate(value)
        if choice.name and not choice.options and _is_variant(choice.stored_name):
            return choice.stored_name
        return choice if choice.name or choice.options else choice.metric
    if isinstance(value, str):
        _require_installed(value)
    return value


MetricField = Annotated[str | MetricChoice, BeforeValidator(_choice)]
"""A metric in a spec: its name, or a mapping."""


def stored_name(metric: str | MetricChoice) -> str:
    """The name of a metric in tables and in the store."""
    return metric if isinstance(metric, str) else metric.stored_name


def written_metrics(spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The metrics that a spec in the store names, by stored name, with their options: of any version of a spec."""
    found: dict[str, dict[str, Any]] = {}
    for each in (spec.get("evaluation") or {}).get("metrics") or ():
        if isinstance(each, str):
            found[each] = {}
        elif isinstance(each, Mapping) and isinstance(each.get("metric"), str):
            name = f"{each['metric']}:{each['name']}" if each.get("name") else each["metric"]
            found[name] = dict(each.get("options") or {})
    return found


def checked_options(metric: str, options: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The options of a metric, with their defaults; no model is loaded.

    Args:
        metric: its stored name.
        options: what a spec or a command says.
        place: where that stands, for errors.

    Raises:
        SpecError: an option is not one of this metric's, or has a wrong value.
        ModuleNotFoundError: the extra that the metric needs is not installed.
    """
    from dragoman.metrics.lookup import installed_metric
    from dragoman.metrics.model_metric import ModelMetric

    kind = installed_metric(plugin_of(metric))
    if not issubclass(kind, ModelMetric):
        if options or (":" in metric and not _is_variant(metric)):
            variant = (
                "" if _is_variant(metric) or ":" not in metric else f", nor a variant '{metric.partition(':')[2]}'"
            )
            raise SpecError(
                f"{place}: the metric {kind.name} holds no model and has no options{variant}: give its name alone."
            )
        return {}
    fields = kind.Options.model_fields
    for key in options:
        if key not in fields:
            known = nearest(str(key), fields) if fields else "it takes none."
            raise SpecError(f"{place}: the metric {kind.name} has no option '{key}'; {known}")
    try:
        return kind.Options.model_validate(dict(options)).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        steps = ".".join([place, *(str(step) for step in first["loc"])])
        if first["type"] == "missing":
            raise SpecError(f"{steps} is missing: the metric {kind.name} needs it.") from error
        message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
        raise SpecError(f"{steps} is {first['input']!r}: {message[:1].lower()}{message[1:]}.") from error
