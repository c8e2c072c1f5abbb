"""A grid of two pairs with documents, and three systems whose translations get worse from one to the next."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dragoman.judgement.texts import GridTexts
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.rating import Protocol, Rating, Severity, Span
from dragoman.segment import Located, Segment
from dragoman.settings import settings
from dragoman.store.judgement_records import JudgementRecord, content_of
from dragoman.store.line_keys import LineKeys
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

EN_DE, EN_AR = Pair("en", "de"), Pair("en", "ar")
DOCUMENTS = ("a", "a", "b", "c", "c", "c")
"""The document of each line."""
TEXT = {
    "en": [
        "A dog sleeps in the old house.", "It is raining today in the town.", "She reads a long book about birds.",
        "The house is old, and so am I.", "We walk along the river every day.", "Nobody knows what he has said.",
    ],
    "de": [
        "Ein Hund schläft im alten Haus.", "Es regnet heute in der Stadt.", "Sie liest ein langes Buch über Vögel.",
        "Das Haus ist alt, und ich auch.", "Wir gehen jeden Tag am Fluss entlang.", "Niemand weiß, was er gesagt hat.",
    ],
    "ar": [
        "كلب ينام في البيت القديم.", "إنها تمطر اليوم في المدينة.", "تقرأ كتابا طويلا عن الطيور.",
        "البيت قديم، وأنا كذلك.", "نمشي على طول النهر كل يوم.", "لا أحد يعرف ماذا قال.",
    ],
}  # fmt: skip
SYSTEMS = ("base", "good", "noise")


def worse(text: str, system: str, number: int) -> str:
    """A translation by a system: the reference, one with a word less, or other words."""
    words = text.split()
    if system == "good":
        return text
    if system == "base":
        return " ".join(words[: number % 3] + words[number % 3 + 1 :])
    return " ".join(reversed(words)).replace("e", "🙂")


@pytest.fixture(scope="package")
def built(tmp_path_factory: pytest.TempPathFactory, campaign_in: Any) -> Path:
    """A home with the grid `g`."""
    home: Path = tmp_path_factory.mktemp("judged") / "home"
    with campaign_in(home) as made:
        fill(made.store)
    return home


def fill(store: Store) -> None:
    pairs = [EN_AR, EN_DE]
    lines = {pair: [Segment(*both) for both in zip(TEXT["en"], TEXT[pair.target], strict=True)] for pair in pairs}
    names = {f"model1-{name}": name for name in SYSTEMS}
    models = [
        ModelRecord(id=each, name=name, recipe={"model": name}, graph=TrainingGraph()) for each, name in names.items()
    ]
    grid = GridBuilder(store, models, pairs, name="g", metrics=("bleu", "chrf"), lines=lines, names=names).add()
    for record in grid.cells:
        texts = [segment.target for segment in lines[record.cell.pair]]
        hypotheses = [(worse(text, names[record.cell.model], at), "stop", 3) for at, text in enumerate(texts)]
        grid.translate(record.cell, [], hypotheses=hypotheses)
    for pair in pairs:
        located = [Located(each, row, DOCUMENTS[row]) for row, each in enumerate(lines[pair])]
        cell = grid.cell("model1-base", pair)
        store.conditions.add_keys(cell.test_set, {(pair, cell.content): LineKeys.of(pair, located)})
    rescore(store, "g", ["bleu", "chrf"])


@pytest.fixture
def store(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of the settings, with the grid `g`."""
    home = tmp_path / "home"
    shutil.copytree(built, home)
    monkeypatch.setenv("DRAGOMAN_HOME", str(home))
    settings.cache_clear()
    store = Store.open(settings().store_url, settings().blobs_url)
    yield store
    store.close()
    settings.cache_clear()


@pytest.fixture
def texts(store: Store) -> GridTexts:
    """The texts of the grid `g`."""
    return GridTexts(store, "g")


@pytest.fixture
def judge(store: Store, texts: GridTexts) -> Callable[..., JudgementRecord]:
    """Records a judgement of a system's translation of a line."""

    def record(
        system: str, line: int, rater: str = "ann", score: float | None = None, spans: Sequence[Span] = (),
        protocol: Protocol = Protocol.ESA, pair: Pair = EN_DE, campaign: str | None = None,
    ) -> JudgementRecord:  # fmt: skip
        judged = texts.of(pair).at(system, line)
        made = JudgementRecord(
            cell=judged.cell, line=line, content=content_of(judged.text), campaign=campaign,
            rating=Rating(rater=rater, protocol=protocol, score=score, spans=tuple(spans)),
        )  # fmt: skip
        store.judgements.add([made])
        return made

    return record


def error(start: int, end: int, severity: Severity = Severity.MINOR, category: str | None = None) -> Span:
    return Span(start=start, end=end, severity=severity, category=category)
