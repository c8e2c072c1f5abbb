"""Drawing the examples of a finetuning, for the plan, which describes them, and for the job that trains."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from dragoman.contamination import SEARCH
from dragoman.corpora.base import Corpus
from dragoman.corpora.factory import open_corpus
from dragoman.corpora.sampling.overlap import HeldOut, Overlap
from dragoman.corpora.sampling.pivot import Pivoted
from dragoman.corpora.sampling.sampling import Sample, draw
from dragoman.errors import CorpusError, DragomanError
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.planning.monolingual_text import MonolingualSample, draw_instructions
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.planning.planned_test_set import PlannedTestSet
from dragoman.planning.training_text import Found, PairText, TestText, TrainingText, id_of_searched
from dragoman.segment import Segment, Split
from dragoman.spec.examples import SharedExamples, allot
from dragoman.store.records import ContaminationRecord


class ContaminationError(DragomanError):
    """More of the test set is in training text than the spec allows."""


def held_out(tested: TestText) -> HeldOut:
    """Read the test sentences.

    Raises:
        CorpusError: their text is not there, or damaged.
    """
    corpus = open_corpus(tested.corpus.kind, tested.corpus.placed)
    return HeldOut(corpus, tested.pairs, tested.split, tested.sentences, tested.similarity)


def draw_examples(planned: PlannedTraining) -> dict[Pair, Sample]:
    """The examples of a finetuning, pair by pair; the same ones each time and everywhere.

    Raises:
        CorpusError: text is not there or damaged, or is not what the plan was made from.
        MetricError: the language filter can't tell a language.
    """
    return _draw(_open(planned), planned)


def _draw(corpus: Corpus, planned: PlannedTraining) -> dict[Pair, Sample]:
    counts = planned.text.counts if planned.text else _counts(corpus, planned)
    examine = _examine(planned.held_out) if planned.held_out else None
    samples = draw(corpus, counts, Split.TRAIN, planned.seed, planned.filters, examine)
    for pair, text in (planned.text.pairs if planned.text else {}).items():
        if _content(samples[pair]) != text.content:
            raise CorpusError(_changed(planned, f"examples of {pair}"))
    return samples


def draw_monolingual(planned: PlannedTraining) -> dict[str, MonolingualSample]:
    """The monolingual examples of a finetuning, language by language; the same ones each time and everywhere.

    Raises:
        CorpusError: text is not there or damaged, or is not what the plan was made from.
        MetricError: the language filter can't tell a language.
    """
    asked = planned.finetuning.monolingual
    if asked is None or not planned.monolingual:
        return {}
    trained = planned.text.counts if planned.text else _counts(_open(planned), planned)
    samples = draw_instructions(
        _corpus(planned), planned.monolingual, asked.task, planned.finetuning.examples_of_each_language,
        planned.seed, planned.filters, _examine(planned.held_out) if planned.held_out else None, trained,
    )  # fmt: skip
    for tag, text in (planned.text.monolingual if planned.text else {}).items():
        if _content_of(samples[tag]) != text.content:
            raise CorpusError(_changed(planned, f"monolingual examples of {tag}"))
    return samples


def _changed(planned: PlannedTraining, what: str) -> str:
    return (
        f"{planned.identity.name}: the {planned.corpus.kind} corpus gives other {what} than when the plan was made: "
        "its text has changed. Run the spec again, which plans it anew."
    )


def _examine(held: Sequence[TestText]) -> Callable[[Pair, Segment], str | None]:
    """A filter for what is like a sentence of any of some test sets."""
    known = [held_out(tested) for tested in held]

    def examine(pair: Pair, segment: Segment) -> str | None:
        return next((why for each in known if (why := each.examine(pair, segment))), None)

    return examine


def survey(planned: PlannedTraining, test_sets: Sequence[TestText]) -> TrainingText:
    """Draw the examples of a finetuning, count what was left out, and look for sentences of each test set in them.

    Raises:
        CorpusError: text is not there, or damaged.
        MetricError: the language filter can't tell a language.
    """
    corpus = _open(planned)
    samples, instructions = _draw(corpus, planned), draw_monolingual(planned)
    made = corpus.made(planned.pairs, Split.TRAIN) if isinstance(corpus, Pivoted) else set()
    pairs = {
        pair: PairText(
            read=sample.read,
            removed={name: count for name, count in sorted(sample.removed.items()) if count},
            examples=len(sample.segments),
            content=_content(sample),
            characters=sum(len(side) for segment in sample.segments for side in segment),
            pivot=planned.pivot if pair in made else None,
            line_breaks=corpus.line_breaks(pair, Split.TRAIN, None),
        )
        for pair, sample in samples.items()
    }
    monolingual = {
        tag: PairText(
            read=sample.read,
            removed={name: count for name, count in sorted(sample.removed.items()) if count},
            examples=len(sample.instructions),
            content=_content_of(sample),
            characters=sum(len(part) for each in sample.instructions for part in each),
        )
        for tag, sample in instructions.items()
    }
    searched_text = _searched_text(planned, samples, instructions)
    found = [
        _found(overlap, len(segments) + (len(alone) if overlap.side == "target" else 0), tested)
        for tested in test_sets
        for known in [held_out(tested)]
        for pair, (segments, alone) in searched_text.items()
        for overlap in known.overlap(pair, segments, alone)
        if segments or overlap.side == "target" or pair in samples
    ]
    searched, similarity = id_of_searched(test_sets), test_sets[0].similarity
    return TrainingText(
        pairs=pairs, monolingual=monolingual, tested=searched, similarity=similarity, search=SEARCH, found=tuple(found)
    )


def _searched_text(
    planned: PlannedTraining, samples: Mapping[Pair, Sample], instructions: Mapping[str, MonolingualSample]
) -> dict[Pair, tuple[list[Segment], list[str]]]:
    """By pair, its examples and the monolingual sentences that were drawn from its text."""
    alone = {planned.monolingual[tag]: sample.sentences for tag, sample in instructions.items()}
    return {
        pair: (samples[pair].segments if pair in samples else [], alone.get(pair, []))
        for pair in dict.fromkeys((*samples, *alone))
    }


def check_contamination(plan: Plan) -> None:
    """Refuse a plan whose training text holds too many of the test sentences.

    Raises:
        ContaminationError: more than `contamination.at_most` of them, on some side of some pair.
    """
    for sentence in too_contaminated(plan):
        raise ContaminationError(sentence)


def too_contaminated(plan: Plan) -> Iterator[str]:
    """A sentence for each finetuning whose training text holds more of the test set than the spec allows."""
    most = plan.spec.contamination.at_most
    for planned, test_set in ((planned, test_set) for planned in plan.trainings for test_set in plan.test_sets):
        found = planned.text.found_of(test_set.tested) if planned.text else ()
        if over := [each for each in found if each.rate > most]:
            worst = max(over, key=lambda found: found.rate)
            of = "" if test_set.name is None else f" of {test_set.name}"
            yield (
                f"models.{planned.identity.name}: {worst.rate:.1%} of the {worst.sentences} {worst.language} test "
                f"sentences{of} are in the {worst.side} side of the training text of {worst.pair} ({worst.exact} "
                f"exactly, {worst.near} nearly), and {len(over)} sides in all are above contamination.at_most, "
                f"{most:.1%}. Leave them out with `filters: {{test_overlap: true}}`, or raise contamination.at_most."
            )


def contamination_records(planned: PlannedTraining, test_set: PlannedTestSet) -> list[ContaminationRecord]:
    """Records of the contamination of a finetuning's text by a test set; none if it was not read."""
    if (text := planned.text) is None:
        return []
    key = {"model": planned.identity.id, "test_set": test_set.id, "similarity": text.similarity, "search": text.search}
    found = text.found_of(test_set.tested)
    return [ContaminationRecord(**key, **each.model_dump(exclude={"examples", "tested"})) for each in found]


