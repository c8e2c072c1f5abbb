"""COMET's models in their environment: the values of `comet-score` there, spans, conversion, wrong checkpoints.

The environment is built from the package index; the models are tiny, random, and of unbabel-comet's own classes. Its
`comet-score` is the reference.
"""

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dragoman.environments import Installation, install
from dragoman.environments.environment import COMET
from dragoman.metrics.base import MetricError, MetricNeedError
from dragoman.metrics.comet import Comet, CometOptions, Wmt22CometDa, Wmt22CometKiwiDa, XCometXl
from dragoman.metrics.model_metric import SegmentScorer, Triple
from dragoman.pair import Pair
from dragoman.settings import settings

TOLERANCE = 1e-5
PAIR = Pair("en", "de")
KINDS = ("regression", "referenceless", "unified", "xcomet")
HERE = Path(__file__).parent


def texts(seed: int, count: int = 40) -> list[str]:
    chosen = random.Random(seed)
    words = ["".join(chosen.choices("abcdefghijklm", k=chosen.randint(1, 9))) for _ in range(200)]
    words += ["翻訳", "機械", "مرحبا", "שלום", "ﬁne", "e\u0301", "𝒳𝒴", "文章"]
    return [" ".join(chosen.choices(words, k=chosen.choice([1, 3, 9, 30]))) for _ in range(count)]


SOURCES, REFERENCES = texts(1), texts(2)
HYPOTHESES = [*texts(3, 38), REFERENCES[0], REFERENCES[1]]
TRIPLES = [Triple(PAIR, *each) for each in zip(SOURCES, HYPOTHESES, REFERENCES, strict=True)]


@pytest.fixture(scope="session")
def comet_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def built(comet_home: Path) -> Installation:
    return install(COMET, home=comet_home)


