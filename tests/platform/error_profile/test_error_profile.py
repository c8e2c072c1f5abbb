"""The error profile of a grid with planted errors: rates, first matches, tests and flows as computed by hand."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import permutation_test

from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import systems
from dragoman.error_profile.flows import Category, Flow, flows
from dragoman.error_profile.paired_tests import rate_differences
from dragoman.error_profile.rates import first_matches, rates
from dragoman.error_profile.stored_labels import scored_labels, stored_labels
from dragoman.errors import StoreError
from dragoman.metrics.errors.label import MEASURED, Label
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.reports.errors import error_report, errors_page
from dragoman.segment import Segment
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import ModelRecord, PromptRecord
from dragoman.store.store import Store
from dragoman.testing.grid_builder import GridBuilder

SENTENCES = {
    "ar": "تفتح المكتبة {} أبوابها كل يوم في الساعة التاسعة صباحا.",
    "de": "Die Bibliothek {} öffnet jeden Tag um neun Uhr morgens.",
    "en": "The library {} opens every day at nine o'clock in the morning.",
    "ru": "Библиотека {} открывается каждый день в девять часов утра.",
}
LINES = 12
PLANTED = {"a": ("right", "right", "source", "en", "ar", "loop"), "b": ("right", "right", "right", "right", "en", "")}
"""What the lines of each model are, over and over: right, in some language, a loop, or empty."""


def line(language: str, number: int) -> str:
    return SENTENCES[language].format(100 + number)


def hypothesis(kind: str, pair: Pair, number: int) -> str:
    if kind == "loop":
        return f"{line(pair.target, number)[:-1]} {number} {'ja ' * 9}"
    language = {"right": pair.target, "source": pair.source}.get(kind, kind)
    return line(language, number) if language in SENTENCES else ""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, campaign_in: Any) -> Iterator[Store]:
    """A grid of a base and two models whose every line is planted, scored with all labels."""
    with campaign_in(tmp_path_factory.mktemp("home")) as campaign:
        made: Store = campaign.store
        graph = TrainingGraph.of([Pair("en", "de"), Pair("de", "en")])
        base = ModelRecord(id="m-base", name="base", graph=TrainingGraph())
        models = [base, *(ModelRecord(id=f"m-{name}", name=name, parent=base.id, base=base.id, recipe={"n": name},
                                      graph=graph) for name in PLANTED)]  # fmt: skip
        pairs = all_pairs(SENTENCES)
        lines = {pair: [Segment(line(pair.source, n), line(pair.target, n)) for n in range(LINES)] for pair in pairs}
        builder = GridBuilder(
            made, models, pairs, name="g", metrics=("off_target",), lines=lines,
            names={"m-base": "base", "m-a": "a", "m-b": "b"},
            prompt=PromptRecord(id="prompt-x", template="[{source_language}]: {source} [{target_language}]:"),
        ).add()  # fmt: skip
        for record in builder.cells:
            kinds = PLANTED.get(record.cell.model.removeprefix("m-"), ("right",))
            texts = [hypothesis(kinds[n % len(kinds)], record.cell.pair, n) for n in range(LINES)]
            builder.translate(record.cell, [], hypotheses=[(text, "stop", 5) for text in texts])
        rescore(made, "g", [label.metric for label in MEASURED])
        yield made


def question(**more: str) -> ScoreQuestion:
    return ScoreQuestion("g", "error_language", **more)  # type: ignore[arg-type]


def labels_of(store: Store, model: str):
    (system,) = [each for each in systems(store, "g") if each.model == model]
    return stored_labels(store, question(), system, labels=scored_labels(store, "g"))


def planted_flows(model: str, pairs: Sequence[Pair]) -> Counter[tuple[str, str, Category]]:
    """The flows that were planted, by hand."""
    counts: Counter[tuple[str, str, Category]] = Counter()
    for pair in pairs:
        for number in range(LINES):
            kind = PLANTED[model][number % len(PLANTED[model])]
            found = {"right": pair.target, "loop": pair.target, "source": pair.source, "": "undecided"}.get(kind, kind)
            category = {
                "undecided": Category.UNDECIDED, pair.target: Category.TARGET, pair.source: Category.SOURCE,
            }.get(found) or {"en": Category.ENGLISH, "de": Category.TRAINED}.get(found, Category.OTHER)  # fmt: skip
            counts[pair.target, found, category] += 1
    return counts


@pytest.mark.parametrize("model", PLANTED)
def test_planted_flows_are_recovered_exactly(store: Store, model: str) -> None:
    own = labels_of(store, model)
    listed = [each for each in flows(own, ("de", "en")) if each.scope == "all"]
    expected = planted_flows(model, all_pairs(SENTENCES))
    assert Counter({(each.asked, each.found, each.category): each.sentences for each in listed}) == expected
    into = Counter[str]()
    for (asked, _, _), count in expected.items():
        into[asked] += count
    assert all(each.n == into[each.asked] and each.estimate == 100 * each.sentences / each.n for each in listed)


def test_rates_are_shares_of_lines_and_have_the_intervals_of_results(store: Store) -> None:
    listed = {(each.scope, each.label): each for each in rates(labels_of(store, "b"))}
    empty = listed["all", Label.EMPTY]
    assert (empty.estimate, empty.n, empty.pairs, empty.sentences) == (pytest.approx(100 / 6), 12, 12, 144)
    for scope, label in (("all", Label.LANGUAGE), ("seen", Label.EMPTY), ("unseen", Label.LANGUAGE)):
        (row,) = [
            row for row in partition_table(store, ScoreQuestion("g", label.metric), model="b") if row.scope == scope
        ]
        own = listed[scope, label]
        assert (own.estimate, own.low, own.high) == pytest.approx((row.mean, row.low, row.high))


def test_first_matches_add_up_to_any(store: Store) -> None:
    listed = [each for each in rates(labels_of(store, "a")) if each.scope == "all"]
    by_label = {each.label: each for each in listed}
    assert sum(each.first for each in listed if each.label) == pytest.approx(by_label[None].estimate)
    # a copy of the source is a wrong language too, and the paper counts it once
    assert by_label[Label.LANGUAGE].first < by_label[Label.LANGUAGE].estimate
    assert by_label[Label.OSCILLATION].first == by_label[Label.OSCILLATION].estimate == pytest.approx(100 / 6)


def test_first_matches_by_hand() -> None:
    flags = {Label.COPY: np.array([1, 1, 0, 0], bool), Label.LANGUAGE: np.array([1, 0, 1, 0], bool)}
    found = first_matches(flags, [Label.COPY, Label.LANGUAGE])
    assert [found[label].tolist() for label in flags] == [[True, True, False, False], [False, False, True, False]]


def test_p_values_are_those_of_scipy_on_the_same_lines(store: Store) -> None:
    found = {
        each.label: each
        for each in rate_differences(store, question(), a="a", b="b", labels=[Label.LANGUAGE, Label.EMPTY], scope="all")
    }
    for label, own in found.items():
        sides = [labels_of(store, model).pairs for model in ("b", "a")]
        # one sentence stands in all pairs: these are dealt together
        b, a = (np.mean([each.flags[label] for each in side.values()], axis=0) for side in sides)
        theirs = permutation_test(
            (b, a), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", n_resamples=np.inf,
            vectorized=True,
        )  # fmt: skip
        assert own.estimate == pytest.approx(100 * np.mean(b - a))
        beyond = np.abs(theirs.null_distribution) - abs(theirs.statistic)
        # of deals that tie half are counted (Lancaster's mid-p), as in every paired test here
        assert own.p == pytest.approx(np.mean(beyond > 1e-9) + np.mean(np.abs(beyond) <= 1e-9) / 2, abs=0.01)
    raw = sorted(each.p for each in found.values())
    assert sorted(each.adjusted for each in found.values()) == pytest.approx(
        [min(1, 2 * raw[0]), min(1, max(2 * raw[0], raw[1]))]
    )


def test_a_report_has_all_tables_and_figures(store: Store) -> None:
    report = errors_page(store, {"grid": "g", "against": "a", "scope": "unseen"})
    assert [table.name for table in report.tables] == ["errors", "partitions", "languages", "flows", "tests", "rates"]
    assert {row["scope"] for row in report.tables[0].rows} == {"unseen"}
    assert {row["model"] for row in report.tables[4].rows} == {"base", "b"}
    drawings = {drawing.name: drawing for drawing in report.drawings}
    assert set(drawings) == {"rates", "flows", "flows-2", "flows-3"}
    assert drawings["rates"].draw().axes
    assert drawings["flows-2"].draw().axes
    base = [row for row in report.tables[0].rows if row["model"] == "base"]
    assert all(row["estimate"] == 0 for row in base)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"scope": "unsen"}, "Grid 'g' has no pairs that are unsen; did you mean 'unseen'?"),
        ({"model": "c"}, "Grid 'g' has no model 'c'"),
        ({"against": "c"}, "no model 'c'"),
        ({"detector": "fasttext"}, "`dragoman score g --metric error_language:fasttext`"),
        ({"test_set": "other"}, "other"),
        ({"grid": "h"}, "The store has no grid 'h'"),
    ],
)
def test_what_is_not_there_is_a_sentence(store: Store, arguments: dict[str, str], sentence: str) -> None:
    with pytest.raises(StoreError) as refused:
        errors_page(store, {"grid": "g", **arguments})
    assert sentence in str(refused.value)


def test_a_grid_that_is_not_scored_says_how(campaign) -> None:
    filled = campaign.fill({"base": TrainingGraph(), "tuned": TrainingGraph.of([Pair("de", "en")])}, [Pair("de", "en")])
    with pytest.raises(StoreError, match="no error labels yet: `dragoman score g --metric errors` adds them"):
        error_report(filled, question(), models=["tuned"])


def test_the_command_prints_what_the_page_shows(
    store: Store, dragoman: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, out, _ = dragoman("errors", "g", "--model", "b", "--figure", str(tmp_path / "rates.svg"))
    assert code == 0
    assert "wrong language" in out
    assert "on references" in out
    assert (tmp_path / "rates.svg").read_bytes().startswith(b"<?xml")
    code, _, err = dragoman("errors", "g", "--scope", "sene")
    assert code != 0
    assert "did you mean" in err


def test_flow_of_one_kind(store: Store) -> None:
    listed = flows(labels_of(store, "a"), ())
    assert Flow("a", None, "seen", "de", "en", Category.SOURCE, 4, pytest.approx(100 / 3), 12) in [
        Flow(each.model, None, *list(vars(each).values())[2:]) for each in listed
    ]
