"""Planning of a grid: from its specification, the corpora and what models say of themselves to the plan."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from dragoman.contamination import SEARCH
from dragoman.corpora.base import Corpus
from dragoman.corpora.factory import open_corpus
from dragoman.corpora.readers.content import Reading, reading
from dragoman.errors import SpecError
from dragoman.identity import hash_lines, plain_json
from dragoman.model import Former, ModelIdentity
from dragoman.pair import Pair
from dragoman.planning.baselines import identity_of, planned_baselines
from dragoman.planning.few_shot import Demonstrator, complete
from dragoman.planning.pivot_systems import planned_pivots
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.planning.planned_test_set import PlannedTestSet, planned_test_sets
from dragoman.planning.room import left_out
from dragoman.planning.test_set import LEFT_OUT
from dragoman.segment import Split
from dragoman.spec.filters import Filters
from dragoman.spec.finetuning import Finetuning
from dragoman.spec.grid import GridSpec
from dragoman.spec.missing import Missing, Pivot
from dragoman.spec.pairs import chosen
from dragoman.spec.test_sets import TestSetChoice


def make_plan(spec: GridSpec) -> Plan:
    """Enumerate a grid, reading test lines and the presence of training text but writing nothing.

    Raises:
        SpecError, CorpusError, ModelError: something the spec names is not there.
    """
    base = identity_of(spec.base, "base.model", chat=spec.chats)
    spec = _with_complete_prompts(spec)
    test_sets = planned_test_sets(spec, partial(_check_missing, spec))
    pairs = sorted({pair for test_set in test_sets for pair in test_set.pairs})
    trainings = tuple(_plan_training(spec, base, finetuning, test_sets) for finetuning in spec.finetunings)
    baselines = planned_baselines(spec, base, test_sets)
    models = [base, *(each.identity for each in baselines), *(each.identity for each in trainings)]
    plan = Plan(
        spec=spec,
        base=base,
        trainings=trainings,
        baselines=(*baselines, *planned_pivots(spec, {model.name: model for model in models}, test_sets)),
        test_sets=test_sets,
        prompts=spec.prompts,
        undemonstrated={prompt.id: Demonstrator(prompt).missing(pairs) for prompt in spec.prompts if prompt.shots},
    )  # fmt: skip
    if all(plan.too_long(test_set) != "leave_out" for test_set in test_sets):
        return plan
    shortened = (
        _without_long_sentences(plan, test_set) if plan.too_long(test_set) == "leave_out" else test_set
        for test_set in test_sets
    )
    return Plan(**{**{name: getattr(plan, name) for name in Plan.model_fields}, "test_sets": tuple(shortened)})


def _check_missing(spec: GridSpec, choice: TestSetChoice, missing: Mapping[Pair, str], pairs: int, place: str) -> None:
    _stop_at(missing, pairs, choice.missing or spec.missing, place)


def _without_long_sentences(plan: Plan, test_set: PlannedTestSet) -> PlannedTestSet:
    """A test set without the sentences that some model has no room for, for all models: another test set."""
    lines = left_out(plan, test_set)
    if not lines:
        return test_set
    contents, missing = dict(test_set.contents), dict(test_set.missing)
    rest = test_set.tested.lines.but(lines)
    for pair, numbers in lines.items():
        contents[pair] = rest.content(pair)
        if not rest.segments(pair, 1):
            del contents[pair]
            missing[pair] = f"no model and prompt of the grid has room for any of its {len(numbers)} sentences"
    which = hash_lines(f"{pair} {number}" for pair, numbers in sorted(lines.items()) for number in numbers)[:8]
    count = len({number for numbers in lines.values() for number in numbers})
    revision = f"{test_set.test_set.revision}, {LEFT_OUT} {count} long lines ({which})"
    shorter = test_set.test_set.model_copy(update={"revision": revision})
    return test_set.model_copy(
        update={"contents": contents, "missing": missing, "test_set": shorter, "left_out": lines}
    )


def _with_complete_prompts(spec: GridSpec) -> GridSpec:
    """The spec with every field filled in that the identities of its evaluation's prompts depend on."""
    evaluation = spec.evaluation
    corpus = spec.test_sets[0].corpus or spec.corpus
    prompts = tuple(complete(prompt, corpus, Split.DEV, spec.languages) for prompt in spec.prompts)
    if prompts == spec.prompts and len(prompts) == 1:
        return spec
    return spec.model_copy(update={"evaluation": evaluation.model_copy(update={"prompts": prompts, "prompt": None})})


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


