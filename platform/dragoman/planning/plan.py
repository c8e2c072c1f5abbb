"""The plan of a grid: every model, every cell and what is missing, before anything runs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from dragoman.cell import Cell
from dragoman.contamination import SEARCH
from dragoman.corpora.base import Corpus
from dragoman.corpora.factory import open_corpus
from dragoman.corpora.readers.content import Reading, reading
from dragoman.corpora.sampling.test_lines import TestLines
from dragoman.errors import SpecError
from dragoman.identity import fingerprint, hash_lines, plain_json
from dragoman.model import Former, ModelIdentity
from dragoman.pair import Pair, PairKey
from dragoman.partition import Partition, TrainingGraph
from dragoman.planning.baselines import PlannedBaseline, declared_graph, identity_of, planned_baselines
from dragoman.planning.few_shot import Demonstrator, complete
from dragoman.planning.training_text import TestText, TrainingText
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.decoding import Decoding
from dragoman.spec.examples import expected
from dragoman.spec.filters import Filters
from dragoman.spec.grid import Finetuning, GridSpec
from dragoman.spec.missing import Missing, Pivot
from dragoman.spec.pairs import chosen
from dragoman.spec.prompt import EvaluationPrompt, Prompt
from dragoman.spec.sentences import SentenceSample

LEFT_OUT = "without"
"""In the revision of a test set, what stands before the lines that are left out of it."""

ITS_LINES = "its lines"
"""The revision of a test set that is identified by its lines alone, whatever its corpus's files are called."""


class TestSet(BaseModel):
    """The lines every model of a grid is tested on, pair by pair."""

    __test__ = False  # a noun of ours, not a pytest class
    model_config = ConfigDict(frozen=True)

    corpus: str
    """Kind of corpus."""
    revision: str
    """The corpus's revision; of one kept in files, `ITS_LINES` and the files' names."""
    split: Split
    """The split read."""
    sentences: int | SentenceSample | None
    """The first so many lines of each pair, or a sample; None is all."""

    @property
    def id(self) -> str:
        """The test set's identity; the lines of each pair have a content hash of their own in the cell."""
        return fingerprint("test", 2 if self.is_by_lines else 1, self.model_dump(mode="json"))

    @property
    def is_by_lines(self) -> bool:
        """Whether the lines of a pair alone identify it; before version 2 all files of the corpus did together."""
        return self.revision.startswith(ITS_LINES)


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
    pivot: str | None = None
    """The language that text of missing pairs is made through, where there is such a pair."""
    held_out: TestText | None = None
    """The test sentences that are left out of the examples, where the filters exclude them."""
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
    test_set: TestSet
    """What is evaluated on."""
    tested: TestText
    """The same, for the search in training text."""
    prompts: tuple[EvaluationPrompt, ...]
    """The prompts of the evaluation, complete; the first is the one that gates evaluate."""
    undemonstrated: dict[str, dict[PairKey, str]]
    """By the prompt's id, the pairs that there are no examples for, with the reason."""
    pairs: tuple[Pair, ...]
    """The evaluation pairs."""
    contents: dict[PairKey, str]
    """Content hash of each pair's test lines."""
    missing: dict[PairKey, str]
    """Evaluation pairs without test lines, with the reason."""
    line_breaks: dict[PairKey, int] = {}
    """Test sentences of a pair with a line break in them, which is a space in the segment; only where there are any."""
    left_out: dict[PairKey, tuple[int, ...]] = {}
    """Numbers, from 1, of the test sentences that are left out since some model has no room for them."""

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
    def lines(self) -> TestLines:
        """The test lines, without those that are left out.

        Raises:
            CorpusError: the corpus can't be opened.
        """
        return self.tested.lines.but(self.left_out)

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

    def decoding_of(self, model: str) -> Decoding:
        """How a model, by its id, is decoded."""
        evaluation = self.spec.evaluation
        own = {planned.identity.id: planned.baseline.decoding for planned in self.baselines}
        decoding = own.get(model) or evaluation.decoding
        # what is left out is not there any more
        common = "fail" if evaluation.too_long == "leave_out" else evaluation.too_long
        return decoding.model_copy(update={"too_long": decoding.too_long or common})

    def cells(self) -> Iterator[Cell]:
        """Every cell, model by model and prompt by prompt."""
        test_set = self.test_set.id
        decodings = {model.id: self.decoding_of(model.id).id for model in self.models}
        ids = {prompt.label: prompt.id for prompt in self.prompts}
        for model, prompt in self.asked:
            for pair in self.pairs:
                yield Cell(
                    model=model.id, test_set=test_set, content=self.contents.get(pair, ""),
                    pair=pair, prompt=ids[prompt.label], decoding=decodings[model.id],
                )  # fmt: skip

    def why_missing(self, model: str, pair: Pair, prompt: str) -> str | None:
        """Why a cell can't be translated, as far as a plan can tell; None where nothing speaks against it.

        Args:
            model: id of the model.
            pair: the direction.
            prompt: id of the prompt.
        """
        if pair in self.missing:
            return self.missing[pair]
        if model in self.from_files:
            return self.from_files[model].missing.get(pair)
        return self.undemonstrated.get(prompt, {}).get(pair)

    @cached_property
    def from_files(self) -> dict[str, PlannedBaseline]:
        """The systems whose translations are in files, by their id."""
        return {planned.identity.id: planned for planned in self.baselines if planned.baseline.translations}

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
        and key != "translations"  # known by their content
    }


