"""Single labels on single sentences: what each marks, where, and what excuses it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.metrics.base import MetricError
from dragoman.metrics.errors.label import MEASURED, Label, with_labels
from dragoman.metrics.errors.metric import ErrorMetric
from dragoman.metrics.errors.numbers import numbers
from dragoman.metrics.errors.repetition import _AGAIN, _may_repeat, longest_run
from dragoman.metrics.errors.tokens import tokens
from dragoman.metrics.errors.wrong_language import FOUND, WrongLanguage, candidates_of
from dragoman.metrics.generation import Generation
from dragoman.metrics.lookup import installed_metric
from dragoman.pair import Pair

EN_DE = Pair("en", "de")
MFTI = "[{source_language}]: {source} [{target_language}]:"


def metric(label: Label, pair: Pair, prompt: str | None = MFTI, end: str = "stop") -> ErrorMetric:
    made = installed_metric(label.metric)(pair, ("ar", "de", "en", "fr", "ko", "ru", "zh-Hans"))
    assert isinstance(made, ErrorMetric)
    made.inform(Generation.of(prompt, [end]))
    return made


def found(source: str, reference: str, hypothesis: str, pair: Pair = EN_DE, end: str = "stop") -> set[Label]:
    return {
        label
        for label in MEASURED
        if label is not Label.LANGUAGE
        and metric(label, pair, end=end).found([source], [hypothesis], [reference])[0] is not None
    }


@pytest.mark.parametrize(
    ("source", "reference", "hypothesis", "expected"),
    [
        ("three cats sleep", "drei Katzen schlafen", "drei Katzen schlafen", set()),
        ("three cats sleep", "drei Katzen schlafen", "  ", {Label.EMPTY}),
        ("three cats sleep", "drei Katzen schlafen", "Three cats sleep.", {Label.COPY}),
        ("Berlin 1990", "Berlin 1990", "Berlin 1990", set()),  # the reference is a copy too
        ("very good", "sehr sehr gut", "sehr sehr gut", set()),  # twice is how people speak
        ("a very long way", "ein weiter Weg", "ein ein ein Weg", {Label.OSCILLATION}),
        ("a very long way", "ein weiter, weiter Weg", "weiter Weg, weiter Weg, weiter Weg", {Label.OSCILLATION}),
        ("far, far, far", "weit, weit, weit", "weit, weit, weit", set()),  # as often as in the reference
        ("far", "weit weit weit weg", "weit weit weit weit weit weg", {Label.OSCILLATION}),  # more often
        ("a hundred", "1000000000", "1000000000", set()),
        ("in 1.1.1 of it", "in 1.1.1 davon", "davon in 1.1.1", set()),
        ("half past 1,234.50", "halb 1.234,50", "um 1 234,50", set()),
        ("costs 20 euros", "kostet 20 Euro", "kostet 30 Euro", {Label.NUMBERS}),
        ("costs 20 euros", "kostet 20 Euro", "kostet Euro viel", {Label.NUMBERS}),  # lost
        ("costs twenty euros", "kostet 20 Euro", "kostet zwanzig Euro", set()),  # the source has none
        ("he said a word", "er sagte ein Wort", "er sag", {Label.SHORT}),
        ("he said a word", "er sagte ein Wort", "er sagte ein Wort und ging dann schnell nach Hause", {Label.LONG}),
        ("he said a word", "er sagte ein Wort", "er sagte [German]: ein", {Label.PROMPT}),
        ("he said a word", "er sagte ein Wort", "er sagte German Wort", {Label.PROMPT}),
        ("in German words", "in deutschen Worten", "in German Worten", set()),  # the source says so
        ("he said a word", "er sagte ein Wort", "er sagte<|im_end|> ein W", {Label.PROMPT}),
        ("he said a word", "er sagte ein Wort", "Übersetzung: er sagte ein Wort", {Label.PREAMBLE}),
        ("a word: no", "ein Wort: nein", "ein Wort: nein", set()),
        ("he said a word", "er sagte ein Wort", "„er sagte ein Wort“", {Label.PREAMBLE}),
        ('"he said a word"', "„er sagte ein Wort“", "„er sagte ein Wort“", set()),
        ("he said a word", "er sagte ein Wort", "<think>hm</think> er sagte ein", {Label.PREAMBLE}),
    ],
)
def test_labels(source: str, reference: str, hypothesis: str, expected: set[Label]) -> None:
    assert found(source, reference, hypothesis) == expected


@pytest.mark.parametrize(
    ("target", "source", "reference", "hypothesis", "expected"),
    [
        ("zh-Hans", "far", "很远", "很很很很很", {Label.OSCILLATION, Label.LONG, Label.TNG}),
        ("zh-Hans", "it costs 20", "要20块钱", "要30块钱", {Label.NUMBERS}),
        ("zh-Hans", "he went home early", "他早早就回家去了", "以下是翻译：他早早就回家", {Label.PREAMBLE}),
        ("ar", "costs 20 dinars", "يكلف ٢٠ دينارا", "يكلف 20 دينارا", set()),  # digits of another script
        ("ar", "costs 20 dinars", "يكلف ٢٠ دينارا", "يكلف ٣٠ دينارا", {Label.NUMBERS}),
        ("ko", "good day to you", "안녕하세요 여러분", "[Korean]: 안녕하세요", {Label.PROMPT}),
        ("ru", "it is far away", "это очень далеко", "это очень очень очень", {Label.OSCILLATION}),
    ],
)
def test_labels_in_other_scripts(
    target: str, source: str, reference: str, hypothesis: str, expected: set[Label]
) -> None:
    assert found(source, reference, hypothesis, Pair("en", target)) == expected


def test_what_the_engine_said_is_a_label_too() -> None:
    assert found("a b c d", "b c d e", "c d e f", end="length") == {Label.CUT}


def test_how_translations_from_files_ended_is_not_known() -> None:
    with pytest.raises(MetricError, match="how they ended is not known"):
        metric(Label.CUT, Pair("en", "de"), end="file").statistics(["a"], ["b"], ["c"])
    with pytest.raises(MetricError, match="how they ended is not known"):
        installed_metric("error_cut")(Pair("en", "de")).statistics(["a"], ["b"], ["c"])


def test_the_prompt_of_systems_beside_translations_from_files_is_not_theirs() -> None:
    assert Generation.of("Translate this now: {source}", ["file", "file"]).prompt is None


@pytest.mark.parametrize(
    ("prompt", "hypothesis"),
    [
        ("{source} Translate from [{source_language}] to [{target_language}]:", "Wort. Translate from English"),
        ("Translation: [{source_language}]: {source} [{target_language}]:", "Translation: [German]: Wort"),
        ("Gib das nun bitte auf {target_language} wieder: {source}", "das nun bitte Wort"),
        ("{source} [{target_language}]: · native names", "Wort [Deutsch]:"),
        ("请把这句话翻译成{target_language}：{source}", "请把这句话翻译成 Wort"),
    ],
)
def test_words_of_the_prompt_in_use_are_fragments(prompt: str, hypothesis: str) -> None:
    own = metric(Label.PROMPT, Pair("en", "de"), prompt)
    assert own.found(["a word"], [hypothesis], ["ein Wort"])[0]
    assert own.found(["a word"], ["ein Wort mit Worten"], ["ein Wort"])[0] is None


def test_a_wrong_instruction_names_a_language_of_the_grid() -> None:
    own = metric(Label.PROMPT, Pair("en", "de"), f"{MFTI} · wrong instruction")
    assert own.found(["a word"], ["ein Wort [French]:"], ["ein Wort"])[0] == ((9, 17),)


@pytest.mark.parametrize(
    ("label", "source", "hypothesis", "reference", "marked"),
    [
        (Label.OSCILLATION, "far", "so weit weit weit weg", "weit weg", ["weit weit weit"]),
        (Label.NUMBERS, "20 of 30", "30 von 40 oder 50", "20 von 30", ["40", "50"]),
        (Label.PREAMBLE, "far", "Here is the translation: weit", "weit", ["Here is the translation:"]),
        (Label.PROMPT, "far", "weit [German]: weit [English]:", "weit", ["[German]", "[English]"]),
        (Label.PROMPT, "قريب", "[German]: weit", "weit", ["[German]"]),
        (Label.TNG, "a", "a b c d. e f a b c d g h a b c d", "x", ["a b c d", "a b c d", "a b c d"]),
    ],
)
def test_stretches_that_make_a_label(
    label: Label, source: str, hypothesis: str, reference: str, marked: list[str]
) -> None:
    (places,) = metric(label, Pair("en", "de")).found([source], [hypothesis], [reference])
    assert [hypothesis[start:end] for start, end in places or ()] == marked


def test_the_language_found_is_kept() -> None:
    own = WrongLanguage(Pair("en", "de"), ("de", "fr", "ru"))
    texts = [
        "Мы были в школе",
        "Die Katze schläft auf dem Tisch und träumt.",
        "12.5",
        "你好",
        "The cat is on the table now.",
    ]
    rows = own.statistics(["a"] * 5, texts, ["Die Katze schläft."] * 5)
    names = ["undecided", *candidates_of(own.signature), "other script"]
    assert [names[int(row[FOUND])] for row in rows] == ["ru", "de", "undecided", "other script", "en"]
    assert rows[:, 0].tolist() == [1, 0, 0, 1, 1]


@given(st.text(), st.text())
def test_a_reference_is_never_at_fault_but_for_being_empty(source: str, reference: str) -> None:
    assert found(source, reference, reference) <= {Label.EMPTY}


@given(st.text("ab c", max_size=60), st.text("abcdefg h", max_size=12), st.integers(1, 6), st.text("xyz ", max_size=9))
def test_no_repetition_is_passed_over(before: str, stretch: str, times: int, after: str) -> None:
    text = f"{before}{stretch * times}{after} "
    if any(any(each.isalpha() for each in match[1]) for match in _AGAIN.finditer(text)):
        assert _may_repeat(text)


@given(st.lists(st.sampled_from("abc"), max_size=14))
def test_runs_of_tokens_are_those_that_a_search_of_all_stretches_finds(words: list[str]) -> None:
    longest = 0
    for start in range(len(words)):
        for period in range(1, len(words)):
            end = start + period
            while end < len(words) and words[end] == words[end - period]:
                end += 1
            if end - start >= 3 * period:
                longest = max(longest, end - start)
    run = longest_run(" ".join(words))
    assert run.length == max(0, 2 * longest - 1)


@given(st.text(max_size=40))
def test_places_of_tokens_and_numbers_are_those_of_the_text(text: str) -> None:
    assert all(token.text == text[token.start : token.end].casefold() for token in tokens(text))
    assert all(any(each.isdecimal() for each in text[number.start : number.end]) for number in numbers(text))


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("1,234.50 or 1.234,50 or 1 234,50", ["123450"] * 3),
        ("12,34,567", ["1234567"]),
        ("04.05.2024", ["4", "5", "2024"]),
        ("١٬٢٣٤", ["1234"]),
        ("९८७ और 3", ["987", "3"]),
        ("2010年3月23日", ["2010", "3", "23"]),
    ],
)
def test_numbers_of_any_script(text: str, digits: list[str]) -> None:
    assert [number.digits for number in numbers(text)] == digits


def test_all_labels_have_one_name() -> None:
    assert with_labels(["bleu", "errors", "error_cut"]) == ["bleu", *(label.metric for label in MEASURED)]
    assert Label("off_target") is Label.LANGUAGE  # links of earlier releases
    assert {label.metric for label in MEASURED} == {f"error_{label.value}" for label in MEASURED}
