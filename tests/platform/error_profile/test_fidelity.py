"""Entity fidelity on the embedded corpus: references are right in every language, and planted errors are decided."""

from itertools import islice

import pytest

from dragoman.corpora.kinds.cldr import CORE_LANGUAGES, Cldr, CldrOptions
from dragoman.corpora.kinds.cldr_entities import EntityKind, entities, recogniser
from dragoman.corpora.kinds.cldr_phrases import Meaning
from dragoman.error_profile.fidelity import COUNT, LOST, REFERENCE, RIGHT, WRONG, decided, is_all
from dragoman.pair import Pair
from dragoman.segment import Split


def meanings(count: int) -> list[Meaning]:
    return list(islice(Cldr(CldrOptions()).meanings(Split.TEST), count))


def verdicts(pair: Pair, lines: list[tuple[str, str, str]]) -> dict[EntityKind, list[str]]:
    """The verdict on each line, by kind: of (source, hypothesis, reference)."""
    sources, hypotheses, references = map(list, zip(*lines, strict=True))
    found = decided(pair, sources, references, hypotheses, seed=1, split=Split.TEST)
    names = {RIGHT: "right", WRONG: "wrong", LOST: "lost"}
    return {
        kind: [next((name for column, name in names.items() if row[column]), "") for row in rows]
        for kind, rows in found.items()
    }


@pytest.mark.parametrize("language", [*CORE_LANGUAGES, "cs", "es", "he", "ja", "sv", "tr"])
def test_every_reference_is_right(language: str) -> None:
    pair = Pair("en" if language != "en" else "de", language)
    lines = [(Cldr.render(each, pair.source), Cldr.render(each, language)) for each in meanings(600)]
    sources, references = map(list, zip(*[line for line in lines if None not in line], strict=True))
    found = decided(pair, sources, references, references, seed=1, split=Split.TEST)
    assert set(found) == set(EntityKind)
    for rows in found.values():
        assert (rows[:, RIGHT] == rows[:, COUNT]).all()
        assert (rows[:, REFERENCE] == rows[:, COUNT]).all()


@pytest.mark.parametrize("language", CORE_LANGUAGES)
def test_the_rendering_of_another_meaning_is_wrong(language: str) -> None:
    """A hypothesis that names other entities of the same kinds: none is right but for chance, and none is lost."""
    pair = Pair("en" if language != "en" else "de", language)
    by_kind: dict[str, list[Meaning]] = {}
    for each in meanings(600):
        by_kind.setdefault(each[0], []).append(each)
    for kind in ("amount", "date", "territory", "language", "unit"):
        own = by_kind[kind][:20]
        others = [*own[1:], own[0]]
        lines = [
            (str(Cldr.render(due, pair.source)), str(Cldr.render(given, language)), str(Cldr.render(due, language)))
            for due, given in zip(own, others, strict=True)
            if entities(due) != entities(given)
        ]
        named = entities(own[0])[0].kind
        assert set(verdicts(pair, lines)[named]) == {"wrong"}


def some(kind: str, test: str) -> tuple[str, Meaning]:
    """The first meaning of a kind in the corpus, in English."""
    meaning = next(each for each in meanings(600) if each[0] == kind and test in repr(each))
    return str(Cldr.render(meaning, "en")), meaning


def test_single_decisions() -> None:
    source, meaning = some("date", "full")
    reference = str(Cldr.render(meaning, "de"))
    weekday, _, day = reference.partition(", ")
    others = {"Montag", "Dienstag"} - {weekday}
    iso = meaning[1]
    short = f"{iso[8:]}.{iso[5:7]}.{iso[2:4]}"
    lines = [reference, f"am {reference}", day, f"{min(others)}, {day}", short, "", f"{reference} und {reference}"]
    assert verdicts(Pair("en", "de"), [(source, line, reference) for line in lines])[EntityKind.DATE] == [
        "right", "right", "wrong", "wrong", "wrong", "lost", "wrong",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "kind", "text", "keys"),
    [
        ("en", EntityKind.TERRITORY, "Papua New Guinea, Guinea-Bissau and Guinea", [{"PG"}, {"GW"}, {"GN"}]),
        ("en", EntityKind.TERRITORY, "53 Belize dollars", []),  # a currency, and no country beside it
        ("en", EntityKind.CURRENCY, "1 EUR or two Swiss francs", [{"EUR"}, {"CHF"}]),
        ("ru", EntityKind.CURRENCY, "5 рублей", []),  # of which state?
        ("en", EntityKind.DATE, "Mar 5, 2020 or 3/5/20", [{"2020-03-05"}, {"1920-03-05", "2020-03-05"}]),
        ("zh-Hans", EntityKind.DATE, "2020年3月5日", [{"2020-03-05"}]),
        ("en", EntityKind.DATE, "February 30, 2020", [{"2020-2-30"}]),
        ("ar", EntityKind.TERRITORY, "فرنسا وألمانيا", [{"FR"}, {"DE"}]),  # "and" is written onto the next word
        ("ar", EntityKind.SPAN, "قبل يومين", [{"day past"}]),  # a dual has no number
        ("en", EntityKind.SPAN, "in 3 days and 2 years ago", [{"day future"}, {"year past"}]),
        ("en", EntityKind.NUMBER, "on March 5, 2020 for 1,234.50 and ٧", [{"123450"}, {"7"}]),
        ("ko", EntityKind.LANGUAGE, "영어와 독일어", [{"en"}, {"de"}]),
    ],
)
def test_entities_of_texts(language: str, kind: EntityKind, text: str, keys: list[set[str]]) -> None:
    assert recogniser(language).found(kind, text) == [frozenset(each) for each in keys]


@pytest.mark.parametrize(
    ("due", "found", "verdict"),
    [
        (["a", "b"], ["b", "a"], True),
        (["a", "a"], ["a"], False),
        (["a"], ["a", "a"], False),
        (["a", "b"], ["ab", "a"], True),  # a form that stands for two is taken for the one that is left
        (["a", "b"], ["a", "c"], False),
        ([], [], True),
    ],
)
def test_each_entity_is_matched_once(due: list[str], found: list[str], verdict: bool) -> None:
    assert is_all(due, [frozenset(each) for each in found]) is verdict
