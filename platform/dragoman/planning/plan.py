"""The plan of a grid: every model, every cell and what is missing, before anything runs."""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from dragoman.cell import Cell
from dragoman.corpora.sampling.test_lines import TestLines
from dragoman.identity import fingerprint
from dragoman.model import ModelIdentity
from dragoman.pair import Pair, PairKey
from dragoman.partition import Partition, TrainingGraph
from dragoman.planning.baselines import PlannedBaseline, declared_graph
from dragoman.planning.planned_test_set import PlannedTestSet
from dragoman.planning.test_set import TestSet
from dragoman.planning.training_text import TestText, TrainingText
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.decoding import Decoding
from dragoman.spec.examples import expected
from dragoman.spec.filters import Filters
from dragoman.spec.finetuning import Finetuning
from dragoman.spec.grid import GridSpec
from dragoman.spec.prompt import EvaluationPrompt, Prompt
from dragoman.spec.test_sets import LongSentences


class PlannedTraining(BaseModel):
    """One finetuning: its identity and what it will read."""

    model_config = ConfigDict(frozen=True)

    identity: ModelIdentity
    """The model it makes."""
    finetuning: Finetuning
    """The part of the spec that defines it."""
    corpus: CorpusChoice
    """The corpus it reads."""
    prompt: Prompt
    """The prompt it trains with."""
    seed: int
    """The seed of its sampling, order and initialisation."""
    pairs: tuple[Pair, ...]
    """The pairs it will train on."""
    missing: dict[PairKey, str]
    """Pairs of the spec that there is no text for; they are not seen."""
    absent: dict[PairKey, str] = {}
    """Pairs of the grid, in the spec's choice or not, that the corpus itself has no text for."""
    filters: Filters = Filters()
    """Filters of the examples."""
    monolingual: dict[str, PairKey] = Field(default={}, exclude_if=lambda languages: not languages)
    """The languages of its monolingual examples, each with the pair whose target side they are drawn from."""
    wordless: dict[str, str] = Field(default={}, exclude_if=lambda languages: not languages)
    """Languages of the spec that there is no monolingual text for, with the reason."""
    pivot: str | None = None
    """The language that text of missing pairs is made through, where there is such a pair."""
    held_out: tuple[TestText, ...] = ()
    """The test sentences that are left out of the examples, of every test set, where the filters exclude them."""
    text: TrainingText | None = None
    """The examples as they were drawn (`dragoman.planning.training_data`); None until they are read."""

    @property
    def design(self) -> TrainingGraph:
        """The training graph of the spec, whether or not there is text for all of it."""
        return TrainingGraph(examples=expected(self.finetuning.examples, [*self.pairs, *self.missing]))

    @property
    def graph(self) -> TrainingGraph:
        """The graph as planned; the recorded graph is of what the job really read."""
        counts = self.text.counts if self.text else expected(self.finetuning.examples, self.pairs)
        return TrainingGraph(examples=counts)