def _monolingual(
    spec: GridSpec, finetuning: Finetuning, corpus: Corpus, kind: str
) -> tuple[dict[str, Pair], dict[str, str]]:
    """The languages of monolingual examples, each with the pair it is read of; and those without text, with the reason.

    A language is read of the pair from the first of the grid's other languages that the corpus has with it.

    Raises:
        SpecError: there is text of none of them, or not of all and `missing` says stop.
    """
    asked = finetuning.monolingual
    if asked is None:
        return {}, {}
    languages = sorted(spec.languages if asked.languages == "all" else asked.languages)
    into = {tag: [Pair(other, tag) for other in spec.languages if other != tag] for tag in languages}
    missing = corpus.missing([pair for pairs in into.values() for pair in pairs], Split.TRAIN)
    found = {tag: there[0] for tag, pairs in into.items() if (there := [pair for pair in pairs if pair not in missing])}
    wordless = {tag: missing[into[tag][0]] for tag in languages if tag not in found}
    if not found or (wordless and (finetuning.missing or spec.missing) == "stop"):
        tag, reason = next(iter(wordless.items()))
        raise SpecError(
            f"models.{finetuning.name}: the {kind} corpus has no training text of {len(wordless)} of the "
            f"{len(languages)} languages of its monolingual instructions ({tag}: {reason}). Choose another corpus or "
            "other languages."
        )
    return found, wordless


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


def _plan_training(
    spec: GridSpec, base: ModelIdentity, finetuning: Finetuning, test_sets: Sequence[PlannedTestSet]
) -> PlannedTraining:
    choice = finetuning.corpus or spec.corpus
    corpus: Corpus = open_corpus(choice.kind, choice.placed)
    asked = chosen(finetuning.pairs, spec.languages)
    prompt = complete(finetuning.prompt or spec.prompt, choice, Split.TRAIN, spec.languages)
    absent = corpus.missing({*asked, *spec.evaluated()}, Split.TRAIN)
    missing = {pair: absent[pair] for pair in asked if pair in absent}
    policy = finetuning.missing or spec.missing
    spoken, wordless = _monolingual(spec, finetuning, corpus, choice.kind)
    pivot = policy.pivot if missing and isinstance(policy, Pivot) else None
    if pivot:
        from dragoman.corpora.sampling.pivot import Pivoted  # brings numpy, which a plain spec need not wait for

        corpus = Pivoted(corpus, pivot)
        missing = corpus.missing(asked, Split.TRAIN)
    if prompt.shots:
        missing = {**Demonstrator(prompt).missing(asked), **missing}
    pairs = tuple(pair for pair in asked if pair not in missing)
    if not pairs and not spoken:
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
        "corpus": {"kind": choice.kind, "revision": corpus.revision, "options": choice.meant},
        "prompt": prompt.meaning if prompt.meaning.keys() - {"template"} else prompt.meaning["template"],
        "method": finetuning.method,
        "seed": seed,
    }
    # only where the spec has any, so that models of plain specs keep their identity
    if finetuning.monolingual:
        recipe["monolingual"] = {
            "task": finetuning.monolingual.task, "template": finetuning.monolingual.asking,
            "examples": finetuning.examples_of_each_language, "languages": {tag: str(spoken[tag]) for tag in spoken},
        }  # fmt: skip
    if filters != Filters():
        recipe["filters"] = filters
    held_out = tuple(test_set.tested for test_set in test_sets) if filters.test_overlap else ()
    if held_out:
        recipe["held_out"] = {
            "tested": held_out[0].id if len(held_out) == 1 else sorted(tested.id for tested in held_out),
            "similarity": held_out[0].similarity,
            "search": SEARCH,
        }
    read = reading(corpus, [*_read(corpus, finetuning, pairs), *((Split.TRAIN, pair) for pair in spoken.values())])
    identity = ModelIdentity(
        name=finetuning.name, parent=base.id, seed=seed, **_recipes(plain_json(recipe), read, base)
    )
    return PlannedTraining(
        identity=identity, finetuning=finetuning, corpus=choice, prompt=prompt, seed=seed, pairs=pairs,
        missing=missing, monolingual=spoken, wordless=wordless, absent=dict(sorted(absent.items())),
        filters=filters, pivot=pivot, held_out=held_out,
    )  # fmt: skip
