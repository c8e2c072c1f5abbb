"""A system whose scores are quoted: its identity, which is its source and scores, and what the store keeps of it."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from dragoman.identity import hash_lines
from dragoman.model import QUOTED, ModelIdentity
from dragoman.pair import Pair
from dragoman.quoted.table import QuotedScore, ScoreTable, read_scores
from dragoman.spec.quoted import QuotedScores
from dragoman.store.records import StoredScore
from dragoman.store.signatures import quoted_signature


class QuotedSystem(NamedTuple):
    """A system that was read from a table of its scores."""

    identity: ModelIdentity
    """The system: its source, what that says of the scores, and their hash; whatever the system is called."""
    table: ScoreTable
    """The table."""
    signature: str
    """The signature of its scores."""
    missing: Mapping[Pair, str]
    """Pairs that its source has no score of, with the reason."""

    @property
    def scores(self) -> dict[Pair, tuple[StoredScore, ...]]:
        """The scores of each pair, as the store keeps them."""
        found: dict[Pair, tuple[StoredScore, ...]] = {}
        for each in self.table.scores:
            score = StoredScore(
                metric=each.metric, signature=self.signature, value=each.value, low=each.low, high=each.high
            )
            found[each.pair] = (*found.get(each.pair, ()), score)
        return found

    def changed(self, before: Mapping[Pair, Sequence[StoredScore]]) -> str:
        """The first difference to the scores that a store has of a system of this name, as a clause."""
        known = {(pair, score.metric): score for pair, scores in before.items() for score in scores}
        for each in self.table.scores:
            there = known.pop((each.pair, each.metric), None)
            place = f"{self.table.place}, {self.table.unit} {each.number}"
            if there is None:
                return f"{place}, has {each.metric} of {each.pair}, which was not there"
            if (there.value, there.low, there.high) != (each.value, each.low, each.high):
                return f"{each.metric} of {each.pair} was {_shown(there)}, and is {_shown(each)} in {place}"
            if there.signature != self.signature:
                return f"its scores were under '{there.signature}', and are under '{self.signature}'"
        if known:
            pair, metric = next(iter(known))
            return f"{metric} of {pair} was there, and {self.table.place} does not have it"
        return "its scores are of other numbers of sentences than they were"


def read_quoted(
    key: str, name: str, choice: QuotedScores, *, pairs: Collection[Pair], languages: Collection[str]
) -> QuotedSystem:
    """Read the scores of a system from a table.

    Args:
        key: where the table was named, for errors.
        name: the system's name.
        choice: the table.
        pairs: the grid's pairs.
        languages: its languages.

    Raises:
        QuotedScoreError: a row can't be a score of the grid's pairs; the sentence names the line.
        DragomanError: the file is not there, or damaged.
    """
    table = read_scores(key, choice, pairs=pairs, languages=languages)
    lines = [
        f"{each.pair} {each.metric} {each.value!r} {each.low!r} {each.high!r} {each.sentences}" for each in table.scores
    ]
    counts = [each.sentences for each in table.scores if each.sentences is not None]
    recipe = {
        "source": choice.source,
        "signature": choice.signature,
        "sentences": [min(counts), max(counts)] if counts else None,
        "scores": hash_lines(sorted(lines)),
    }
    there = {each.pair for each in table.scores}
    return QuotedSystem(
        ModelIdentity(name=name, recipe={QUOTED: recipe}),
        table,
        quoted_signature(choice.source, choice.signature),
        {pair: f"{choice.source} has no score of {pair}" for pair in pairs if pair not in there},
    )


def _shown(score: StoredScore | QuotedScore) -> str:
    bounds = "" if score.low is None and score.high is None else f" [{score.low}, {score.high}]"
    return f"{score.value:g}{bounds}"