class Plan(BaseModel):
    """The plan of a grid."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    spec: GridSpec
    """The specification."""
    base: ModelIdentity
    """The base model."""
    trainings: tuple[PlannedTraining, ...]
    """The finetunings, in the spec's order."""
    baselines: tuple[PlannedBaseline, ...] = ()
    """The baselines that are models of their own."""
    test_sets: tuple[PlannedTestSet, ...]
    """What is evaluated on; the first is the one that gates and registered models are about by default."""
    prompts: tuple[EvaluationPrompt, ...]
    """The prompts of the evaluation, complete; the first is the one that gates evaluate."""
    undemonstrated: dict[str, dict[PairKey, str]]
    """By the prompt's id, the pairs that there are no examples for, with the reason."""
    known_as: str | None = None
    """The id that an earlier version gave the plan of this spec, where it ran it."""

    @cached_property
    def id(self) -> str:
        """The hash of the spec, whatever the folders of its models and corpora: equal plans of equal specs."""
        return self.known_as or fingerprint("spec", 2, self.meaning)

    @cached_property
    def meaning(self) -> dict[str, Any]:
        """The spec without paths, and with the identities of the models found there."""
        others = [planned.identity.id for planned in self.baselines]
        return {"spec": spec_meaning(self.spec), "base": self.base.id, "baselines": others}

    @property
    def first(self) -> PlannedTestSet:
        """The first test set."""
        return self.test_sets[0]

    @property
    def test_set(self) -> TestSet:
        """What the first test set is."""
        return self.first.test_set

    @property
    def contents(self) -> dict[Pair, str]:
        """Content hash of each pair's lines in the first test set."""
        return self.first.contents

    @property
    def missing(self) -> dict[Pair, str]:
        """Pairs without lines in the first test set, with the reason."""
        return self.first.missing

    @property
    def lines(self) -> TestLines:
        """The lines of the first test set, without those that are left out.

        Raises:
            CorpusError: the corpus can't be opened.
        """
        return self.first.lines

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs that are evaluated, on whichever test set."""
        return tuple(sorted({pair for test_set in self.test_sets for pair in test_set.pairs}))

    @cached_property
    def with_text(self) -> tuple[Pair, ...]:
        """Those of them that some test set has lines of."""
        return tuple(pair for pair in self.pairs if any(pair in test_set.contents for test_set in self.test_sets))

    @property
    def prompt(self) -> EvaluationPrompt:
        """The prompt of gates and registered models."""
        return self.prompts[0]

    @cached_property
    def models(self) -> tuple[ModelIdentity, ...]:
        """The models that are evaluated: the base first, then the baselines, then those that are trained."""
        trained = tuple(training.identity for training in self.trainings)
        others = tuple(planned.identity for planned in self.baselines)
        return (self.base, *others, *trained) if self.spec.evaluation.base else (*others, *trained)

    @property
    def base_graph(self) -> TrainingGraph:
        """What the base was trained to translate, as the spec declares it."""
        return declared_graph(self.spec.base.trained_on, self.spec.languages)

    @cached_property
    def asked(self) -> tuple[tuple[ModelIdentity, EvaluationPrompt], ...]:
        """Each model with each prompt it is run with: the rows of the results.

        Prompts that name no models are those of the base and of what is trained from it; a baseline has its own, or
        else the first.
        """
        others = {planned.identity.id for planned in self.baselines}
        own = {name for prompt in self.prompts for name in prompt.models or ()}
        return tuple(
            (model, prompt)
            for model in self.models
            for prompt in self.prompts
            if (
                {model.name, model.name.removesuffix(f"-seed{model.seed}")} & {*prompt.models}
                if prompt.models is not None
                else model.id not in others or (prompt == self.prompt and model.name not in own)
            )
        )

    def prompt_of(self, model: ModelIdentity) -> EvaluationPrompt:
        """The first prompt that a model is run with."""
        return next(prompt for asked, prompt in self.asked if asked.id == model.id)

    def too_long(self, test_set: PlannedTestSet) -> LongSentences:
        """What becomes of sentences of a test set that a model has no room for, where its decoding does not say."""
        return test_set.too_long or self.spec.evaluation.too_long

    def decoding_of(self, model: str, test_set: PlannedTestSet | None = None) -> Decoding:
        """How a model, by its id, is decoded on a test set; on the first by default."""
        evaluation, tested = self.spec.evaluation, test_set or self.first
        if (system := self.pivots.get(model)) is not None:
            model = str(system.identity.parent)
        own = {planned.identity.id: planned.baseline.decoding for planned in self.baselines}.get(model)
        decoding = own or evaluation.decoding
        answer = (own.too_long if own else tested.too_long) or decoding.too_long or self.too_long(tested)
        # what is left out is not there any more
        return decoding.model_copy(update={"too_long": "fail" if answer == "leave_out" else answer})

    def cells(self) -> Iterator[Cell]:
        """Every cell, model by model, prompt by prompt and test set by test set."""
        decodings = {
            (model.id, test_set.id): self.decoding_of(model.id, test_set).id
            for model in self.models
            for test_set in self.test_sets
        }
        ids = {prompt.label: prompt.id for prompt in self.prompts}
        tests = [(test_set.id, test_set) for test_set in self.test_sets]
        for model, prompt in self.asked:
            for test_id, test_set in tests:
                for pair in test_set.pairs:
                    yield Cell(
                        model=model.id, test_set=test_id, content=test_set.contents.get(pair, ""),
                        pair=pair, prompt=ids[prompt.label], decoding=decodings[model.id, test_id],
                    )  # fmt: skip

    def tested_on(self, cell: Cell) -> PlannedTestSet:
        """The test set of a cell."""
        return self._by_id[cell.test_set]

    @cached_property
    def _by_id(self) -> dict[str, PlannedTestSet]:
        return {test_set.id: test_set for test_set in self.test_sets}

    @cached_property
    def from_files(self) -> dict[str, PlannedBaseline]:
        """The systems whose translations are in files, by their id."""
        return {planned.identity.id: planned for planned in self.baselines if planned.baseline.translations}

    @cached_property
    def quoted(self) -> dict[str, PlannedBaseline]:
        """The systems whose scores are quoted, by their id."""
        return {planned.identity.id: planned for planned in self.baselines if planned.baseline.scores}

    @cached_property
    def pivots(self) -> dict[str, PlannedBaseline]:
        """The pivot systems, by their id; the parent of each is the model that translates its legs."""
        return {planned.identity.id: planned for planned in self.baselines if planned.baseline.pivot}

    @property
    def from_elsewhere(self) -> dict[str, PlannedBaseline]:
        """Both: the systems that are neither asked nor decoded here, by their id."""
        return {**self.from_files, **self.quoted}

    def why_missing(self, model: str, prompt: str, test_set: PlannedTestSet, pair: Pair) -> str | None:
        """Why a cell, by the ids of its model and prompt, can't be translated; None where nothing is known against it.

        Whether a corpus has enough examples for a few-shot prompt is only known when they are drawn. Quoted scores need
        no test lines.
        """
        elsewhere = self.from_elsewhere.get(model)
        if pair in test_set.missing and model not in self.quoted:
            return test_set.missing[pair]
        if model in self.pivots and pair in self.pivots[model].missing:
            return self.pivots[model].missing[pair]
        if elsewhere is not None:
            return elsewhere.why_missing(pair, test_set, self.test_sets)
        return self.undemonstrated.get(prompt, {}).get(pair)

    def partitions(self, training: PlannedTraining, design: bool = False) -> dict[Partition, int]:
        """How many evaluation pairs fall to each partition of a finetuning.

        Args:
            training: the finetuning.
            design: as if there were text for every pair it asks for.
        """
        graph = (training.design if design else training.graph).inherit(self.base_graph)
        counts = Counter(graph.partition(pair) for pair in self.pairs)
        return {partition: counts[partition] for partition in Partition if counts[partition]}


def spec_meaning(spec: GridSpec) -> Any:
    """A spec as plain data, without the paths of the folders that it names."""
    return _without_places(spec.model_dump(mode="json"))


def _without_places(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_places(each) for each in part]
    if not isinstance(part, dict):
        return part
    # a corpus found beside its spec notes that folder, and a model's folder is made absolute
    return {
        key: _without_places(value)
        for key, value in part.items()
        if not (key == "folder" and "kind" in part)
        and not (key == "model" and isinstance(value, str) and value.startswith("/"))
        # known by their content
        and key != "translations"
        and not (key == "scores" and "trained_on" in part)
    }
