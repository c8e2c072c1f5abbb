"""Plans of grids on files in the layouts of the data sets: what is missing, what is drawn, what is contaminated."""

import gzip
import random
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from dragoman.contamination import SEARCH
from dragoman.errors import CorpusError, SpecError
from dragoman.pair import Pair
from dragoman.planning.manifest import manifest_path, prepare
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.planning.training_data import (
    ContaminationError,
    check_contamination,
    contamination_records,
    draw_examples,
)
from dragoman.spec.grid import GridSpec

Planned = Callable[..., Plan]

PAPER = ["en", "de", "fr", "ca", "fi", "ru", "bg", "zh", "ko", "ar", "sw", "hi", "ta"]
CODES = ["eng", "deu", "fra", "cat", "fin", "rus", "bul", "zho_simpl", "kor", "ara", "swh", "hin", "tam"]
"""The same languages as FLORES-101 calls them."""
ROLES = {"both": ["en", "ko", "sw"], "source": ["zh", "fi"], "target": ["de", "hi"]}
# From the paper's own code (NJUNLP/MFTI at a25f1ab): how its role design parts the 156 directions.
GOLDEN = {
    "seen": 22, "reversed": 16, "one_sided": 4, "unseen_source": 42, "unseen_target": 42, "unseen_both": 30,
}  # fmt: skip
NOT_THERE = {"ko-sw", "sw-ko", "hi-sw", "sw-hi", "sw-ta", "ta-sw"}
METHOD = {"kind": "full", "learning_rate": 0.1, "steps": 10, "batch_tokens": 100}
WORDS = {
    tag: [f"{tag}{''.join(random.Random(f'{tag}{n}').choices('aeioubdklmnrst', k=7))}" for n in range(400)]
    for tag in PAPER
}


def sentence(tag: str, seed: object) -> str:
    """A sentence of twelve made-up words of a language."""
    return " ".join(random.Random(f"{tag} {seed}").choices(WORDS[tag], k=12)).capitalize() + "."


def wikimatrix(folder: Path, one: str, other: str, lines: list[tuple[str, str]]) -> None:
    """A file as WikiMatrix has it: the codes in order, best margin first."""
    folder.mkdir(exist_ok=True)
    one, other, turned = (one, other, False) if one < other else (other, one, True)
    rows = [f"1.2\t{b if turned else a}\t{a if turned else b}\n" for a, b in lines]
    (folder / f"WikiMatrix.{one}-{other}.tsv.gz").write_bytes(gzip.compress("".join(rows).encode()))


