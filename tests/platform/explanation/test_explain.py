"""`dragoman explain`: planted factors recovered from a store, what wrong input is told, figures and choices."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from tests.platform.explanation.planted_grid import LANGUAGES, store_with

from dragoman.explanation.pretraining import xglm
from dragoman.figures import FigureForm, figure_bytes
from dragoman.language import english_name
from dragoman.pair import Pair
from dragoman.reports.analyses import ANALYSES
from dragoman.settings import settings
from dragoman.store.store import Store


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home in use, of a test that fills the store itself."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    store_with(folder).close()
    return folder


@pytest.fixture
def grid(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home in use, with the planted grid."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(filled))
    settings.cache_clear()
    yield filled
    settings.cache_clear()


def rows(dragoman: Callable[..., Any], *arguments: str) -> dict[str, list[dict[str, Any]]]:
    outcome = dragoman("explain", "planted", "--permutations", "1999", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    found: dict[str, list[dict[str, Any]]] = json.loads(outcome.out)
    return found


def of(table: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    (row,) = (row for row in table if all(row[key] == value for key, value in values.items()))
    return row


def test_planted_factors_are_found_and_others_are_not(dragoman: Callable[..., Any], grid: Path) -> None:
    found = rows(dragoman)
    source = of(found["correlations"], model="base", pairs="all", role="source", factor="pretraining")
    assert (source["n"], source["n_of"], source["p_is_floor"]) == (10, "languages", True)
    assert source["estimate"] > 0.95 and source["adjusted"] < 0.01
    assert of(found["correlations"], model="base", pairs="all", role="source", factor="similarity")["p"] > 0.1
    held = of(found["partial"], model="tuned", role="target", factor="similarity")
    assert held["held"] == ["pretraining"] and held["p"] < 0.01 and held["n"] == 9
    named = {(row["model"], row["factor"], row["term"]): row for row in found["effects"]}
    assert named["base", "pretraining", "source"]["p"] < 0.001
    assert named["tuned", "similarity", "target and en"]["p"] < 0.01
    assert named["tuned", "similarity", "source and target"]["p"] > 0.05
    tokens = np.log10([xglm().tokens[tag] for tag in LANGUAGES])
    spread = np.repeat(tokens, 9).std()
    assert named["base", "pretraining", "source"]["points"] == pytest.approx(4 * spread, rel=0.1)
    for (model, factor, term), row in named.items():
        points = [
            each
            for each in found["residuals"]
            if (each["model"], each["factor"], each["term"]) == (model, factor, term)
        ]
        slope = np.polyfit([each["beyond"] for each in points], [each["score_beyond"] for each in points], 1)[0]
        assert (len(points), slope) == (row["pairs"], pytest.approx(row["estimate"], abs=1e-4))
    shares = {(row["model"], row["factor"]): row for row in found["shares"]}
    assert shares["base", "all together"]["estimate"] > 0.9
    assert shares["base", "pretraining"]["held_out"] > 0.5 > abs(shares["base", "similarity"]["held_out"])
    assert shares["tuned", "partition"]["p"] is None and shares["tuned", "partition"]["estimate"] > 0.01
    assert ("base", "partition") not in shares


def test_gains_tell_what_finetuning_has_changed(dragoman: Callable[..., Any], grid: Path) -> None:
    gains = rows(dragoman, "--gain", "--factor", "similarity", "--factor", "pretraining")
    assert {row["model"] for row in gains["effects"]} == {"tuned"}
    assert {row["of"] for row in gains["effects"]} == {"gains"}
    plain = of(gains["correlations"], role="target", factor="similarity")
    assert plain["estimate"] > 0.8 and plain["p"] < 0.01
    assert of(gains["effects"], factor="pretraining", term="source")["p"] > 0.02
    assert of(gains["effects"], factor="similarity", term="target and en")["p"] < 0.01


def test_correlations_are_scipys_of_the_means_that_are_shown(dragoman: Callable[..., Any], grid: Path) -> None:
    found = rows(dragoman, "--model", "tuned")
    for scope in ("all", "unseen", "unseen_target"):
        languages = [row for row in found["qualities"] if row["pairs"] == scope]
        assert [row["language"] for row in languages] == sorted(LANGUAGES)
        for role in ("source", "target"):
            quality = [row[f"{role}_mean"] for row in languages]
            factor = [row[f"{role}_pretraining"] for row in languages]
            both = [each for each in zip(quality, factor, strict=True) if None not in each]
            if len(both) < 5 or len({value for _, value in both}) == 1:
                continue
            row = of(found["partitions"], pairs=scope, role=role, factor="pretraining")
            assert row["estimate"] == pytest.approx(spearmanr(both).statistic, abs=1e-6)
            assert row["n"] == len(both)
    english = of(found["qualities"], pairs="seen", language="en")
    assert (english["source_done"], english["source_planned"], english["target_planned"]) == (2, 2, 2)


def test_a_language_without_scores_or_amounts_is_left_out_and_said(dragoman: Callable[..., Any], home: Path) -> None:
    languages = [tag for tag in LANGUAGES if tag != "fi"] + ["cs"]  # XGLM read no Czech

    def score(model: str, pair: Pair) -> float | None:
        del model
        return (
            None
            if "sw" in pair
            else xglm().tokens.get(pair.source, 1e9) ** 0.1 + LANGUAGES.index("de") * len(english_name(pair.target))
        )

    store_with(home, score, languages=languages).close()
    outcome = dragoman("explain", "planted", "--model", "base")
    assert "base: The model of pairs leaves out cs: pretraining/similarity not known." in outcome.out
    found = rows(dragoman, "--model", "base")
    assert of(found["correlations"], role="source", factor="pretraining")["n"] == 8
    effect = found["effects"][0]
    assert (effect["n"], effect["pairs"]) == (8, 56)
    assert "sw" not in effect["languages"] and "cs" not in effect["languages"]
    assert of(found["languages"], language="sw")["source_mean"] is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model", "tunde"], "has no model 'tunde'; did you mean 'tuned'?"),
        (["--factor", "tokens"], "There is no factor 'tokens'; "),
        (["--partition", "sen"], "'sen' is no partition; did you mean 'seen'?"),
        (["--partition", "reversed"], "languages have bleu scores on reversed pairs that differ"),
        (["--gain", "--model", "base"], "name a model that was trained (--model MODEL)"),
        (["--similarity", "cldrr"], "no measure of similarity 'cldrr'; did you mean 'cldr'?"),
        (["--to", "nowhere"], "'nowhere' is not a language"),
        (["--factor", "parity"], "The factor parity is not to be had. Tokens can't be counted"),
        (["--pretraining", "none.csv"], "can't be read from none.csv"),
        (["--metric", "comet"], "has no scores of 'comet'"),
        (["--drawing", "effects"], "add --figure FILE.svg"),
    ],
)
def test_wrong_input_is_told_in_a_sentence(
    arguments: list[str], sentence: str, dragoman: Callable[..., Any], grid: Path
) -> None:
    outcome = dragoman("explain", "planted", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err and outcome.err.count("\n") == 1


def test_few_languages_and_no_amounts_are_told(dragoman: Callable[..., Any], home: Path) -> None:
    store_with(home, languages=LANGUAGES[:4]).close()
    outcome = dragoman("explain", "planted")
    assert outcome.code == 2 and "has 4 languages" in outcome.err and "fewer than 5" in outcome.err


def test_without_amounts_the_rest_is_explained_and_the_remedy_said(dragoman: Callable[..., Any], home: Path) -> None:
    store_with(home, base={"model": "some/model"}).close()
    outcome = dragoman("explain", "planted")
    assert outcome.code == 0
    assert outcome.out.count("Nobody has told how much text of each language the base was pretrained on") == 1
    outcome = dragoman("explain", "planted", "--factor", "pretraining")
    assert outcome.code == 2 and "--pretraining FILE" in outcome.err
    file = home / "tokens.csv"
    file.write_text("language,tokens\n" + "".join(f"{tag},{xglm().tokens[tag]:g}\n" for tag in LANGUAGES))
    found = rows(dragoman, "--pretraining", str(file), "--factor", "pretraining", "--model", "base")
    assert found["correlations"][0]["estimate"] > 0.95


def test_the_same_is_printed_each_time_and_another_seed_draws_others(dragoman: Callable[..., Any], grid: Path) -> None:
    few = ("explain", "planted", "--json", "--permutations", "199")
    once = dragoman(*few).out
    assert dragoman(*few).out == once
    assert dragoman(*few, "--seed", "7").out != once


def test_figures_are_the_same_bytes_with_the_languages_as_text(dragoman: Callable[..., Any], grid: Path) -> None:
    file = grid / "effects.svg"
    outcome = dragoman("explain", "planted", "--figure", str(file), "--drawing", "effects", "--permutations", "99")
    assert outcome.code == 0 and f"The figure is in {file}." in outcome.out
    assert b"pretraining: source" in file.read_bytes()
    store = Store.open_existing(settings().store_url, settings().blobs_url)
    drawings = {each.name: each for each in ANALYSES["explain"].report(store, {"grid": "planted"}).drawings}
    store.close()
    assert drawings.keys() >= {"quality-pretraining", "quality-similarity", "effects", "residuals"}
    first, second = (figure_bytes(drawings["quality-pretraining"].draw, FigureForm.SVG) for _ in range(2))
    assert first == second
    assert all(f">{tag}<".encode() in first for tag in ("en", "sw"))
    assert b"similarity: target and en" in figure_bytes(drawings["residuals"].draw, FigureForm.SVG)
    assert "ρ = " in drawings["quality-pretraining"].alt and "10 languages" in drawings["quality-pretraining"].alt


def test_the_page_asks_for_what_the_command_does(grid: Path) -> None:
    store = Store.open_existing(settings().store_url, settings().blobs_url)
    report = ANALYSES["explain"].report(
        store, {"grid": "planted", "model": "tuned", "of": "gains", "factor": "pretraining,similarity", "by": "effects"}
    )
    assert {choice.name: choice.value for choice in report.choices} == {
        "metric": "bleu", "of": "gains", "model": "tuned", "partition": "", "by": "effects",
        "factor": "pretraining,similarity", "similarity": "cldr",
    }  # fmt: skip
    assert {row["model"] for table in report.tables for row in table.rows} == {"tuned"}
    assert all(drawing.data in {table.name for table in report.tables} for drawing in report.drawings)
    assert "10 languages" in report.about[0]
    store.close()