def _corpus(planned: PlannedTraining) -> Corpus:
    corpus: Corpus = open_corpus(planned.corpus.kind, planned.corpus.placed)
    return corpus


def _open(planned: PlannedTraining) -> Corpus:
    corpus = _corpus(planned)
    return Pivoted(corpus, planned.pivot) if planned.pivot else corpus


def _counts(corpus: Corpus, planned: PlannedTraining) -> Mapping[Pair, int]:
    """The requested number of examples of each pair."""
    examples = planned.finetuning.examples
    if not isinstance(examples, SharedExamples):
        return dict.fromkeys(planned.pairs, examples)
    if corpus.shuffled:  # the stream may have no end, and so no size
        return allot(dict.fromkeys(planned.pairs, examples.total), examples.total, examples.temperature)
    # what is slow to examine is examined in what is drawn only: the sizes are those of good length
    quick = planned.filters.model_copy(update={"language": False})
    sizes = draw(corpus, dict.fromkeys(planned.pairs, 0), Split.TRAIN, planned.seed, quick)
    available = {pair: sample.read - sum(sample.removed.values()) for pair, sample in sizes.items()}
    return allot(available, examples.total, examples.temperature)


def _content(sample: Sample) -> str:
    return hash_lines(side for segment in sample.segments for side in segment)


def _content_of(sample: MonolingualSample) -> str:
    return hash_lines(part for each in sample.instructions for part in each)


def _found(overlap: Overlap, segments: int, tested: TestText) -> Found:
    return Found(
        tested=tested.id,
        pair=overlap.pair,
        side=overlap.side,
        segments=segments,
        sentences=overlap.sentences,
        exact=len(overlap.exact),
        near=len(overlap.near),
        examples=tuple((finding.training, finding.test) for finding in overlap.examples),
    )
