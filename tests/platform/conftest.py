"""Specs, settings and filled stores that every test of the platform can start from."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dragoman import plugins
from dragoman.cell import Cell, CellState
from dragoman.identity import hash_lines
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.settings import settings
from dragoman.store import records
from dragoman.store.store import Store

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
        store, quality, seeds = self.store, quality or {}, seeds or {}
        base, *rest = models
        ids = {name: f"model-{name}" for name in models}
        store.models.add(records.ModelRecord(id=ids[base], name=base))
        for name in rest:
            recipe = {"kind": name.split("@")[0], "seed": seeds.get(name)}
            store.models.add(
                records.ModelRecord(
                    id=ids[name], name=name, parent=ids[base], base=ids[base], recipe=recipe, seed=seeds.get(name)
                )
            )
        test_set = records.TestSetRecord(id="test-made", corpus="made", revision="r1", split="test")
        store.conditions.add_test_set(test_set)
        store.conditions.add_prompt(records.PromptRecord(id=f"prompt-{prompt}", template=prompt))
        store.conditions.add_decoding(records.DecodingRecord(id="decoding-greedy", settings={"beam": 1}))
        cells = [
            Cell(model=ids[name], test_set=test_set.id, content=hash_lines(pair), pair=pair,
                 prompt=f"prompt-{prompt}", decoding="decoding-greedy")
            for name in models for pair in pairs
        ]  # fmt: skip
        names = {model_id: name for name, model_id in ids.items()}
        store.grids.add(
            records.GridRecord(
                name=grid, spec={"name": grid}, spec_hash=grid, models=tuple(ids.values()), base=ids[base],
                metrics=tuple(metrics), languages=tuple(sorted({tag for pair in pairs for tag in pair})), names=names,
            ),
            [records.CellRecord(cell=cell) for cell in cells],
        )  # fmt: skip
        for name, graph in models.items():
            store.models.record_graph(ids[name], graph)
        for cell in cells:
            name, pair = names[cell.model], cell.pair
            if state := (without or {}).get((name, pair)):
                self.leave(cell, *state)
                continue
            count = segments if isinstance(segments, int) else segments[pair]
            chance = quality.get((name, pair), quality.get(name, 0.5))
            reason = (unscorable or {}).get((name, pair))
            scored = [metric for metric in metrics if reason is None or metric != reason[0]]
            scores = [self.score(metric, name, pair, count, chance, signature, statistics) for metric in scored]
            translation = records.Translation(
                cell_id=cell.id, hypotheses="none", segments=count, tokens=count, cut=0, engine="made", seconds=0,
                worker="w",
            )  # fmt: skip
            outcome = records.CellOutcome(translation=translation, scores=scores, unscorable=[reason] if reason else [])
            store.cells.advance(translated=[outcome])
        return store

    def leave(self, cell: Cell, state: CellState, reason: str | None) -> None:
        if state is CellState.FAILED:
            self.store.cells.advance(failed=[records.Untranslated(cell.id, reason or "")])
        elif state is CellState.RUNNING:
            self.store.cells.advance(started=[cell.id], worker="w")
        elif state is not CellState.PLANNED:
            raise ValueError(state)

    @staticmethod
    def score(
        metric: str, name: str, pair: Pair, segments: int, chance: float, signature: str, statistics: bool = True
    ) -> records.StoredScore:
        rng = np.random.default_rng(zlib.crc32(f"{metric} {name} {pair}".encode()))
        if metric == "off_target":
            off = rng.random(segments) > chance
            rows = np.stack([off, ~off & False, rng.random(segments) < 0.05, ~off & False, off | True], axis=1)
        else:
            totals = np.tile([10, 9, 8, 7], (segments, 1))
            matches = np.minimum.accumulate(rng.binomial(totals, chance ** np.arange(1, 5)), axis=1)
            rows = np.concatenate([np.full((segments, 2), 10), matches, totals], axis=1)
        rows = rows.astype(np.float64)
        value = float(plugins.load("metrics", metric)(pair).aggregate(rows.sum(axis=0)))
        return records.StoredScore(
            metric=metric, signature=f"{metric}|{signature}", value=value, low=value - 1, high=value + 1,
            statistics=pack(rows) if statistics else None,
        )  # fmt: skip


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
