"""The finisher of a grid: register its models, and promote the best of them that pass the gate."""

from collections.abc import Callable, Mapping

from dragoman.settings import Settings
from dragoman.spec.grid import GridSpec
from dragoman.store.store import Store
from dragoman.tables.render import Form, render
from dragoman_registry.gate.evidence import candidate
from dragoman_registry.packaging.package import register
from dragoman_registry.promotion.remote import promoter
from dragoman_registry.promotion.requests import PromotionRequest
from dragoman_registry.registry_client.client import speaking
from dragoman_registry.tables import gate_table


def register_and_promote(
    settings: Settings, grid_name: str, spec: GridSpec, runs: Mapping[str, str], echo: Callable[[str], None]
) -> None:
    """Register every finetuned model of a complete grid, and promote the best of them if it passes the spec's gate.

    A scope that has a champion of its own gets the best of them there, if it passes too.

    Done again for the same grid it registers nothing twice, and leaves an alias alone that was moved on since.

    Args:
        settings: where the store and MLflow are.
        grid_name: the grid.
        spec: its spec; without `promotion` nothing is done.
        runs: MLflow's run of each model, by the model's name.
        echo: prints a line or some.

    Raises:
        DragomanError: a checkpoint is gone, or someone else moved the alias at the same time.
    """
    policy = spec.promotion
    if policy is None:
        return
    store = Store.open_existing(settings.store_url, settings.blobs_url)
    grid = store.grids.get(grid_name)
    trained = {model.name for model in spec.finetunings}
    names = [name for name in grid.names.values() if name in trained]
    with speaking(settings.mlflow_url):
        versions = {name: register(settings, store, grid, name, policy.model, runs.get(name)) for name in names}
    echo("registered: " + ", ".join(f"{name} as {version}" for name, version in versions.items()))
    promotions = promoter(settings, lambda: store)
    for alias in (policy.alias, *policy.by_scope):
        rules = policy.meant_for(alias)
        best = candidate(store, grid, rules, names)
        echo(f"candidate for {alias}: {best.model}, {best.reason}")
        asked = PromotionRequest(name=policy.model, version=versions[best.model].version, alias=alias, again=False)
        with speaking(settings.mlflow_url):
            decision = promotions.ask(asked)
        echo(render([gate_table([decision.report])], Form.TEXT).rstrip())
        echo(decision.sentence)
