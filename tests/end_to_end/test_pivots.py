"""A pivot system and monolingual examples with the real thing: equal to two translations by hand, and killed midway."""

import random
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.conftest import MINI, Home, kill

from dragoman.cell import CellState
from dragoman.corpora.factory import open_corpus
from dragoman.pair import Pair
from dragoman.planning.planner import make_plan
from dragoman.segment import Split
from dragoman.spec.decoding import Decoding
from dragoman.spec.loading import load_spec
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.models.checkpoint import Checkpoint

SPEC: dict[str, Any] = {
    **MINI,
    "models": [{**MINI["models"][0], "monolingual": {"task": "continue", "examples": 10}}],
    "baselines": [
        {"name": "via-english", "pivot": {"model": "to-english", "through": "en"}},
        {"name": "via-best", "pivot": {"model": "base", "through": "best", "sentences": 2}},
    ],
    "evaluation": {"sentences": 4, "decoding": {"max_new_tokens": 16}, "metrics": ["chrf"]},
}


def _texts(home: Home) -> dict[str, Any]:
    return {
        cell.cell.id: (
            cell.state,
            cell.hypotheses,
            cell.tokens,
            [score.value for score in home.store.cells.scores(cell.cell.id)],
        )
        for cell in home.store.cells.of_grid("mini")
    }


def _kill_after(home: Home, cells: int) -> None:
    process = home.start("run", str(home.spec))
    deadline = time.monotonic() + 300
    try:
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
            try:
                done = sum(cell.state is CellState.DONE for cell in home.store.cells.of_grid("mini"))
            except Exception:  # the store is being made at this very moment
                continue
            if done >= cells:
                return
    finally:
        kill(process)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_and_run_again_the_texts_are_those_of_two_translations_by_hand(
    tmp_path: Path, chance: random.Random
) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    whole, killed = Home(tmp_path / "whole", SPEC), Home(tmp_path / "killed", SPEC)
    done = whole.dragoman("run", str(whole.spec))
    assert done.returncode == 0, done.stdout + done.stderr
    for moment in (chance.randrange(1, 24), chance.randrange(24, 36)):
        _kill_after(killed, moment)
    again = killed.dragoman("run", str(killed.spec))
    assert again.returncode == 0, again.stdout + again.stderr
    assert _texts(killed) == _texts(whole)

    plan = make_plan(load_spec(whole.spec))
    store = whole.store
    (training,) = plan.trainings
    record = store.models.training(training.identity.id) or {}
    assert set(record["monolingual"]) <= set(plan.spec.languages) and record["monolingual"]
    system = next(each for each in plan.pivots.values() if each.identity.name == "via-english")
    assert store.models.get(system.identity.id).graph == store.models.get(training.identity.id).graph
    assert store.models.get(training.identity.id).graph.pairs <= {Pair("de", "en"), Pair("fr", "en")}

    checkpoint = Checkpoint(id=training.identity.id, model=record["checkpoint"])
    decoding = Decoding(max_new_tokens=16)
    engine = CTranslate2Engine(CTranslate2Engine.prepare(checkpoint, decoding, tmp_path / "cache"), decoding)
    sources = [each.source for each in islice(open_corpus("cldr", {}).segments(Pair("de", "fr"), Split.TEST), 4)]
    first = engine.translate([f"[German]: {source} [English]:" for source in sources])
    second = engine.translate([f"[English]: {each.text} [French]:" for each in first])
    (cell,) = store.cells.of_grid("mini", pair=Pair("de", "fr"), model=system.identity.id)
    assert [line.text for line in store.blobs.translation(str(cell.hypotheses))] == [each.text for each in second]
    best = next(each for each in plan.pivots.values() if each.identity.name == "via-best")
    assert set((store.models.training(best.identity.id) or {})["through"]) == {str(pair) for pair in plan.pairs}
