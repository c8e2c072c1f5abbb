"""Specs, settings and filled stores that every test of the platform can start from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from dragoman.cell import Cell, CellState, Unscorable
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.settings import settings
from dragoman.store import records
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, random_score

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo() -> dict[str, Any]:
    """The demo spec as plain data, to be changed and written."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "examples" / "demo.yaml").read_text())
    content["base"] = str(ROOT / "examples" / "tiny-xglm")
    return content


@pytest.fixture
def spec_file(tmp_path: Path) -> Any:
    """Writes a spec and returns its path."""

    def write(content: Any) -> Path:
        path = tmp_path / "spec.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True))
        return path

    return write


class Campaign:
    """Fills grids of a store with made-up but possible statistics, the same for the same arguments."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def fill(
        self,
        models: Mapping[str, TrainingGraph],
        pairs: Sequence[Pair],
        grid: str = "g",
        metrics: Sequence[str] = ("bleu",),
        quality: Mapping[str | tuple[str, Pair], float] | None = None,
        without: Mapping[tuple[str, Pair], tuple[CellState, str | None]] | None = None,
        unscorable: Mapping[tuple[str, Pair], tuple[str, str]] | None = None,
        segments: int | Mapping[Pair, int] = 20,
        signature: str = "tok:13a|version:1",
        statistics: bool = True,
        prompt: str = "{source}",
        seeds: Mapping[str, int] | None = None,
    ) -> Store:
        """A grid whose first model is the base.

        `quality` is the chance that a word is right, by model or by model and pair; `without` has the cells that
        are not done, with their state and reason; `unscorable` those that a metric can't score.
        """
        quality, seeds = quality or {}, seeds or {}
        base, *rest = models
        ids = {name: f"model-{name}" for name in models}
        made = [records.ModelRecord(id=ids[base], name=base, graph=models[base])]
        for name in rest:
            kind = name.split("@")[0].removesuffix(f"-seed{seeds.get(name)}")
            recipe = {"kind": kind, "seed": seeds.get(name)}
            made.append(
                records.ModelRecord(
                    id=ids[name], name=name, parent=ids[base], base=ids[base], recipe=recipe, seed=seeds.get(name),
                    graph=models[name],
                )
            )  # fmt: skip
        names = {model_id: name for name, model_id in ids.items()}
        builder = GridBuilder(
            self.store, made, pairs, name=grid, metrics=metrics, names=names,
            test_set=records.TestSetRecord(id="test-made", corpus="made", revision="r1", split="test"),
            prompt=records.PromptRecord(id=f"prompt-{prompt}", template=prompt),
            decoding=records.DecodingRecord(id="decoding-greedy", settings={"beam": 1}),
        ).add()  # fmt: skip
        for record in builder.cells:
            cell = record.cell
            name, pair = names[cell.model], cell.pair
            if state := (without or {}).get((name, pair)):
                self.leave(builder, cell, *state)
                continue
            count = segments if isinstance(segments, int) else segments[pair]
            chance = quality.get((name, pair), quality.get(name, 0.5))
            reason = (unscorable or {}).get((name, pair))
            scores = [
                random_score(
                    metric, name, pair, segments=count, quality=chance, signature=signature, statistics=statistics
                )
                for metric in metrics
                if reason is None or metric != reason[0]
            ]
            unscored = [Unscorable(*reason)] if reason else []
            builder.translate(cell, scores, segments=count, unscorable=unscored, engine="made", seconds=0)
        return self.store

    @staticmethod
    def leave(builder: GridBuilder, cell: Cell, state: CellState, reason: str | None) -> None:
        if state is CellState.FAILED:
            builder.fail(cell, reason or "")
        elif state is CellState.RUNNING:
            builder.start(cell)
        elif state is not CellState.PLANNED:
            raise ValueError(state)


@pytest.fixture(scope="session")
def campaign_in() -> Callable[[Path], AbstractContextManager[Campaign]]:
    """An empty store in a folder that the settings then name, and a way to fill it."""

    @contextmanager
    def made(folder: Path) -> Iterator[Campaign]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DRAGOMAN_HOME", str(folder))
            settings.cache_clear()
            store = Store.open(settings().store_url, settings().blobs_url)
            yield Campaign(store)
            store.close()
        settings.cache_clear()

    return made


@pytest.fixture
def campaign(tmp_path: Path, campaign_in: Callable[[Path], AbstractContextManager[Campaign]]) -> Iterator[Campaign]:
    """An empty store for one test."""
    with campaign_in(tmp_path) as made:
        yield made
