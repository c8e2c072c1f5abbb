"""Prompts: what they render, what is part of their identity, and that no example is the tested sentence."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dragoman.errors import CorpusError, SpecError
from dragoman.language import english_name, native_name
from dragoman.pair import Pair
from dragoman.planning.few_shot import Demonstrator, complete
from dragoman.segment import Segment, Split
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.prompt import NAMED, Demonstrations, EvaluationPrompt, Prompt, PromptField, Turn, plain

PAIR = Pair("de", "fr")
DRAWN = (Segment("eins", "un"), Segment("zwei", "deux"), Segment("drei", "trois"), Segment("vier", "quatre"))


def prompt(value: Any) -> Prompt:
    found: Prompt = TypeAdapter(PromptField).validate_python(value)
    return found


def test_the_papers_templates_have_names() -> None:
    shown = {name: prompt(name).render(PAIR, "Hallo") for name in NAMED}
    assert shown == {
        "mfti": "[German]: Hallo [French]:",
        "mfti-translation": "Translation: [German]: Hallo [French]:",
        "mfti-translation-target": "Translation: Hallo [French]:",
        "mfti-from-to": "Hallo Translate from [German] to [French]:",
        "mfti-to": "Hallo Translate to [French]:",
        "mfti-sentence": "The French translation of German sentence 'Hallo' is:",
        "mfti-sentence-target": "The French translation of the sentence 'Hallo' is:",
    }


def test_plain_prompts_keep_the_identity_they_had() -> None:
    # written down before prompts had more than a template
    assert prompt("mfti").id == "prompt1-ec81fd57333ed4dfd191cc34b1b95b61"
    assert prompt(NAMED["mfti"]).id == EvaluationPrompt(template="mfti", name="other", models=("base",)).id


@pytest.mark.parametrize(
    "changes",
    [
        {"shots": 2}, {"shots": 3}, {"shots": 2, "separator": "</s>"}, {"shots": 2, "demonstrations": {"seed": 2}},
        {"shots": 2, "demonstrations": {"split": "train"}}, {"shots": 2, "demonstrations": {"revision": "r2"}},
        {"chat": True}, {"chat": {"system": "Be brief."}}, {"chat": {"options": {"enable_thinking": False}}},
        {"instruction": "none"}, {"instruction": "wrong"}, {"instruction": "wrong", "wrong_languages": ["ru"]},
        {"names": "native"},
    ],
)  # fmt: skip
def test_whatever_changes_what_is_asked_changes_the_identity(changes: dict[str, Any]) -> None:
    others = [prompt("mfti").id, prompt({"template": "mfti", "shots": 2, "name": "x"}).id]
    here = prompt({"template": "mfti", **changes})
    assert here.id not in others[: 1 if changes == {"shots": 2} else 2]
    assert here.id == prompt(here.model_dump(mode="json")).id


def test_what_has_no_effect_is_no_part_of_the_identity() -> None:
    plain_one = prompt("mfti").id
    assert prompt({"template": "mfti", "separator": "</s>", "demonstrations": {"seed": 9}}).id == plain_one
    bare = prompt({"template": "{source}"}).id
    assert prompt({"template": "mfti", "instruction": "none", "names": "native"}).id == bare
    shown = {"kind": "tsv", "options": {"path": "here/{split}.tsv"}}
    chosen = [Demonstrations(corpus=shown, split="dev", revision="r1")]
    chosen += [chosen[0].model_copy(update={"corpus": CorpusChoice(kind="tsv", options={"path": "there"})})]
    assert len({Prompt(template="mfti", shots=1, demonstrations=each).id for each in chosen}) == 1


def test_few_shot() -> None:
    few = prompt({"template": "mfti", "shots": 2, "separator": " | "})
    assert few.render(PAIR, "fünf", DRAWN) == "[German]: eins [French]: un | [German]: zwei [French]: deux | " + (
        "[German]: fünf [French]:"
    )
    assert few.label == "mfti-2-shot"
    lined = prompt({"template": "{source}\n", "shots": 1, "separator": "\n\n"})
    assert lined.render(PAIR, "fünf", DRAWN) == "eins\nun\n\nfünf\n"


@given(st.integers(0, 3), st.booleans(), st.integers(1, 2))
def test_the_tested_sentence_is_never_shown(place: int, by_target: bool, shots: int) -> None:
    few = prompt({"template": "{source} ={target_language}", "shots": shots})
    tested = DRAWN[place]
    if by_target:
        text = few.render(PAIR, "anders", DRAWN, f" {tested.target.upper()}")
    else:
        text = few.render(PAIR, f" {tested.source.upper()} ", DRAWN)
    shown = text.rsplit("\n", 1)[0]
    assert shown.count("=") == shots
    assert (tested.target if by_target else tested.source) not in shown


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(SpecError, match="needs 3 examples and has 2"):
        prompt({"template": "mfti", "shots": 3}).render(PAIR, "eins", DRAWN[:3])


def test_instructions_and_names() -> None:
    assert prompt({"template": "mfti", "instruction": "none"}).render(PAIR, "Hallo") == "Hallo"
    wrong = prompt({"template": "mfti", "instruction": "wrong", "wrong_languages": ["de", "fr", "ru"]})
    assert wrong.render(PAIR, "Hallo") == "[German]: Hallo [Russian]:"
    with pytest.raises(SpecError, match="needs a third language"):
        wrong.model_copy(update={"wrong_languages": ("de", "fr")}).render(PAIR, "Hallo")
    native = prompt({"template": "mfti", "names": "native"})
    assert native.render(Pair("zh-Hans", "fi"), "你好") == "[中文]: 你好 [suomi]:"
    assert (english_name("zh-Hant"), native_name("sr-Latn")) == ("Chinese (Traditional)", "srpski (latinica)")


@given(st.permutations(["en", "de", "fr", "ru", "fi", "ar"]))
@settings(max_examples=20)
def test_a_wrong_instruction_never_names_the_pairs_languages(languages: list[str]) -> None:
    wrong = Prompt(template="{source}{target_language}", instruction="wrong", wrong_languages=tuple(languages))
    pair = Pair(*languages[:2])
    named = wrong.render(pair, "")
    assert named not in {english_name(tag) for tag in pair}
    in_order = wrong.model_copy(update={"wrong_languages": tuple(sorted(languages))})
    assert named == in_order.render(pair, "")
    assert wrong.id == in_order.id


def test_a_chat_shows_its_examples_as_turns() -> None:
    chat = prompt({"template": "To {target_language}: {source}", "shots": 1, "chat": {"system": "You translate."}})
    assert chat.turns(PAIR, "zwei", DRAWN) == [
        Turn("system", "You translate."), Turn("user", "To French: eins"), Turn("assistant", "un"),
        Turn("user", "To French: zwei"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "template", ["{source} {source}", "{}", "no field", "{source:>9}", "{source!r}", "{source", "{target}"]
)
def test_templates_that_are_none(template: str) -> None:
    with pytest.raises(ValidationError):
        Prompt(template=template)


def test_demonstrations_are_drawn_once_and_differ() -> None:
    few = complete(Prompt(template="mfti", shots=5), CorpusChoice(kind="cldr"), Split.DEV, ("de", "fr"))
    assert (few.demonstrations.split, few.demonstrations.revision is None) == (Split.DEV, False)
    drawn = Demonstrator(few).of(PAIR)
    assert drawn == Demonstrator(few).of(PAIR)
    assert len(drawn) >= 5
    for side in zip(*drawn, strict=True):
        assert len(set(map(plain, side))) == len(drawn)
    with pytest.raises(SpecError, match="shall come from revision gone"):
        complete(
            Prompt(template="mfti", shots=1, demonstrations=Demonstrations(revision="gone")), CorpusChoice(kind="cldr"),
            Split.DEV, ("de", "fr"),
        )  # fmt: skip


def test_a_corpus_with_too_few_examples(tmp_path: Any) -> None:
    (tmp_path / "dev.de-fr.tsv").write_text("eins\tun\nEins\tun\nzwei\tdeux\n")
    corpus = CorpusChoice(kind="tsv", options={"path": f"{tmp_path}/{{split}}.{{source}}-{{target}}.tsv"})
    few = complete(Prompt(template="mfti", shots=3), corpus, Split.DEV, ("de", "fr"))
    with pytest.raises(CorpusError, match="has 2 different examples for de-fr, and the prompt shows 3"):
        Demonstrator(few).of(PAIR)
    assert "no examples for its 3-shot prompt" in Demonstrator(few).missing([Pair("de", "ru")])[Pair("de", "ru")]
