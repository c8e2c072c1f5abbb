"""The test sets of an evaluation: each with lines, and rows of the results, of its own."""

from collections.abc import Collection
from typing import Any, Literal

from dragoman.errors import nearest
from dragoman.segment import Split
from dragoman.spec.base import Name, SpecModel
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.pairs import PairsField
from dragoman.spec.sentences import Sentences

LongSentences = Literal["fail", "empty", "cut", "leave_out"]
"""What becomes of a test sentence that a model has no room for."""


class TestSetChoice(SpecModel):
    """One test set of an evaluation; what it leaves out it has from the evaluation."""

    __test__ = False  # a noun of ours, not a pytest class

    name: Name | None = None
    """What commands, tables, pages and policies call it; None where the evaluation has one test set without a name."""
    corpus: CorpusChoice | None = None
    """Where its sentences come from."""
    split: Split | None = None
    """The split that is read."""
    sentences: Sentences | None = None
    """The first so many sentences of each pair, or a sample."""
    pairs: PairsField | None = None
    """The pairs that are tested on it."""
    missing: Literal["stop", "drop"] | None = None
    """What becomes of pairs without text in it."""
    too_long: LongSentences | None = None
    """What becomes of its sentences that a model has no room for."""


class NamedTestSet(TestSetChoice):
    """One of several test sets, as a spec lists them."""

    name: Name
    """What commands, tables, pages and policies call it: `--test-set NAME`."""


def with_test_sets(value: Any, shared: Collection[str]) -> Any:
    """An evaluation that is written as a list of test sets, as the mapping that it stands for.

    Args:
        value: what stands at `evaluation`.
        shared: the keys that all test sets share; the first entry may have them.

    Raises:
        ValueError: another entry has one of those.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(each, dict) for each in value):
        return value
    if not value:
        raise ValueError("is an empty list; name at least one test set, or leave evaluation out")
    for place, entry in enumerate(value[1:], 1):
        for key in entry:
            if key in shared:
                raise ValueError(
                    f"has {key} in its entry {place}, which all test sets share: put it into the first entry, or write "
                    f"`evaluation: {{test_sets: [...], {key}: ...}}`"
                )
    common = {key: item for entry in value[:1] for key, item in entry.items() if key in shared}
    own = [{key: item for key, item in entry.items() if key not in shared} for entry in value]
    return {**common, "test_sets": own}


def require_test_set(name: str | None, place: str, known: Collection[str]) -> None:
    """Refuse a name that none of an evaluation's test sets has.

    Raises:
        ValueError: it is one.
    """
    if name is None or name in known:
        return
    remedy = nearest(name, known) if known else "it names none: list them in evaluation.test_sets, each with a name"
    raise ValueError(f"names the test set '{name}' in {place}, which evaluation.test_sets lacks; {remedy}")
