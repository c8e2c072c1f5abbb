"""A made-up grid of the size of FLORES on 13 languages: 156 pairs, three systems, sentences as long and as alike."""

import random
from collections.abc import Sequence
from itertools import accumulate

from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, random_score

LANGUAGES = ("ar", "bg", "ca", "de", "en", "fi", "fr", "hi", "ko", "ru", "sw", "ta", "zh-Hans")
WORDS, LETTERS = 21, {"ar": "ابتثجحخدذرزسشصضطعغفقكلمنهوي", "hi": "कखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह",
                      "ru": "абвгдежзийклмнопрстуфхцчшщыэюя", "bg": "абвгдежзийклмнопрстуфхцчшщъюя",
                      "ko": "가나다라마바사아자차카타파하거너더러머버서어저", "ta": "கஙசஞடணதநபமயரலவழளறன"}  # fmt: skip
"""Words of a sentence, in the mean: English FLORES-200 has 21, of 130 characters."""
KEPT, ALTERNATIVES = {"base": 0.4, "one": 0.6, "two": 0.65}, 4
"""How many words a system has as the reference has them, and how many others are likely in each place."""


class Vocabulary:
    """Made-up words of a language, drawn as often as words of a text are (Zipf's law)."""

    def __init__(self, language: str, size: int = 15_000) -> None:
        rng = random.Random(language)
        letters = LETTERS.get(language, "eeeaaiioutnrslhdcmpgbfvwk")
        self.words = ["".join(rng.choices(letters, k=2 + rng.randrange(4) + rng.randrange(4))) for _ in range(size)]
        self.weights = list(accumulate(1 / (rank + 3) for rank in range(size)))

    def draw(self, rng: random.Random, count: int) -> list[str]:
        return rng.choices(self.words, cum_weights=self.weights, k=count)


def lines_of(language: str, sentences: int) -> list[str]:
    """The lines of a language, where line n of every language is the same sentence."""
    rng, words = random.Random(f"{language} lines"), Vocabulary(language)
    return [" ".join(words.draw(rng, max(4, round(rng.gauss(WORDS, 7))))) + "." for _ in range(sentences)]


def hypotheses(references: Sequence[str], language: str, model: str, pair: Pair) -> list[str]:
    """Translations of some references: their words, likely other ones, and few that nobody would expect."""
    rng, words, found = random.Random(f"{model} {pair}"), Vocabulary(language), []
    for number, reference in enumerate(references):
        likely = random.Random(f"{language} {number}")
        line = []
        for word in reference.split():
            others = words.draw(likely, ALTERNATIVES)
            chance = rng.random()
            line.append(
                word if chance < KEPT[model] else rng.choice(others) if chance < 0.95 else words.draw(rng, 1)[0]
            )
        found.append(" ".join(line))
    return found


def fill(store: Store, sentences: int = 1012, languages: Sequence[str] = LANGUAGES) -> None:
    """Write the grid `wide`, with BLEU's statistics made up."""
    english = TrainingGraph.of((pair for pair in all_pairs(languages) if "en" in pair), 1000)
    graphs = {"base": TrainingGraph(), "one": english, "two": TrainingGraph.of([Pair("en", "de"), Pair("fr", "en")])}
    models = [
        ModelRecord(id=name, name=name, base=None if name == "base" else "base", graph=graph)
        for name, graph in graphs.items()
    ]
    text = {language: lines_of(language, sentences) for language in languages}
    lines = {pair: [Segment(*both) for both in zip(text[pair.source], text[pair.target], strict=True)]
             for pair in all_pairs(languages)}  # fmt: skip
    names = {name: name for name in graphs}
    grid = GridBuilder(store, models, list(lines), name="wide", languages=languages, names=names, lines=lines).add()
    for record in grid.cells:
        model, pair = record.cell.model, record.cell.pair
        made = hypotheses(text[pair.target], pair.target, model, pair)
        score = random_score("bleu", model, pair, segments=sentences, quality=KEPT[model], signature="nrefs:1|tok:13a")
        grid.translate(record.cell, [score], hypotheses=[(line, "stop", WORDS) for line in made])