@pytest.fixture(scope="session")
def checkpoints(built: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint of each kind."""
    folder = tmp_path_factory.mktemp("checkpoints")
    (folder / "texts.txt").write_text("\n".join([*SOURCES, *HYPOTHESES, *REFERENCES]))
    program = [str(built.python), "-W", "ignore", str(HERE / "tiny_comet.py"), str(folder), "64", "2", *KINDS]
    subprocess.run(program, check=True, capture_output=True)
    return folder


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def choose(count: int) -> None:
        monkeypatch.setenv("DRAGOMAN_METRIC_BATCH_TOKENS", str(count))
        settings.cache_clear()

    yield choose
    monkeypatch.undo()
    settings.cache_clear()


def by_comet_score(built: Installation, checkpoint: Path, folder: Path, *, references: bool) -> list[dict[str, Any]]:
    """What `comet-score` writes of each sentence."""
    for name, lines in (("src", SOURCES), ("mt", HYPOTHESES), ("ref", REFERENCES)):
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    command = [
        f"{built.folder}/bin/comet-score", "-s", "src", "-t", "mt", "--model", str(checkpoint), "--gpus", "0",
        "--quiet", "--to_json", "out.json", *(["-r", "ref"] if references else []),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    found: list[dict[str, Any]] = json.loads((folder / "out.json").read_text(encoding="utf-8"))["mt"]
    return found


def loaded(checkpoint: Path | str, home: Path, **options: Any) -> SegmentScorer:
    chosen = CometOptions.model_validate({"checkpoint": str(checkpoint), **options}).model_dump()
    return Comet.scorer(chosen, home=home, device="cpu")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", KINDS)
def test_every_score_and_their_mean_are_those_of_comet_score(
    kind: str, built: Installation, checkpoints: Path, comet_home: Path, tmp_path: Path, tokens: Any
) -> None:
    file = checkpoints / kind / "checkpoints" / "model.ckpt"
    takes_references = kind != "referenceless"
    expected = by_comet_score(built, file, tmp_path, references=takes_references)
    values = [each["COMET"] for each in expected]
    assert max(values) - min(values) > 0.05, "the model must tell sentences apart"
    for count, given in ((50, file), (100_000, file.parents[1])):
        tokens(count)
        scorer = loaded(given, comet_home, references=takes_references)
        # two halves, as two workers or two cells have them, then all at once
        halves = [score for half in (TRIPLES[:20], TRIPLES[20:]) for score in scorer.score(half)]
        found = scorer.score(TRIPLES)
        scorer.close()
        for scores in (halves, found):
            assert [each.value for each in scores] == pytest.approx(values, abs=TOLERANCE)
        assert sum(each.value for each in found) / len(found) == pytest.approx(sum(values) / len(values), abs=TOLERANCE)
        assert "package:unbabel-comet-2.2.4|precision:float32|batching:within-1e-5" in scorer.signature
    if kind == "xcomet":
        require_same_spans(found, expected)


def require_same_spans(found: list[Any], expected: list[dict[str, Any]]) -> None:
    marked = 0
    for hypothesis, score, line in zip(HYPOTHESES, found, expected, strict=True):
        theirs = []
        for error in line.get("errors", []):
            piece = hypothesis[error["start"] : error["end"]]
            if piece.strip():
                start = error["start"] + len(piece) - len(piece.lstrip())
                theirs.append((start, start + len(piece.strip()), error["severity"]))
        assert [span[:3] for span in score.spans] == theirs
        assert all(hypothesis[span.start : span.end].strip() for span in score.spans)
        marked += len(theirs)
    assert marked > 10


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_scores_do_not_depend_on_what_was_asked_before_nor_on_white_space_around(
    checkpoints: Path, comet_home: Path
) -> None:
    one, other = (loaded(checkpoints / "regression", comet_home) for _ in range(2))
    one.score([Triple(PAIR, s, r, h) for s, h, r in zip(SOURCES, HYPOTHESES, REFERENCES, strict=True)])
    first = one.score(TRIPLES)
    assert first == other.score(TRIPLES) == one.score(TRIPLES)
    spaced = [each._replace(hypothesis=f"  {each.hypothesis} ") for each in TRIPLES]
    assert one.score(spaced) == first
    for scorer in (one, other):
        scorer.close()
    xcomet = loaded(checkpoints / "xcomet", comet_home)
    plain, shifted = xcomet.score(TRIPLES), xcomet.score(spaced)
    xcomet.close()
    for a, b in zip(plain, shifted, strict=True):
        assert [(s.start + 2, s.end + 2) for s in a.spans] == [(s.start, s.end) for s in b.spans]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_what_is_no_checkpoint_is_one_sentence(checkpoints: Path, comet_home: Path, tmp_path: Path) -> None:
    with pytest.raises(MetricNeedError, match=r"There is no checkpoint /nowhere/model.ckpt"):
        loaded("/nowhere/model.ckpt", comet_home)
    with pytest.raises(MetricError, match=r"is no checkpoint of COMET: it has no checkpoints/model.ckpt"):
        loaded(checkpoints / "encoder", comet_home)
    text = tmp_path / "text.ckpt"
    text.write_text("no weights")
    with pytest.raises(MetricError, match="can't be read as weights"):
        loaded(text, comet_home)
    evil = checkpoints / "evil.ckpt"
    assert evil.is_file()
    with pytest.raises(MetricError, match=r"a pickle that holds more than tensors, which is never run here"):
        loaded(evil, comet_home)
    assert not (checkpoints / "was-run").exists()
    other = tmp_path / "other"
    shutil.copytree(checkpoints / "regression", other)
    with_class = (other / "hparams.yaml").read_text().replace("regression_metric", "referenceless_regression_metric")
    (other / "hparams.yaml").write_text(with_class)
    (other / "checkpoints" / "model.ckpt").rename(other / "model.ckpt")
    home = tmp_path / "home"
    home.mkdir()
    (home / "environments").symlink_to(comet_home / "environments")
    with pytest.raises(MetricError, match="are not those of a ReferencelessRegression"):
        loaded(other, home)
    with pytest.raises(MetricError, match="needs references: give some"):
        scorer = loaded(checkpoints / "regression", comet_home, references=False)
        scorer.score(TRIPLES)
    scorer.close()


def test_gated_checkpoints_say_their_terms_and_languages_that_are_not_covered_are_named() -> None:
    assert Wmt22CometDa.licence == "Apache-2.0"
    assert not Wmt22CometDa.gated
    assert not Wmt22CometKiwiDa.needs_reference
    assert all((kind.gated, kind.licence) == (True, "CC-BY-NC-SA-4.0") for kind in (Wmt22CometKiwiDa, XCometXl))
    assert XCometXl.Options.model_validate({}).model_dump()["accept_licence"] is False
    reason = Wmt22CometDa.uncovered(Pair("en", "ay"))
    assert reason is not None
    assert "wmt22-comet-da does not cover ay: its encoder, XLM-R, was not trained on it" in reason
    for tag in ("zh-Hant", "nb", "sr-Latn", "fil"):
        assert Wmt22CometDa.uncovered(Pair("en", tag)) is None, tag
    assert Comet.worst() == 0.0 == Wmt22CometDa.worst()