def bitext(one: str, other: str, count: int) -> list[tuple[str, str]]:
    return [(sentence(one, f"{one}-{other} {n}"), sentence(other, f"{one}-{other} {n}")) for n in range(count)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model's folder, FLORES-101 of 20 lines, and WikiMatrix of 30 lines a pair, without the three it lacks."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "base").mkdir()
    (folder / "base" / "model.safetensors").write_bytes(b"weights")
    for split in ("dev", "devtest"):
        (folder / "flores" / split).mkdir(parents=True)
        for tag, code in zip(PAPER, CODES, strict=True):
            lines = [sentence(tag, f"{split} {n}") + "\n" for n in range(20)]
            (folder / "flores" / split / f"{code}.{split}").write_text("".join(lines))
    for one, other in combinations(PAPER, 2):
        if f"{one}-{other}" not in NOT_THERE:
            wikimatrix(folder / "wikimatrix", one, other, bitext(one, other, 30))
    return folder


@pytest.fixture
def planned(data: Path, tmp_path: Path) -> Planned:
    """Plans the paper's grid with changes, reading the training text."""

    def make(read: bool = True, corpus: Any = None, **changes: Any) -> Plan:
        model = {"name": "mfti", "pairs": {"roles": ROLES}, "examples": 20, "method": METHOD}
        content = {
            "name": "paper", "base": str(data / "base"), "languages": PAPER,
            "corpus": corpus or {"kind": "wikimatrix", "path": str(data / "wikimatrix")},
            "models": [{**model, **changes.pop("model", {})}],
            "evaluation": {"corpus": {"kind": "flores101", "path": str(data / "flores")}},
        }  # fmt: skip
        plan = make_plan(GridSpec.model_validate({**content, **changes}))
        return prepare(plan, tmp_path / "home") if read else plan

    return make


def test_the_papers_grid_has_its_pairs_partitions_and_missing_directions(planned: Planned) -> None:
    plan = planned()
    (training,) = plan.trainings
    assert len(plan.pairs) == 156
    assert {partition.value: count for partition, count in plan.partitions(training, design=True).items()} == GOLDEN
    assert {str(pair) for pair in training.absent} == NOT_THERE
    assert {str(pair) for pair in training.missing} == {"ko-sw", "sw-ko", "sw-hi"}
    assert "no WikiMatrix file of hi and sw" in training.missing[Pair("sw", "hi")]
    # a pair without text is not seen: three fewer, and sw-ko is not even reversed
    counts = {partition.value: count for partition, count in plan.partitions(training).items()}
    assert counts == {**GOLDEN, "seen": 19, "reversed": 15, "recombined": 3, "one_sided": 5}
    assert len(training.graph.pairs) == 19
    assert plan.missing == {}


def test_missing_pairs_stop_the_plan_where_the_spec_says_so(planned: Planned) -> None:
    with pytest.raises(SpecError, match=r"models.mfti: 3 of 22 pairs have no text \(ko-sw: .*Add the text, leave"):
        planned(missing="stop")
    with pytest.raises(SpecError, match=r"models.mfti: 3 of 22 pairs"):
        planned(model={"missing": "stop"})
    plan = planned(read=False, missing="stop", model={"missing": "drop"})
    assert len(plan.trainings[0].pairs) == 19


def test_missing_test_text_stops_the_plan_where_the_spec_says_so(planned: Planned, data: Path) -> None:
    evaluation = {"corpus": {"kind": "flores101", "path": str(data / "flores")}, "pairs": ["de-en", "de-pl"]}
    changes = {"languages": [*PAPER, "pl"], "evaluation": evaluation}
    assert set(planned(read=False, **changes).missing) == {Pair("de", "pl")}
    changes["evaluation"] = {**evaluation, "missing": "stop"}
    with pytest.raises(SpecError, match=r"evaluation: 1 of 2 pairs have no text \(de-pl: .* no devtest file for pl"):
        planned(**changes)


def test_a_missing_pair_is_made_through_a_pivot(planned: Planned, tmp_path: Path) -> None:
    joint = [sentence("en", n) for n in range(8)]
    folder = tmp_path / "wikimatrix"
    ko = [(text, sentence("ko", n)) for n, text in enumerate(joint)]
    sw = [(text, sentence("sw", n)) for n, text in enumerate(joint[3:], start=3)]
    # a heading that stands twice joins one segment only, and what is not the same to the letter none
    wikimatrix(
        folder, "en", "ko", [*ko, (joint[3], sentence("ko", "again")), ("Not the same.", "ko"), *bitext("en", "ko", 50)]
    )
    wikimatrix(
        folder, "en", "sw", [*sw, (joint[4], sentence("sw", "again")), ("not the same.", "sw"), *bitext("en", "sw", 50)]
    )
    corpus = {"kind": "wikimatrix", "path": str(folder)}
    model = {"pairs": ["ko-sw", "sw-ko", "en-ko", "ko-hi"], "examples": 100}
    plan = planned(corpus=corpus, missing={"pivot": "en"}, model=model)
    (training,) = plan.trainings
    assert set(training.missing) == {Pair("ko", "hi")}
    assert "nor text of it and en on both sides" in training.missing[Pair("ko", "hi")]
    assert training.text is not None
    made = training.text.pairs[Pair("ko", "sw")]
    assert (made.pivot, made.read, made.examples) == ("en", 5, 5)
    assert training.text.pairs[Pair("en", "ko")].pivot is None
    samples = draw_examples(training)
    there = {(segment.source, segment.target) for segment in samples[Pair("ko", "sw")].segments}
    back = {(segment.target, segment.source) for segment in samples[Pair("sw", "ko")].segments}
    assert there == back
    assert {(sentence("ko", n), sentence("sw", n)) for n in (5, 6, 7)} <= there
    assert training.identity.id != planned(read=False, corpus=corpus, model=model).trainings[0].identity.id


def test_examples_are_shared_by_temperature(planned: Planned, tmp_path: Path) -> None:
    folder = tmp_path / "wikimatrix"
    for tag, count in (("de", 800), ("fr", 100), ("fi", 10)):
        wikimatrix(folder, "en", tag, bitext("en", tag, count))
    corpus = {"kind": "wikimatrix", "path": str(folder)}

    def counts(**examples: Any) -> dict[str, int]:
        model = {"pairs": ["en-de", "en-fr", "en-fi"], "examples": examples}
        plan = planned(corpus=corpus, model=model)
        (training,) = plan.trainings
        drawn = {str(pair): len(sample.segments) for pair, sample in draw_examples(training).items()}
        assert training.text is not None
        assert {str(pair): count for pair, count in training.text.counts.items()} == drawn
        return drawn

    assert counts(total=91) == {"en-de": 80, "en-fi": 1, "en-fr": 10}
    assert counts(total=30, temperature=1000) == {"en-de": 10, "en-fi": 10, "en-fr": 10}
    warm = counts(total=91, temperature=2)
    assert sum(warm.values()) == 91
    assert 1 < warm["en-fi"] < warm["en-fr"] < warm["en-de"] < 80
    assert counts(total=5000) == {"en-de": 800, "en-fi": 10, "en-fr": 100}


def test_filters_count_what_they_left_out(planned: Planned, tmp_path: Path) -> None:
    folder = tmp_path / "wikimatrix"
    good = bitext("de", "en", 40)
    wikimatrix(folder, "de", "en", [*good, *good[:7], ("Kurz.", "Short."), (good[0][0] * 9, good[0][1])])
    corpus = {"kind": "wikimatrix", "path": str(folder)}
    model = {"pairs": ["de-en", "en-de"], "examples": 100}
    plan = planned(corpus=corpus, model=model, filters={"min_length": 10, "max_length_ratio": 3})
    (training,) = plan.trainings
    assert training.text is not None
    for pair in (Pair("de", "en"), Pair("en", "de")):
        text = training.text.pairs[pair]
        assert (text.read, text.examples) == (49, 40)
        assert text.removed == {"duplicate": 7, "length": 1, "length_ratio": 1}
    plain = planned(read=False, corpus=corpus, model=model).trainings[0]
    assert training.identity.id != plain.identity.id
    own = planned(read=False, corpus=corpus, model={**model, "filters": {"max_length": 50}}, filters={"min_length": 10})
    assert own.trainings[0].filters.max_length == 50
    assert own.trainings[0].filters.min_length == 1


def changed_word(text: str) -> str:
    words = text.split()
    return " ".join([*words[:5], "elsewhere", *words[6:]])


PLANTED: dict[str, Callable[[str], str]] = {
    "exact": str,
    "case": str.upper,
    "punctuation": lambda text: f"»{text.replace(' ', ', ', 2)[:-1]}«!",
    "one word": changed_word,
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_planted_contamination_is_found_on_its_pair_and_side(
    planned: Planned, data: Path, tmp_path: Path, plant: Callable[[str], str]
) -> None:
    folder = tmp_path / "wikimatrix"
    planted = [(plant(sentence("de", f"devtest {n}")), sentence("en", f"x {n}")) for n in range(4)]
    wikimatrix(folder, "de", "en", [*bitext("de", "en", 30), *planted])
    wikimatrix(folder, "de", "fr", bitext("de", "fr", 30))
    corpus = {"kind": "wikimatrix", "path": str(folder)}
    model = {"pairs": ["de-en", "en-de", "de-fr"], "examples": 100}
    plan = planned(corpus=corpus, model=model, contamination={"at_most": 0.1})
    (training,) = plan.trainings
    assert training.text is not None
    found = {(str(each.pair), each.side): each.exact + each.near for each in training.text.found}
    assert found == {
        ("de-en", "source"): 4, ("de-en", "target"): 0, ("en-de", "source"): 0, ("en-de", "target"): 4,
        ("de-fr", "source"): 0, ("de-fr", "target"): 0,
    }  # fmt: skip
    exact = sum(each.exact for each in training.text.found)
    assert exact == (0 if plant is changed_word else 8)
    assert {each.rate for each in training.text.found} == {0.0, 0.2}
    records = contamination_records(training, plan.first)
    assert [(record.pair, record.side, record.rate) for record in records] == [
        (each.pair, each.side, each.rate) for each in training.text.found
    ]
    with pytest.raises(
        ContaminationError,
        match=r"models.mfti: 20.0% of the 20 de test sentences are in the source side of the training text of de-en "
        r".*2 sides in all are above contamination.at_most, 10.0%\. Leave them out",
    ):
        check_contamination(plan)
    # the same text with the test sentences left out
    clean = planned(
        corpus=corpus, model=model, contamination={"at_most": 0.1}, filters={"test_overlap": True}
    ).trainings[0]
    assert clean.text is not None
    assert clean.text.pairs[Pair("de", "en")].examples == 30
    assert clean.text.pairs[Pair("de", "en")].removed == {"test_overlap": 4}
    assert not any(each.rate for each in clean.text.found)
    assert clean.identity.id != training.identity.id
    # a model of an earlier search, which left out less, is another one
    assert clean.identity.recipe["held_out"]["search"] == SEARCH == clean.text.search
    assert clean.identity.former is None


def test_clean_text_is_reported_clean(planned: Planned) -> None:
    plan = planned(contamination={"at_most": 0})
    text = plan.trainings[0].text
    assert text is not None
    assert len(text.found) == 2 * 19
    assert not any(each.exact or each.near for each in text.found)
    assert {each.sentences for each in text.found} == {20}
    check_contamination(plan)


def test_the_manifest_is_what_is_run_and_is_read_again_where_nothing_changed(
    planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned()
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert manifest_path(tmp_path / "home", "paper").is_file()
    told: list[str] = []
    again = prepare(planned(read=False), tmp_path / "home", lambda training: told.append(training.identity.name))
    assert again == plan
    assert told == []
    prepare(planned(read=False, seed=2), tmp_path / "home", lambda training: told.append(training.identity.name))
    prepare(
        planned(read=False, seed=2, contamination={"similarity": 0.9}), tmp_path / "home",
        lambda training: told.append(training.identity.name),
    )  # fmt: skip
    assert told == ["mfti", "mfti"]
    manifest_path(tmp_path / "home", "paper").write_text("{}")
    assert prepare(planned(read=False), tmp_path / "home") == plan


def test_a_job_that_would_read_other_text_than_was_planned_stops(planned: Planned, tmp_path: Path) -> None:
    folder = tmp_path / "wikimatrix"
    lines = bitext("de", "en", 30)
    wikimatrix(folder, "de", "en", lines)
    model = {"pairs": ["de-en"], "examples": 100}
    (training,) = planned(corpus={"kind": "wikimatrix", "path": str(folder)}, model=model).trainings
    assert len(draw_examples(training)[Pair("de", "en")].segments) == 30
    wikimatrix(folder, "de", "en", [*lines[:-1], ("Etwas anderes steht hier.", "Something else is here.")])
    with pytest.raises(CorpusError, match="gives other examples of de-en than when the plan was made"):
        draw_examples(training)
