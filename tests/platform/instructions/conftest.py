"""A grid that asks with the right, no and a wrong instruction, with planted translations and likelihoods."""

from typing import Any

import numpy as np
import pytest

from dragoman.instructions.variants import family_of
from dragoman.metrics.scoring import ScoreRecord, score
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.segment import Located, Segment
from dragoman.spec.prompt import EvaluationPrompt
from dragoman.store.alignment_records import LikelihoodRecord, Likely
from dragoman.store.line_keys import LineKeys
from dragoman.store.records import CellRecord, GridRecord, ModelRecord, PromptRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

LANGUAGES = ("ar", "en", "ru", "ta")
TEXT = {
    "ar": "هذا كتاب جديد رقم",
    "en": "This is a new book, number",
    "ru": "Это новая книга номер",
    "ta": "இது புதிய புத்தகம்",
}
LINES = 12
PROMPTS: list[dict[str, Any]] = [
    {"template": "mfti"},
    {"template": "mfti", "instruction": "none"},
    {"template": "mfti", "instruction": "wrong", "wrong_languages": list(LANGUAGES)},
]


def line(language: str, row: int) -> str:
    return f"{TEXT[language]} {row}"


class InstructionGrid:
    """Two models whose translations obey the instruction, copy the source, or answer in English."""

    def __init__(self, store: Store) -> None:
        self.store, self.pairs = store, all_pairs(LANGUAGES)
        graph = TrainingGraph.of([Pair("ru", "en"), Pair("en", "ar")], 5)
        models = [
            ModelRecord(id="model1-base", name="base", recipe={"model": "x"}, graph=TrainingGraph()),
            ModelRecord(
                id="model1-it", name="it", parent="model1-base", base="model1-base", recipe={"a": 1}, graph=graph
            ),
        ]  # fmt: skip
        lines = {
            pair: [Segment(line(pair.source, row), line(pair.target, row)) for row in range(LINES)]
            for pair in self.pairs
        }
        spec = {"name": "g", "evaluation": {"prompts": PROMPTS}}
        self.prompts = [EvaluationPrompt.model_validate(each) for each in PROMPTS]
        builders = [
            GridBuilder(
                store, models, self.pairs, name="g", names={each.id: each.name for each in models}, spec=spec,
                lines=lines, prompt=PromptRecord(id=prompt.id, template=prompt.shown), languages=LANGUAGES,
            )
            for prompt in self.prompts
        ]  # fmt: skip
        builders[0].add()
        for builder in builders[1:]:
            store.conditions.add_prompt(builder.prompt)
        cells: list[CellRecord] = [cell for builder in builders for cell in builder.cells]
        grid: GridRecord = builders[0].grid
        store.grids.add(grid, cells)
        for model in models:
            store.models.record_graph(model.id, model.graph)
        self.builders = dict(zip(("right", "none", "wrong"), builders, strict=True))
        keys = {
            (pair, builders[0].cell(models[0].id, pair).content): LineKeys.of(
                pair, [Located(segment, row) for row, segment in enumerate(lines[pair])]
            )
            for pair in self.pairs
        }
        store.conditions.add_keys(builders[0].test_set.id, keys)

    def translate(self, model: str, instruction: str, language_of: Any, right: int) -> None:
        """Translate all pairs of a model into the language that a function names; the first lines are scored as right.

        What is scored is another text: the first `right` lines are the reference, of the others one word is.
        """
        builder = self.builders[instruction]
        for pair in self.pairs:
            references = [line(pair.target, row) for row in range(LINES)]
            scored = [each if row < right else each.split()[0] for row, each in enumerate(references)]
            (found,) = score(("bleu",), pair, LANGUAGES, references, scored, references)
            assert isinstance(found, ScoreRecord)
            texts = [line(language_of(pair), row) for row in range(LINES)]
            builder.translate(
                builder.cell(model, pair), [StoredScore.of(found)], hypotheses=[(text, "stop", 3) for text in texts]
            )

    def likelihood(self, model: str, instruction: Any, of_pair: Any, tokens: int = 5) -> None:
        """Give every reference of a model the log probability that a function has for its pair and row."""
        prompt = family_of(self.store, "g").variants[instruction]
        rows = {
            pair: np.array([(of_pair(pair, row), tokens) for row in range(LINES)], np.float64) for pair in self.pairs
        }
        self.store.likelihood.add(
            LikelihoodRecord(
                of=Likely(
                    model=model, pair=pair, content=self.builders["right"].cell(model, pair).content, prompt=prompt.id
                ),
                lines=LINES, tokens=LINES * tokens, log_probability=float(its[:, 0].sum()), of_lines=pack(its),
            )
            for pair, its in rows.items()
        )  # fmt: skip


@pytest.fixture
def instruction_grid(campaign: Any) -> InstructionGrid:
    return InstructionGrid(campaign.store)
