"""Contamination as a metric of the gate: how much of a pair's test sentences a model may have seen."""

from collections import defaultdict
from collections.abc import Iterator

from dragoman.analysis.pair_scores import PairScore
from dragoman.pair import Pair
from dragoman.store.records import GridRecord
from dragoman.store.store import Store
from dragoman_registry.gate.gate import PairNumbers


def contamination(
    store: Store, grid: GridRecord, model: str, planned: list[PairScore], test_set: str | None = None
) -> list[PairNumbers]:
    """The share of each pair's test sentences, in percent, that is in a training text of the model or its ancestors.

    It is the largest share found of either language's sentences in the text of any one pair, exact and near copies
    together. A language that was never trained on has none; one whose text was not looked at, or by an earlier
    version's search alone, which could miss copies, has no number.

    Args:
        store: the results store.
        grid: the grid.
        model: id of the model.
        planned: the pairs that were planned for it.
        test_set: identity of the test set; any of the grid by default.
    """
    rates: dict[tuple[Pair, str], float] = {}
    outdated: set[tuple[Pair, str]] = set()
    for ancestor in _lineage(store, model):
        for record in store.contamination.of_grid(grid.name, ancestor) if ancestor in grid.names else ():
            if test_set not in (None, record.test_set):
                continue
            looked_at = (record.pair, record.language)
            if record.is_lower_bound:
                outdated.add(looked_at)
            rates[looked_at] = max(rates.get(looked_at, 0.0), 100 * record.rate)
    texts: defaultdict[str, set[Pair]] = defaultdict(set)
    for ancestor in _lineage(store, model):
        for pair in _trained(store, ancestor):
            for language in pair:
                texts[language].add(pair)
        for language, pair in _spoken(store, ancestor).items():
            texts[language].add(pair)
    return [_numbers(each, texts, rates, outdated) for each in planned]


def _numbers(
    score: PairScore,
    texts: dict[str, set[Pair]],
    rates: dict[tuple[Pair, str], float],
    outdated: set[tuple[Pair, str]],
) -> PairNumbers:
    read = [(pair, language) for language in score.pair for pair in sorted(texts.get(language, ()))]
    reason, value = "", None
    if unknown := [pair for pair, language in read if (pair, language) not in rates]:
        reason = f"the training text of {unknown[0]} was not searched for test sentences"
    elif missed := [pair for pair, language in read if (pair, language) in outdated]:
        reason = (
            f"the training text of {missed[0]} was searched by an earlier version, which could miss copies of test "
            "sentences: run the grid's spec again"
        )
    else:
        value = max((rates[each] for each in read), default=0.0)
    return PairNumbers(pair=score.pair, partition=score.partition, value=value, reason=reason)


def _lineage(store: Store, model: str) -> Iterator[str]:
    """A model and those before it that were finetuned here: of any other, nobody can look at the text."""
    found: str | None = model
    while found is not None and store.models.training(found) is not None:
        yield found
        found = store.models.get(found).parent


def _trained(store: Store, model: str) -> set[Pair]:
    read = (store.models.training(model) or {}).get("examples")
    return {Pair.read_back(pair) for pair in read} if read else set(store.models.get(model).graph.pairs)


def _spoken(store: Store, model: str) -> dict[str, Pair]:
    """The languages of a model's monolingual examples, each with the pair that it was read of."""
    read = (store.models.training(model) or {}).get("monolingual", {})
    languages = store.models.get(model).recipe.get("monolingual", {}).get("languages", {})
    return {tag: Pair.read_back(pair) for tag, pair in languages.items() if tag in read}
