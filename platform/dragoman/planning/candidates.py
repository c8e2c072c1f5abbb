"""The grid of dev sentences on which the candidate for promotion is chosen: only the gate looks at the test set.

To choose the best of several models on the test set and then to judge it there flatters it. So a grid that promotes
one of several finetuned models has them translate some sentences of dev as well, in a small grid of its own.
"""

from typing import Any

from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.planning.planned_test_set import PlannedTestSet, test_set_named
from dragoman.planning.test_set import TestSet, id_of_tested
from dragoman.planning.training_text import TestText
from dragoman.segment import Split
from dragoman.spec.base import LONGEST_NAME
from dragoman.spec.promotion import Promotion, is_in
from dragoman.store.store import Store

ENDING = "-dev"
"""What is added to a grid's name."""


def candidates_name(grid: str) -> str:
    """The name of the grid on which a grid's candidates are chosen."""
    return f"{grid[: LONGEST_NAME - len(ENDING)]}{ENDING}"


def candidates_plan(plan: Plan) -> Plan | None:
    """The plan of the dev sentences for every finetuned model; None where nothing is chosen, or not on dev.

    It has the pairs that candidates are compared over, as far as the corpus has dev sentences of them.
    """
    if why_on_test(plan) is not None or plan.spec.promotion is None or len(plan.trainings) < 2:
        return None
    spec, policy = plan.spec, plan.spec.promotion
    choice, sentences = _looked_at(plan, policy).tested.corpus, policy.candidates.sentences
    corpus = open_corpus(choice.kind, choice.placed)
    pairs = _compared(plan, policy)
    absent = corpus.missing(pairs, Split.DEV)
    contents = {pair: corpus.content(pair, Split.DEV, sentences) for pair in pairs if pair not in absent}
    test_set = TestSet.of(corpus, choice.kind, Split.DEV, sentences)
    tested = TestText(
        corpus=choice, split=Split.DEV, sentences=sentences, pairs=tuple(contents),
        similarity=spec.contamination.similarity, id=id_of_tested(test_set, contents),
    )  # fmt: skip
    dev = PlannedTestSet(test_set=test_set, tested=tested, pairs=tuple(contents), contents=contents, missing={})
    evaluation: dict[str, Any] = {
        "test_sets": (), "corpus": choice if spec.evaluation.test_sets else spec.evaluation.corpus,
        "split": Split.DEV, "sentences": sentences, "base": False,
        "pairs": tuple(contents), "prompts": (plan.prompt,), "prompt": None, "missing": "drop",
    }  # fmt: skip
    own: dict[str, Any] = {
        "name": candidates_name(spec.name), "candidates_of": spec.name, "promotion": None, "baselines": (),
        "evaluation": spec.evaluation.model_copy(update=evaluation),
    }  # fmt: skip
    changes: dict[str, Any] = {
        "spec": spec.model_copy(update=own),
        "test_sets": (dev,),
        "trainings": tuple(training.model_copy(update={"text": None}) for training in plan.trainings),
        "baselines": (), "prompts": (plan.prompt,), "undemonstrated": {}, "known_as": None,
    }  # fmt: skip
    return Plan(**{**{field: getattr(plan, field) for field in Plan.model_fields}, **changes})


def why_on_test(plan: Plan) -> str | None:
    """Why the candidate of a grid is chosen on the test set, as a clause; None where it need not be."""
    policy = plan.spec.promotion
    if policy is None or len(plan.trainings) < 2:
        return None
    if policy.candidates.split == "test":
        return "promotion.candidates says so"
    looked_at = _looked_at(plan, policy)
    if looked_at.tested.split is Split.DEV:
        return "the evaluation itself is on dev"
    if plan.prompt.shots:
        return "the examples in its prompt are dev sentences"
    choice = looked_at.tested.corpus
    pairs = _compared(plan, policy)
    try:
        absent = open_corpus(choice.kind, choice.placed).missing(pairs, Split.DEV)
    except CorpusError as error:
        return f"there are no dev sentences: {error}"
    if len(absent) == len(pairs):
        return f"the {choice.kind} corpus has no dev sentences of its pairs"
    return None


def is_theirs(store: Store, plan: Plan) -> bool:
    """Whether a grid of the plan's name in the store is such a grid, or there is none: others' are left alone."""
    found = next((grid for grid in store.grids.all() if grid.name == plan.spec.name), None)
    return found is None or found.spec.get("candidates_of") == plan.spec.candidates_of


def _looked_at(plan: Plan, policy: Promotion) -> PlannedTestSet:
    """The test set that the policy is about."""
    return test_set_named(plan.test_sets, policy.test_set)


def _compared(plan: Plan, policy: Promotion) -> list[Pair]:
    """The pairs that candidates are compared over, for every alias that a candidate is proposed for."""
    scopes = [policy.over, *(champion.over for champion in policy.champions)]
    graphs = [training.graph.inherit(plan.base_graph) for training in plan.trainings]

    def is_compared(pair: Pair) -> bool:
        return any(is_in(scope, pair, graph.partition(pair)) for scope in scopes for graph in graphs)

    return [pair for pair in _looked_at(plan, policy).contents if is_compared(pair)]