def make_plan(spec: GridSpec) -> Plan:
    """Enumerate a grid, reading test lines and the presence of training text but writing nothing.

    Raises:
        SpecError, CorpusError, ModelError: something the spec names is not there.
    """
    base = identity_of(spec.base, "base.model", chat=spec.chats)
    spec = _with_complete_prompts(spec)
    evaluation = spec.evaluation
    choice = evaluation.corpus or spec.corpus
    corpus = open_corpus(choice.kind, choice.placed)
    pairs = tuple(chosen(evaluation.pairs, spec.languages))
    missing = corpus.missing(pairs, evaluation.split)
    if len(missing) == len(pairs):
        pair, reason = next(iter(missing.items()))
        raise SpecError(
            f"evaluation: the {choice.kind} corpus has {evaluation.split} text for none of the {len(pairs)} pairs "
            f"({pair}: {reason}). Choose another corpus, split or languages."
        )
    _stop_at(missing, len(pairs), evaluation.missing or spec.missing, "evaluation")
    tested_pairs = tuple(pair for pair in pairs if pair not in missing)
    lines = TestLines(corpus, tested_pairs, evaluation.split, evaluation.sentences)
    contents = {pair: lines.content(pair) for pair in tested_pairs}
    name = corpus.name_of(evaluation.split)
    test_set = TestSet(
        corpus=choice.kind, split=evaluation.split, sentences=evaluation.sentences,
        revision=corpus.revision if name is None else f"{ITS_LINES}, {name}" if name else ITS_LINES,
    )  # fmt: skip
    tested = TestText(
        corpus=choice, split=evaluation.split, sentences=evaluation.sentences, pairs=tuple(contents),
        similarity=spec.contamination.similarity, id=id_of_tested(test_set, contents),
    )  # fmt: skip
    plan = Plan(
        spec=spec,
        base=base,
        trainings=tuple(_plan_training(spec, base, finetuning, tested) for finetuning in spec.finetunings),
        baselines=planned_baselines(spec, base, lines),
        test_set=test_set,
        tested=tested,
        prompts=spec.prompts,
        undemonstrated={prompt.id: Demonstrator(prompt).missing(pairs) for prompt in spec.prompts if prompt.shots},
        pairs=pairs,
        contents=contents,
        missing=missing,
        line_breaks={pair: broken for pair in contents if (broken := lines.line_breaks(pair))},
    )  # fmt: skip
    return _without_long_sentences(plan) if evaluation.too_long == "leave_out" else plan


def _without_long_sentences(plan: Plan) -> Plan:
    """The plan with the test sentences left out, for all models, that one of them has no room for: another test set."""
    from dragoman.planning.room import left_out

    lines = left_out(plan)
    if not lines:
        return plan
    contents, missing = dict(plan.contents), dict(plan.missing)
    rest = plan.tested.lines.but(lines)
    for pair, numbers in lines.items():
        contents[pair] = rest.content(pair)
        if not rest.segments(pair, 1):
            del contents[pair]
            missing[pair] = f"no model and prompt of the grid has room for any of its {len(numbers)} sentences"
    which = hash_lines(f"{pair} {number}" for pair, numbers in sorted(lines.items()) for number in numbers)[:8]
    count = len({number for numbers in lines.values() for number in numbers})
    revision = f"{plan.test_set.revision}, {LEFT_OUT} {count} long lines ({which})"
    test_set = plan.test_set.model_copy(update={"revision": revision})
    changes = {"contents": contents, "missing": missing, "test_set": test_set, "left_out": lines}
    return Plan(**{**{name: getattr(plan, name) for name in Plan.model_fields}, **changes})


def _with_complete_prompts(spec: GridSpec) -> GridSpec:
    """The spec with every field filled in that the identities of its evaluation's prompts depend on."""
    evaluation = spec.evaluation
    corpus = evaluation.corpus or spec.corpus
    prompts = tuple(complete(prompt, corpus, Split.DEV, spec.languages) for prompt in spec.prompts)
    if prompts == spec.prompts and len(prompts) == 1:
        return spec
    return spec.model_copy(update={"evaluation": evaluation.model_copy(update={"prompts": prompts, "prompt": None})})


