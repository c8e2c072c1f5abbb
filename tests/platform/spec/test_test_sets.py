"""Specs with several test sets: what is shared, what is refused, and that a spec without them stays what it was."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from dragoman.errors import SpecError
from dragoman.pair import Pair
from dragoman.planning.plan import spec_meaning
from dragoman.planning.planner import make_plan
from dragoman.spec.grid import GridSpec
from dragoman.spec.loading import load_spec

METHOD = {"kind": "full", "learning_rate": 0.1, "steps": 2}
SETS = [{"name": "news", "sentences": 5}, {"name": "talks", "split": "dev", "pairs": ["de-en"]}]
SPEC: dict[str, Any] = {
    "name": "g", "base": "facebook/xglm-564M", "languages": ["en", "de"], "corpus": "cldr",
    "models": [{"name": "m", "pairs": ["en-de"], "examples": 2, "method": METHOD}],
    "evaluation": {"test_sets": SETS, "sentences": 3, "missing": "drop"},
}  # fmt: skip
PROMOTION = {"model": "r", "rules": [{"at_least": 1}]}


def loaded(tmp_path: Path, **changes: Any) -> GridSpec:
    path = tmp_path / "g.yaml"
    path.write_text(yaml.safe_dump({**SPEC, **changes}))
    return load_spec(path)


def with_sets(*test_sets: dict[str, Any], **shared: Any) -> dict[str, Any]:
    return {"evaluation": {"test_sets": [*test_sets], **shared}}


def test_what_a_test_set_leaves_out_it_has_from_the_evaluation(tmp_path: Path) -> None:
    news, talks = loaded(tmp_path).test_sets
    assert (news.name, news.sentences, news.split, news.pairs, news.missing) == ("news", 5, "test", "all", "drop")
    assert (talks.name, talks.sentences, talks.split, talks.pairs) == ("talks", 3, "dev", (Pair("de", "en"),))
    assert news.corpus == talks.corpus == loaded(tmp_path).corpus


def test_a_list_stands_for_test_sets_and_its_first_entry_may_have_what_they_share(tmp_path: Path) -> None:
    listed = [{**SETS[0], "metrics": ["chrf++"], "decoding": {"beam": 2}}, SETS[1]]
    written = {"test_sets": SETS, "metrics": ["chrf++"], "decoding": {"beam": 2}}
    assert loaded(tmp_path, evaluation=listed) == loaded(tmp_path, evaluation=written)


def test_one_test_set_without_a_name_is_no_other_grid_than_before(tmp_path: Path) -> None:
    plain = loaded(tmp_path, evaluation={"sentences": 3})
    assert plain.test_sets[0].name is None
    assert "test_sets" not in plain.model_dump(mode="json")["evaluation"]
    promoted = loaded(tmp_path, evaluation={"sentences": 3}, promotion={**PROMOTION, "champions": ["unseen"]})
    assert "test_set" not in str(spec_meaning(promoted))
    named = make_plan(loaded(tmp_path, **with_sets({"name": "one"}, sentences=3)))
    assert [cell.id for cell in named.cells()] == [cell.id for cell in make_plan(plain).cells()]
    assert [model.id for model in named.models] == [model.id for model in make_plan(plain).models]


def test_a_model_that_leaves_test_sentences_out_is_another_with_more_of_them(tmp_path: Path) -> None:
    def models(**changes: Any) -> list[str]:
        return [model.id for model in make_plan(loaded(tmp_path, **changes)).models]

    clean = {"models": [{**SPEC["models"][0], "filters": {"test_overlap": True}}]}
    one = with_sets({"name": "one"}, sentences=3)
    assert models(**clean, **one) == models(**clean, evaluation={"sentences": 3})
    both, turned = (with_sets(*sets, sentences=3) for sets in (SETS, SETS[::-1]))
    assert models(**clean, **both) == models(**clean, **turned) != models(**clean, **one)
    assert models(**both) == models(**one)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (with_sets({"name": "a"}, {"name": "a"}), "evaluation has two test sets named 'a'; give each its own name"),
        (with_sets({"sentences": 3}), "evaluation.test_sets.0 lacks the key 'name': add it"),
        (with_sets({"name": "a b"}), "evaluation.test_sets.0.name is 'a b'"),
        (with_sets({"name": "a", "beam": 2}), "evaluation.test_sets.0 has no key 'beam'"),
        (with_sets({"name": "a", "sentenses": 2}), "did you mean 'sentences'?"),
        (with_sets({"name": "a", "corpus": "clrd"}), "evaluation.test_sets.0.corpus ('clrd') is not an installed kind"),
        (with_sets({"name": "a", "corpus": {"kind": "tsv", "paths": "x"}}), "test_sets.0.corpus: the kind tsv"),
        (with_sets({"name": "a", "pairs": ["de-fr"]}), "names fr in evaluation.test_sets.0.pairs"),
        (with_sets({"name": "a", "sentences": 0}), "evaluation.test_sets.0.sentences is 0"),
        (with_sets({"name": "a", "missing": "pivot"}), "evaluation.test_sets.0.missing is 'pivot'"),
        ({"evaluation": []}, "is an empty list; name at least one test set"),
        ({"evaluation": ["news", "talks"]}, "evaluation"),
        ({"evaluation": [{"name": "a"}, {"name": "b", "metrics": ["bleu"]}]},
         "has metrics in its entry 1, which all test sets share: put it into the first entry"),
        ({"evaluation": [{"name": "a"}, {"name": "a"}]}, "two test sets named 'a'"),
        ({"evaluation": [{"name": "a"}, {"corpus": "cldr"}]}, "evaluation.1 lacks the key 'name'"),
        ({"promotion": {**PROMOTION, "test_set": "new"}},
         "names the test set 'new' in promotion, which evaluation.test_sets lacks; did you mean 'news'?"),
        ({"promotion": {"model": "r", "rules": [{"at_least": 1, "test_set": "talk"}]}},
         "names the test set 'talk' in promotion.rules.0, which evaluation.test_sets lacks; did you mean 'talks'?"),
        ({"promotion": {**PROMOTION, "champions": [{"over": "seen", "test_set": "x"}]}}, "in promotion.champions.0"),
        ({"promotion": {"model": "r", "rules": [{"at_least": 1, "over": "en-de", "test_set": "talks"}]}},
         "names en-de in promotion.rules.0, which is not evaluated; add it to the pairs of the test set talks"),
        ({"promotion": {**PROMOTION, "test_set": "news"}, "evaluation": {}},
         "which evaluation.test_sets lacks; it names none: list them in evaluation.test_sets"),
        ({"promotion": PROMOTION, **with_sets({"name": "a", "too_long": "cut"})},
         "`too_long: cut` in evaluation.test_sets.0, which a registered model does not do"),
        ({"baselines": [{"name": "b", "translations": {"path": "x.txt", "test_set": "tals"}}]},
         "names the test set 'tals' in baselines.0.translations, which evaluation.test_sets lacks; did you mean"),
    ],
)  # fmt: skip
def test_wrong_test_sets_end_in_a_sentence(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as raised:
        loaded(tmp_path, **changes)
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_one_test_set_under_two_names_is_refused(tmp_path: Path) -> None:
    for sets in ([{"name": "a"}, {"name": "b"}], [{"name": "a"}, {"name": "b", "pairs": ["en-de"]}]):
        with pytest.raises(SpecError, match=r"test_sets\.1: b is the same test set as a"):
            make_plan(loaded(tmp_path, **with_sets(*sets, sentences=3)))
    two = make_plan(loaded(tmp_path, **with_sets({"name": "a"}, {"name": "b", "sentences": 2}, sentences=3)))
    assert len({test_set.id for test_set in two.test_sets}) == 2


def test_each_test_set_may_answer_otherwise_to_long_sentences(tmp_path: Path) -> None:
    sets = [
        {"name": "a"},
        {"name": "b", "split": "dev", "too_long": "cut"},
        {"name": "c", "sentences": 2, "too_long": "fail"},
    ]
    plan = make_plan(loaded(tmp_path, **with_sets(*sets, sentences=3)))
    answers = [plan.decoding_of(plan.base.id, test_set).too_long for test_set in plan.test_sets]
    assert answers == ["empty", "cut", "fail"]
    decodings = {cell.test_set: cell.decoding for cell in plan.cells()}
    first, cut, fail = (decodings[test_set.id] for test_set in plan.test_sets)
    assert first == fail != cut


def test_the_identities_of_a_spec_without_test_sets_are_those_of_before_there_were_any() -> None:
    """The values are those that the commit before the first with test sets gave the same specs."""
    promotion = {"model": "r", "rules": [{"at_least": 1}], "champions": ["unseen"], "protected": ["en-de"]}
    models = [
        {"name": "m", "pairs": ["en-de"], "examples": 2, "method": METHOD, "filters": {"test_overlap": True}},
        {"name": "n", "pairs": ["en-de", "de-fr"], "examples": 2, "method": METHOD},
    ]
    baselines = [{"name": "shot", "shots": 1}, {"name": "o", "model": "x/y", "decoding": {"beam": 2}}]
    content = {
        "name": "g", "base": "facebook/xglm-564M", "languages": ["en", "de", "fr"], "corpus": "cldr", "models": models,
        "baselines": baselines, "promotion": promotion,
        "evaluation": {"sentences": 3, "too_long": "empty", "prompts": ["mfti", "mfti-to"]},
    }  # fmt: skip
    plan = make_plan(GridSpec.model_validate(content))
    assert plan.id == "spec2-1bcc9068b1782aff2f35b5d08575448a"
    assert [model.id for model in plan.models] == [
        "model1-27cb35a526a98ab89b506bedb381bd02",
        "model1-0a283de4f0b8f2f6f54d97ca94296afa",
        "model1-1fbe007032a7ab65380756c220857aa0",
        "model1-6a9a4f46ce43e8563c533151ed30d9c0",
    ]
    cells = "".join(cell.id for cell in plan.cells())
    assert sha256(cells.encode()).hexdigest()[:16] == "3e2e695cbb075d10"
    dump = json.dumps(plan.spec.model_dump(mode="json"), sort_keys=True)
    assert sha256(dump.encode()).hexdigest()[:16] == "c6433c28d3002392"
