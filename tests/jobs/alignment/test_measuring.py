"""Alignment of a grid on a cluster that is this process: each model reads each language once, and nothing is lost."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dragoman.alignment.measures import Space, measured
from dragoman.alignment.parallel_lines import ParallelLines, parallel_lines
from dragoman.errors import ModelError, StoreError
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.spec.decoding import Decoding
from dragoman.store.alignment_records import Pooling
from dragoman.store.store import Store
from dragoman_jobs.alignment import measuring
from dragoman_jobs.alignment.measuring import AlignmentRun, Work, layers_of
from dragoman_jobs.alignment.subjects import Subject, subjects
from dragoman_jobs.cluster.base import Cluster, WorkerDiedError
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.testing import LocalCluster

Align = Callable[..., Work]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often sentences of each language were read by a model."""
    counted: Counter[str] = Counter()
    real = TransformersEngine.sentence_states

    def counting(self: TransformersEngine, language: str, texts: Any, pooling: Pooling) -> Iterator[Any]:
        counted[language] += 1
        return real(self, language, texts, pooling)

    monkeypatch.setattr(TransformersEngine, "sentence_states", counting)
    return counted


@contextmanager
def here(cluster: Cluster | None = None) -> Iterator[Cluster]:
    yield cluster or LocalCluster()


@contextmanager
def nowhere() -> Iterator[Cluster]:
    raise AssertionError("no cluster is needed")
    yield LocalCluster()


@pytest.fixture
def align(open_store: Callable[[], Store], quiet: ProgressDisplay) -> Align:
    """Measures a grid's models, and returns what was done."""

    def run(
        plan: Plan,
        *,
        layers: set[int] | None = None,
        models: tuple[str, ...] = (),
        languages: tuple[str, ...] = (),
        pooling: Pooling = Pooling.MEAN,
        connect: Callable[[], AbstractContextManager[Cluster]] = here,
    ) -> Work:
        store, chosen = open_store(), Settings()
        found = subjects(plan, store, chosen, models)
        lines = parallel_lines(store, plan.spec.name, languages=languages)
        run = AlignmentRun(store, chosen, lines, pooling=pooling, progress=quiet)
        return run.run({subject: layers_of(subject, layers) for subject in found.chosen}, connect)

    return run


def rows(store: Store, plan: Plan, pooling: Pooling = Pooling.MEAN) -> dict[str, str]:
    """All alignments of a grid, as JSON by identity."""
    lines = parallel_lines(store, plan.spec.name)
    wanted = [
        each
        for subject in subjects(plan, store, Settings()).chosen
        for each in lines.aligned(subject.checkpoint.id, layers_of(subject, None), pooling)
    ]
    return {each.of.id: json.dumps(each.model_dump(mode="json")) for each in store.alignment.read(wanted)}


def test_each_model_reads_each_language_once(
    make_grid: Callable[..., Plan], align: Align, open_store: Callable[[], Store], passes: Counter[str]
) -> None:
    plan = make_grid()
    work = align(plan)
    assert passes == {"en": 2, "de": 2, "fr": 2, "fi": 2}, "the base and the finetuned model"
    assert (work.passes, work.measured, work.known, work.failures) == (8, 2 * 3 * 12, 0, [])
    again = align(plan, connect=nowhere)
    assert (again.passes, again.measured, again.known) == (0, 0, 72)
    assert len(rows(open_store(), plan)) == 72


def test_measures_are_those_of_a_plain_script(
    make_grid: Callable[..., Plan], align: Align, open_store: Callable[[], Store], tmp_path: Path
) -> None:
    plan = make_grid()
    align(plan, models=("base",), layers={1})
    store, states = open_store(), {}
    lines = parallel_lines(store, "grid")
    checkpoint = Checkpoint(id="model1-it", model=plan.spec.base.model)
    engine = TransformersEngine(TransformersEngine.prepare(checkpoint, Decoding(), tmp_path), Decoding())
    for tag, texts in lines.texts.items():
        found = {each.place: each.layers[1] for each in engine.sentence_states(tag, texts, Pooling.MEAN)}
        states[tag] = Space.of(np.stack([found[place] for place in range(len(texts))]), texts)
    (base,) = subjects(plan, store, Settings(), ("base",)).chosen
    stored = {each.of.pair: each for each in store.alignment.read(lines.aligned(base.checkpoint.id, [1], Pooling.MEAN))}
    there, back = measured(states["de"], states["en"])
    for pair, expected in ((Pair("de", "en"), there), (Pair("en", "de"), back)):
        for name, value in expected._asdict().items():
            assert getattr(stored[pair], name) == pytest.approx(value, abs=1e-6), name


