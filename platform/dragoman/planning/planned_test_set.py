"""One test set of a plan: its lines pair by pair, what it lacks, and what is left out of it."""

from collections.abc import Callable, Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from dragoman.corpora.factory import open_corpus
from dragoman.corpora.sampling.test_lines import TestLines
from dragoman.errors import SpecError, nearest
from dragoman.pair import Pair, PairKey
from dragoman.planning.test_set import TestSet, id_of_tested
from dragoman.planning.training_text import TestText
from dragoman.segment import Split
from dragoman.spec.grid import GridSpec
from dragoman.spec.pairs import chosen
from dragoman.spec.test_sets import LongSentences, TestSetChoice


class PlannedTestSet(BaseModel):
    """A test set of a grid."""

    model_config = ConfigDict(frozen=True)

    name: str | None = None
    """Its name in the grid; None where the specification names none."""
    test_set: TestSet
    """What it is."""
    tested: TestText
    """The same, for the search in training text."""
    pairs: tuple[Pair, ...]
    """The pairs that are evaluated on it."""
    contents: dict[PairKey, str]
    """Content hash of each pair's lines."""
    missing: dict[PairKey, str]
    """Pairs without lines, with the reason."""
    line_breaks: dict[PairKey, int] = {}
    """Sentences of a pair with a line break in them, which is a space in the segment; only where there are any."""
    left_out: dict[PairKey, tuple[int, ...]] = {}
    """Numbers, from 1, of the sentences that are left out since some model has no room for them."""
    too_long: LongSentences | None = None
    """Its own answer to sentences that a model has no room for; the evaluation's by default."""

    @property
    def id(self) -> str:
        """Its identity."""
        return self.test_set.id

    @property
    def lines(self) -> TestLines:
        """Its lines, without those that are left out.

        Raises:
            CorpusError: the corpus can't be opened.
        """
        return self.tested.lines.but(self.left_out)

    def within(self, text: str) -> str:
        """A sentence about it, with its name before it where it has one."""
        return text if self.name is None else f"{self.name}: {text}"


def test_set_named(test_sets: Sequence[PlannedTestSet], name: str | None) -> PlannedTestSet:
    """The test set of a name; the first by default.

    Raises:
        SpecError: there is none of that name.
    """
    if name is None:
        return test_sets[0]
    names = [str(each.name) for each in test_sets if each.name is not None]
    if name not in names:
        raise SpecError(
            f"The grid has no test set '{name}'; {nearest(name, names) if names else 'its one has no name.'}"
        )
    return test_sets[names.index(name)]


def planned_test_sets(
    spec: GridSpec, check_missing: Callable[[TestSetChoice, dict[Pair, str], int, str], None]
) -> tuple[PlannedTestSet, ...]:
    """The test sets of a spec, with the hashes of their lines.

    Args:
        spec: the spec.
        check_missing: refuses missing pairs of a test set, given how many pairs are asked for, and where it stands.

    Raises:
        SpecError: one has text for none of its pairs, or two are the same.
        CorpusError: a corpus is not there, or damaged.
    """
    planned: list[PlannedTestSet] = []
    for place, choice in enumerate(spec.test_sets):
        where = "evaluation" if choice.name is None else f"evaluation.test_sets.{place}"
        found = _planned(spec, choice, where, check_missing)
        planned.append(_apart(found, planned, where))
    return tuple(planned)


def _planned(
    spec: GridSpec,
    choice: TestSetChoice,
    where: str,
    check_missing: Callable[[TestSetChoice, dict[Pair, str], int, str], None],
) -> PlannedTestSet:
    corpus_choice, split = choice.corpus or spec.corpus, choice.split or Split.TEST
    corpus = open_corpus(corpus_choice.kind, corpus_choice.placed)
    pairs = tuple(chosen(choice.pairs or "all", spec.languages))
    missing = corpus.missing(pairs, split)
    if len(missing) == len(pairs):
        pair, reason = next(iter(missing.items()))
        raise SpecError(
            f"{where}: the {corpus_choice.kind} corpus has {split} text for none of the {len(pairs)} pairs "
            f"({pair}: {reason}). Choose another corpus, split or languages."
        )
    check_missing(choice, missing, len(pairs), where)
    lines = TestLines(corpus, tuple(pair for pair in pairs if pair not in missing), split, choice.sentences)
    contents = {pair: lines.content(pair) for pair in lines.pairs}
    test_set = TestSet.of(corpus, corpus_choice.kind, split, choice.sentences)
    tested = TestText(
        corpus=corpus_choice, split=split, sentences=choice.sentences, pairs=tuple(contents),
        similarity=spec.contamination.similarity, id=id_of_tested(test_set, contents),
    )  # fmt: skip
    return PlannedTestSet(
        name=choice.name, test_set=test_set, tested=tested, pairs=pairs, contents=contents, missing=missing,
        line_breaks={pair: broken for pair in contents if (broken := lines.line_breaks(pair))},
        too_long=choice.too_long,
    )  # fmt: skip


def _apart(found: PlannedTestSet, others: Iterable[PlannedTestSet], where: str) -> PlannedTestSet:
    """A test set that the ones before it are not: files of one name in two folders are two test sets.

    Raises:
        SpecError: it is one of them, with the same lines.
    """
    alike = next((other for other in others if other.id == found.id), None)
    if alike is None:
        return found
    shared = [pair for pair, content in found.contents.items() if alike.contents.get(pair) == content]
    if shared or not found.test_set.is_by_lines:
        raise SpecError(
            f"{where}: {found.name} is the same test set as {alike.name}"
            f"{f' (the lines of {shared[0]} are the same)' if shared else ''}: leave one of them out, or choose "
            "another corpus, split or sentences."
        )
    test_set = found.test_set.model_copy(update={"revision": f"{found.test_set.revision}, {found.name}"})
    tested = found.tested.model_copy(update={"id": id_of_tested(test_set, found.contents)})
    return found.model_copy(update={"test_set": test_set, "tested": tested})
