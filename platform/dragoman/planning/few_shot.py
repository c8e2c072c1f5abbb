"""Demonstrations: the translated examples that a few-shot prompt shows, drawn for each pair."""

from collections.abc import Collection, Iterable

from dragoman.corpora.factory import open_corpus
from dragoman.corpora.sampling.sampling import take
from dragoman.errors import CorpusError, SpecError
from dragoman.pair import Pair
from dragoman.segment import Segment, Split
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.prompt import Demonstrations, Prompt, plain

SPARE = 2
"""Examples drawn beyond those shown: one may be the tested sentence, and another give its translation away."""

_LIKE = 4
"""How many times more segments are drawn, since some share a side with others."""


Drawn = dict[tuple[str, Pair], tuple[Segment, ...]]
"""Demonstrations by a prompt's id and a pair."""


class Demonstrator:
    """Draws the demonstrations of a prompt that the plan has completed (`complete`)."""

    def __init__(self, prompt: Prompt) -> None:
        """Open the corpus of a prompt that has shots.

        Raises:
            CorpusError: it is not there.
        """
        self._prompt = prompt
        drawn = prompt.demonstrations
        if drawn.corpus is None or drawn.split is None:
            raise SpecError(f"The prompt {prompt.label} names no corpus and split for its examples: give it both.")
        self._corpus, self._split = open_corpus(drawn.corpus.kind, drawn.corpus.placed), drawn.split

    def missing(self, pairs: Collection[Pair]) -> dict[Pair, str]:
        """The pairs that the corpus has no examples for, each with the reason."""
        found = self._corpus.missing(pairs, self._split)
        return {pair: f"no examples for its {self._prompt.shots}-shot prompt: {why}" for pair, why in found.items()}

    def of(self, pair: Pair) -> tuple[Segment, ...]:
        """Examples of a pair, all different on both sides: those a prompt shows, and a few to take their place.

        Raises:
            CorpusError: the pair has too few.
        """
        wanted = self._prompt.shots + SPARE
        chosen: list[Segment] = []
        known: set[str] = set()
        for segment in take(self._corpus, pair, self._split, _LIKE * wanted, self._prompt.demonstrations.seed):
            sides = {plain(segment.source), plain(segment.target)}
            if len(chosen) < wanted and not sides & known:
                known |= sides
                chosen.append(segment)
        if len(chosen) < self._prompt.shots:
            raise CorpusError(
                f"The {self._split} split has {len(chosen)} different examples for {pair}, and the prompt shows "
                f"{self._prompt.shots}: lower its shots, or take them from another corpus or split."
            )
        return tuple(chosen)


def draw_for(prompts: Iterable[Prompt], pairs: Collection[Pair]) -> tuple[Drawn, dict[tuple[str, Pair], str]]:
    """The demonstrations of several prompts for several pairs, and the reasons why some have none.

    Raises:
        CorpusError: a corpus is not there.
    """
    drawn: Drawn = {}
    reasons: dict[tuple[str, Pair], str] = {}
    for prompt in prompts:
        if not prompt.shots:
            continue
        demonstrator, identity = Demonstrator(prompt), prompt.id
        absent = demonstrator.missing(pairs)
        reasons |= {(identity, pair): why for pair, why in absent.items()}
        for pair in set(pairs) - absent.keys():
            try:
                drawn[identity, pair] = demonstrator.of(pair)
            except CorpusError as error:
                reasons[identity, pair] = str(error)
    return drawn, reasons


def complete(prompt: Prompt, corpus: CorpusChoice, split: Split, languages: tuple[str, ...]) -> Prompt:
    """The prompt with every field filled in that its identity depends on.

    Args:
        prompt: the prompt as the spec gives it.
        corpus: where examples come from by default.
        split: likewise the split.
        languages: those that a wrong instruction names by default.

    Raises:
        CorpusError: the corpus of its examples is not there.
        SpecError: that corpus has another revision than the spec asks for.
    """
    if prompt.instruction == "wrong" and not prompt.wrong_languages:
        prompt = prompt.model_copy(update={"wrong_languages": languages})
    if not prompt.shots:
        return prompt
    drawn = prompt.demonstrations
    chosen = drawn.corpus or corpus
    revision = open_corpus(chosen.kind, chosen.placed).revision
    if drawn.revision not in (None, revision):
        raise SpecError(
            f"The examples of the prompt {prompt.label} shall come from revision {drawn.revision} of the {chosen.kind} "
            f"corpus, which is at {revision}: put that revision back, or change demonstrations.revision."
        )
    full = Demonstrations(corpus=chosen, split=drawn.split or split, seed=drawn.seed, revision=revision)
    return prompt.model_copy(update={"demonstrations": full})