class Interrupted(LocalCluster):
    """Breaks off after some calls."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls

    def result(self, ref: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().result(ref)


def test_what_was_interrupted_ends_with_the_same_bytes(
    make_grid: Callable[..., Plan], align: Align, open_store: Callable[[], Store], passes: Counter[str], home: Path
) -> None:
    plan = make_grid()
    align(plan)
    store = open_store()
    whole = rows(store, plan)
    with store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM alignment")
    for path in sorted((home / "cache" / "representations").rglob("*.npy")):
        path.unlink()
    passes.clear()
    counts = []
    for calls in (4, 7, 12):
        with pytest.raises(KeyboardInterrupt):
            align(plan, connect=lambda calls=calls: here(Interrupted(calls)))
        counts.append(len(rows(store, plan)))
    work = align(plan)
    assert rows(store, plan) == whole
    assert sum(passes.values()) == 8, "no language was read twice by a model"
    assert counts == sorted(counts) and work.known == counts[-1] > 0


def test_a_grid_of_the_same_model_and_lines_has_nothing_to_do(make_grid: Callable[..., Plan], align: Align) -> None:
    align(make_grid())
    other = make_grid("other", models=[], languages=["fr", "de", "en", "fi"])
    assert align(other, connect=nowhere).known == 36


def test_other_layers_and_languages_use_what_is_there(
    make_grid: Callable[..., Plan], align: Align, passes: Counter[str], home: Path
) -> None:
    plan = make_grid(models=[])
    assert align(plan, layers={1}, languages=("en", "de")).measured == 2
    work = align(plan, layers={1}, languages=("en", "de", "fr"))
    assert (work.passes, work.from_cache, work.measured, work.known) == (1, 2, 4, 2)
    assert align(plan, layers={0, 2}, languages=("en", "de")).passes == 2, "those layers were not kept"
    assert align(plan, layers={1}, languages=("en", "de"), pooling=Pooling.POSITION_WEIGHTED).passes == 2
    assert passes == {"en": 3, "de": 3, "fr": 1}


class Dying(LocalCluster):
    """Its workers die with their first calls."""

    def __init__(self, deaths: int) -> None:
        super().__init__()
        self.deaths = deaths
        self.started = 0

    def worker(self, *arguments: Any, **options: Any) -> Any:
        self.started += 1
        return super().worker(*arguments, **options)

    def result(self, ref: Any) -> Any:
        value = super().result(ref)
        if isinstance(value, list) and self.deaths:
            self.deaths -= 1
            raise WorkerDiedError("killed")
        return value


def test_what_a_dead_worker_had_is_done_by_another(make_grid: Callable[..., Plan], align: Align) -> None:
    plan = make_grid(models=[])
    cluster = Dying(2)
    work = align(plan, connect=lambda: here(cluster))
    assert (work.measured, work.failures) == (36, []) and cluster.started >= 3


def test_what_kills_every_worker_is_told_and_the_rest_done(make_grid: Callable[..., Plan], align: Align) -> None:
    plan = make_grid(models=[])
    work = align(plan, connect=lambda: here(Dying(5)))  # two workers take turns: one task dies thrice
    assert work.measured == 24 and work.failures == ["base, layer 0: its worker died 3 times (killed)"]
    assert align(plan).failures == []


def test_a_model_that_does_not_load_is_told_and_the_others_are_measured(
    make_grid: Callable[..., Plan], align: Align, home: Path
) -> None:
    plan = make_grid()
    adapter = home / "models" / plan.trainings[0].identity.id / "adapter_model.safetensors"
    adapter.write_bytes(b"damaged")
    work = align(plan)
    assert work.measured == 36
    assert len(work.failures) == 1 and work.failures[0].startswith("tuned: The adapter")


def test_many_languages_are_measured_in_blocks(
    make_grid: Callable[..., Plan], align: Align, open_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_grid(models=[])
    align(plan)
    store = open_store()
    whole = rows(store, plan)
    with store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM alignment")
    monkeypatch.setattr(measuring, "SPACES_BYTES", 1)
    assert align(plan).passes == 0
    assert rows(store, plan) == whole


def test_wrong_input_is_a_sentence_with_the_remedy(
    make_grid: Callable[..., Plan], align: Align, open_store: Callable[[], Store]
) -> None:
    plan = make_grid(
        trained=False,
        baselines=[{"name": "served", "model": "some/model", "engine": "openai", "endpoint": "http://127.0.0.1:1"}],
    )
    with pytest.raises(ModelError, match=r"has the layers 0 .* to 2, and no layer 3: .*`--layers`"):
        align(plan, models=("base",), layers={3})
    with pytest.raises(StoreError, match=r"has no model 'bass': .*base"):
        align(plan, models=("bass",))
    with pytest.raises(ModelError, match=r"tuned is not trained yet: run the grid first \(`dragoman resume grid`\)"):
        align(plan, models=("tuned",))
    with pytest.raises(ModelError, match=r"served is behind an endpoint, which shows no hidden states"):
        align(plan, models=("served",))
    found = subjects(plan, open_store(), Settings())
    assert [subject.name for subject in found.chosen] == ["base"] and len(found.passed_over) == 2
    with pytest.raises(StoreError, match=r"has no language 'sw'; "):
        parallel_lines(open_store(), "grid", languages=["sw"])


def test_lines_are_the_same_in_all_languages(make_grid: Callable[..., Plan], open_store: Callable[[], Store]) -> None:
    make_grid(models=[])
    lines = parallel_lines(open_store(), "grid")
    assert isinstance(lines, ParallelLines) and list(lines.texts) == ["de", "en", "fi", "fr"]
    assert lines.count == 30 and len({lines.content(tag) for tag in lines.texts}) == 4
    assert Subject("a", Checkpoint(id="x", model="y")) != Subject("b", Checkpoint(id="x", model="y"))