def id_of_tested(test_set: TestSet, contents: Mapping[Pair, str]) -> str:
    """The id of test sentences, given the hashes of their lines by pair."""
    return fingerprint("tested", 1, {"set": test_set.id, "contents": hash_lines(contents.values())})


def _stop_at(missing: Mapping[Pair, str], pairs: int, policy: Missing, place: str) -> None:
    if missing and policy == "stop":
        pair, reason = next(iter(missing.items()))
        raise SpecError(
            f"{place}: {len(missing)} of {pairs} pairs have no text ({pair}: {reason}), and `missing` says stop. "
            "Add the text, leave the pairs out, or say `missing: drop`."
        )


def _read(corpus: Corpus, finetuning: Finetuning, pairs: tuple[Pair, ...]) -> list[tuple[Split, Pair]]:
    """The text that a finetuning reads: of its pairs, and the dev split of those a checkpoint is chosen by."""
    found = [(Split.TRAIN, pair) for pair in pairs]
    if selection := finetuning.method.selection:
        looked = pairs if selection.pairs == "trained" else selection.pairs
        missing = corpus.missing(looked, Split.DEV)
        found += [(Split.DEV, pair) for pair in looked if pair not in missing]
    return found


def _recipes(recipe: dict[str, Any], read: Reading | None, base: ModelIdentity) -> dict[str, Any]:
    """A finetuning's recipe, and the one of an earlier version where that was another."""
    before = {**recipe, "base": base.former.id if base.former else recipe["base"]}
    if read is not None:
        options = {key: value for key, value in recipe["corpus"]["options"].items() if key != "path"}
        corpus_read = {**recipe["corpus"], "revision": read.revision, "options": options}
        recipe = {**recipe, "version": 2, "corpus": corpus_read}
    # what earlier versions left out of the examples was less: such a model is another
    if recipe == before or "held_out" in recipe:
        return {"recipe": recipe}
    unseen = max(base.former.unseen if base.former else 0.0, read.unseen if read else 0.0)
    return {
        "recipe": recipe,
        "former": Former(recipe=before, unseen=unseen, touched=read.touched if read else float("inf")),
    }


def _plan_training(spec: GridSpec, base: ModelIdentity, finetuning: Finetuning, tested: TestText) -> PlannedTraining:
    choice = finetuning.corpus or spec.corpus
    corpus: Corpus = open_corpus(choice.kind, choice.placed)
    asked = chosen(finetuning.pairs, spec.languages)
    prompt = complete(finetuning.prompt or spec.prompt, choice, Split.TRAIN, spec.languages)
    absent = corpus.missing({*asked, *chosen(spec.evaluation.pairs, spec.languages)}, Split.TRAIN)
    missing = {pair: absent[pair] for pair in asked if pair in absent}
    policy = finetuning.missing or spec.missing
    pivot = policy.pivot if missing and isinstance(policy, Pivot) else None
    if pivot:
        from dragoman.corpora.sampling.pivot import Pivoted  # brings numpy, which a plain spec need not wait for

        corpus = Pivoted(corpus, pivot)
        missing = corpus.missing(asked, Split.TRAIN)
    if prompt.shots:
        missing = {**Demonstrator(prompt).missing(asked), **missing}
    pairs = tuple(pair for pair in asked if pair not in missing)
    if not pairs:
        pair, reason = next(iter(missing.items()))
        raise SpecError(
            f"models.{finetuning.name}: the {choice.kind} corpus has training text for none of its {len(asked)} pairs "
            f"({pair}: {reason}). Choose another corpus or other pairs."
        )
    _stop_at(missing, len(asked), policy, f"models.{finetuning.name}")
    seed = spec.seed if finetuning.seed is None else finetuning.seed
    filters = finetuning.filters or spec.filters
    recipe: dict[str, Any] = {
        "base": base.id,
        "pairs": pairs,
        "examples": finetuning.examples,
        "corpus": {"kind": choice.kind, "revision": corpus.revision, "options": choice.options},
        "prompt": prompt.meaning if prompt.meaning.keys() - {"template"} else prompt.meaning["template"],
        "method": finetuning.method,
        "seed": seed,
    }
    # only where the spec has any, so that models of plain specs keep their identity
    if filters != Filters():
        recipe["filters"] = filters
    if filters.test_overlap:
        recipe["held_out"] = {"tested": tested.id, "similarity": tested.similarity, "search": SEARCH}
    read = reading(corpus, _read(corpus, finetuning, pairs))
    identity = ModelIdentity(
        name=finetuning.name, parent=base.id, seed=seed, **_recipes(plain_json(recipe), read, base)
    )
    return PlannedTraining(
        identity=identity, finetuning=finetuning, corpus=choice, prompt=prompt, seed=seed, pairs=pairs,
        missing=missing, absent=dict(sorted(absent.items())),
        filters=filters, pivot=pivot, held_out=tested if filters.test_overlap else None,
    )  # fmt: skip
