"""Monolingual examples of a finetuning: drawn alike everywhere, shown by the plan, searched for test sentences."""

from pathlib import Path
from typing import Any

import pytest

from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError, SpecError
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.planning.manifest import prepare
from dragoman.planning.monolingual_text import middle
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.planning.training_data import draw_examples, draw_monolingual
from dragoman.reports.plan import missing, models, text
from dragoman.segment import Split
from dragoman.spec.grid import GridSpec

METHOD = {"kind": "full", "learning_rate": 0.1, "steps": 2}


def planned(tmp_path: Path, monolingual: dict[str, Any], **changes: Any) -> Plan:
    base = tmp_path / "base"
    base.mkdir(exist_ok=True)
    (base / "model.safetensors").write_bytes(b"weights")
    model = {"name": "m", "pairs": ["en-de"], "examples": 20, "method": METHOD, "monolingual": monolingual}
    content = {
        "name": "g", "base": str(base), "languages": ["en", "de", "fr"], "corpus": "cldr",
        "models": [{**model, **changes.pop("model", {})}], "evaluation": {"sentences": 3},
    }  # fmt: skip
    return make_plan(GridSpec.model_validate({**content, **changes}))


def tsv(tmp_path: Path, **pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """A corpus of a file for each pair, such as `de_en`, whose test split is in files of another folder."""
    folder = tmp_path / "text"
    folder.mkdir(exist_ok=True)
    for name, rows in pairs.items():
        (folder / f"{name.replace('_', '-')}.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in rows))
    return {"kind": "tsv", "options": {"path": str(folder / "{source}-{target}.tsv")}}


def test_the_same_examples_are_drawn_again_and_fewer_are_the_first_of_more(tmp_path: Path) -> None:
    few, again, more = (
        draw_monolingual(planned(tmp_path, {"examples": count}).trainings[0])["de"].instructions
        for count in (10, 10, 30)
    )
    assert few == again == more[:10] and len(more) == len(set(more)) == 30
    corpus = tsv(tmp_path, en_de=[(f"line {number}", f"Zeile {number}") for number in range(50)])
    one, other = (
        draw_monolingual(planned(tmp_path, {"languages": ["de"]}, seed=seed, model={"corpus": corpus}).trainings[0])
        for seed in (1, 2)
    )
    assert one["de"].instructions != other["de"].instructions


def test_they_are_not_the_pairs_own_sentences(tmp_path: Path) -> None:
    training = planned(tmp_path, {"examples": 20, "task": "copy"}).trainings[0]
    assert training.monolingual["de"] == Pair("en", "de")
    own = {segment.target for segment in draw_examples(training)[Pair("en", "de")].segments}
    assert not own & set(draw_monolingual(training)["de"].sentences)


def test_to_continue_splits_at_the_space_nearest_to_the_middle() -> None:
    assert middle("one two three") == 8
    assert middle("a bbbbbbbbb") == 2
    assert middle("多少钱呢") == 2


def test_copies_and_halves_make_the_sentence_again(tmp_path: Path) -> None:
    copied = draw_monolingual(planned(tmp_path, {"task": "copy"}).trainings[0])["fr"]
    assert all(each.text == each.target == sentence for each, sentence in zip(*copied[:2], strict=True))
    halves = draw_monolingual(planned(tmp_path, {"task": "continue"}).trainings[0])["fr"]
    assert all(
        sentence.replace(" ", "") == (each.text + each.target).replace(" ", "")
        for each, sentence in zip(*halves[:2], strict=True)
    )


def test_paraphrases_are_two_translations_of_one_sentence(tmp_path: Path) -> None:
    rows = [("Hello.", "Hallo."), ("Hello.", "Guten Tag."), ("Bye.", "Tschüs."), ("Hello.", "Grüß Gott.")]
    corpus = tsv(tmp_path, en_de=rows)
    plan = planned(
        tmp_path, {"task": "paraphrase", "languages": ["de"]}, languages=["en", "de"],
        model={"corpus": corpus},
    )  # fmt: skip
    drawn = draw_monolingual(plan.trainings[0])["de"]
    assert len(drawn.instructions) == 1 and drawn.read == 4
    assert set(drawn.instructions[0]) < {"Hallo.", "Guten Tag.", "Grüß Gott."}
    once = tsv(tmp_path, en_de=[("Hello.", "Hallo."), ("Bye.", "Tschüs.")])
    plan = planned(tmp_path, {"task": "paraphrase", "languages": ["de"]}, model={"corpus": once})
    with pytest.raises(CorpusError, match=r"no sentence with two translations into de .*task: continue"):
        draw_monolingual(plan.trainings[0])
    with pytest.raises(CorpusError, match=r"can't be searched for in a corpus that comes in random order"):
        draw_monolingual(planned(tmp_path, {"task": "paraphrase"}).trainings[0])


def test_a_model_of_monolingual_examples_alone_has_seen_no_pair(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"task": "copy"}, model={"pairs": "nothing"})
    (training,) = plan.trainings
    assert training.pairs == () and not training.graph.pairs
    assert plan.partitions(training) == {Partition.UNSEEN_BOTH: 6}


def test_the_graph_is_of_the_pairs_whatever_the_languages(tmp_path: Path) -> None:
    plan = prepare(planned(tmp_path, {}), tmp_path / "home")
    assert plan.trainings[0].graph.examples == {Pair("en", "de"): 20}
    without = make_plan(
        plan.spec.model_copy(update={"models": (plan.spec.models[0].model_copy(update={"monolingual": None}),)})
    )
    assert plan.partitions(plan.trainings[0]) == without.partitions(without.trainings[0])


def test_the_plan_shows_them(tmp_path: Path) -> None:
    plan = prepare(planned(tmp_path, {"examples": 7}), tmp_path / "home")
    (row,) = models(plan).content
    assert (row["trained_pairs"], row["examples"], row["monolingual"]) == (1, 20, 21)
    assert [(row["pair"], row["examples"]) for row in text(plan).content] == [
        ("en-de", 20), ("de", 7), ("en", 7), ("fr", 7),
    ]  # fmt: skip
    (plain,) = models(planned(tmp_path, {}).model_copy(update={"trainings": ()})).content or ({},)
    assert "monolingual" not in plain


def test_a_language_without_text_is_dropped_and_said_or_stops_the_plan(tmp_path: Path) -> None:
    corpus = tsv(tmp_path, en_de=[("one two", "eins zwei"), ("three four", "drei vier")])
    plan = planned(tmp_path, {"languages": "all"}, model={"corpus": corpus})
    (training,) = plan.trainings
    assert set(training.monolingual) == {"de", "en"} and set(training.wordless) == {"fr"}
    assert ("fr", "dropped") in {(row["pair"], row["answer"]) for row in missing(plan).content}
    with pytest.raises(SpecError, match=r"models\.m: the tsv corpus has no training text of 1 of the 3 languages"):
        planned(tmp_path, {}, model={"corpus": corpus, "missing": "stop"})


@pytest.mark.parametrize("held_out", [False, True])
def test_test_sentences_in_them_are_found_or_left_out(tmp_path: Path, held_out: bool) -> None:
    tested = [segment.target for segment in open_corpus("cldr", {}).segments(Pair("en", "fr"), Split.TEST)][:3]
    rows = [(f"line {number}", sentence) for number, sentence in enumerate([*tested, "une phrase à part", "une autre"])]
    plan = planned(
        tmp_path, {"task": "copy", "languages": ["fr"]},
        model={"pairs": "nothing", "corpus": tsv(tmp_path, en_fr=rows), "filters": {"test_overlap": held_out}},
    )  # fmt: skip
    (training,) = prepare(plan, tmp_path / "home").trainings
    assert training.text is not None
    (found,) = training.text.found
    assert (found.pair, found.side, found.language) == (Pair("en", "fr"), "target", "fr")
    assert (found.exact, found.segments) == ((0, 2) if held_out else (3, 5))
    assert training.text.monolingual["fr"].removed == ({"test_overlap": 3} if held_out else {})


def test_text_that_has_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    corpus = tsv(tmp_path, en_de=[("one two", "eins zwei"), ("three four", "drei vier")])
    plan = prepare(planned(tmp_path, {"languages": ["de"]}, model={"corpus": corpus}), tmp_path / "home")
    (training,) = plan.trainings
    assert training.text is not None
    again = draw_monolingual(training)["de"].instructions
    assert hash_lines(part for each in again for part in each) == training.text.monolingual["de"].content
    tsv(tmp_path, en_de=[("one two", "eins zwei"), ("three four", "drei fünf")])
    with pytest.raises(CorpusError, match="gives other monolingual examples of de than when the plan was made"):
        draw_monolingual(training)
