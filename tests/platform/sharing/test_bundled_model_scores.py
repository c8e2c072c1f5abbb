"""Bundles of grids with metrics that hold a model: scores are taken as they stand, what follows from them is not."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fixtures.model_metric import Notes
from tests.platform.sharing.conftest import build, forge

from dragoman.metrics.loaded_metric import ConfiguredMetric
from dragoman.sharing.bundle.segment_scores import SEGMENTS
from dragoman.sharing.bundle.verification import verify
from dragoman.sharing.bundle.writing import write_bundle
from dragoman.store.maintenance.model_rescoring import rescore_with_model
from dragoman.store.store import Store


@pytest.fixture
def bundle(tmp_path: Path, overlap: Notes) -> Path:
    store = Store.open(f"sqlite:///{tmp_path}/store.db", f"file://{tmp_path}/blobs")
    build(store)
    rescore_with_model(store, "small", ConfiguredMetric("overlap", {}), home=tmp_path)
    write_bundle(store, "small", tmp_path / "small.tar")
    overlap.forget()
    return tmp_path / "small.tar"


def test_means_intervals_and_tests_follow_from_the_segments(bundle: Path, overlap: Notes) -> None:
    found = verify(bundle)
    assert found.findings == []
    (unchecked,) = found.unchecked
    assert unchecked.metric == "overlap" and unchecked.numbers == 14
    assert unchecked.reason == "overlap is computed by a model and not recomputed: its scores are taken as they stand"
    assert overlap.loads == []  # no model is needed
    with tarfile.open(bundle) as archive:
        rows = archive.extractfile(SEGMENTS).read().splitlines()  # type: ignore[union-attr]
    assert len(rows) == 14


Members = dict[str, list[str]]


def _changed(name: str, change: Callable[[dict[str, object]], object]) -> Callable[[Members], object]:
    """Changes the first claim of a member about the metric."""

    def changed(members: Members) -> None:
        place = next(number for number, line in enumerate(members[name]) if '"overlap"' in line)
        claim = json.loads(members[name][place])
        change(claim)
        members[name][place] = json.dumps(claim)

    return changed


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        (SEGMENTS, lambda claim: claim["scores"].__setitem__(0, 0.123), "value: overlap of"),
        (SEGMENTS, lambda claim: claim["scores"].pop(), "has other segments than its texts"),
        (SEGMENTS, lambda claim: claim.update(signature="other"), "has no such score"),
        ("scores.jsonl", lambda claim: claim.update(high=1.0), "high: overlap of"),
        ("means.jsonl", lambda claim: claim.update(mean=0.5), "mean: the mean overlap of"),
        ("means.jsonl", lambda claim: claim.update(low=0.01), "low: the mean overlap of"),
        ("differences.jsonl", lambda claim: claim.update(p_value=0.99), "p-value: the difference in overlap"),
    ],
)
def test_a_forged_number_is_named(
    bundle: Path, tmp_path: Path, name: str, change: Callable[[dict[str, object]], object], told: str
) -> None:
    forged = forge(bundle, _changed(name, change), tmp_path / "forged.tar")
    assert any(told in str(each) for each in verify(forged).findings)
