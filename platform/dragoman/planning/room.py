"""Test sentences that models have no room for: with its prompt and what may be written, one is longer than a model.

Counted with the tokenizers that are on this machine. Reading them takes neither torch nor, but for chats, transformers.
"""

import unicodedata
from collections.abc import Callable, Sequence
from functools import cached_property
from math import ceil
from typing import Any, NamedTuple

from dragoman.errors import CorpusError, SpecError
from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.planning.few_shot import Demonstrator
from dragoman.planning.local_files import LocalFiles, local_files
from dragoman.planning.plan import Plan
from dragoman.planning.planned_test_set import PlannedTestSet
from dragoman.segment import Segment
from dragoman.spec.decoding import Decoding
from dragoman.spec.prompt import EvaluationPrompt, Prompt, Turn

SPARE = 8
"""Tokens by which a prompt may be longer than its parts, counted each for itself."""

_AROUND = 2
"""Tokens that an encoder reads besides its sentence: the language and the end."""

_PLACE = "\x00"
"""Stands for the sentence in a prompt that is looked at without one."""

Lacking = dict[Pair, dict[int, int]]
"""By pair, the numbers of sentences without room, from 1, each with the tokens that it takes."""


class WithoutRoom(NamedTuple):
    """The sentences that some models have no room for when they are asked with one prompt."""

    models: tuple[ModelIdentity, ...]
    """The models: those that share a tokenizer and a decoding."""
    prompt: Prompt
    """The prompt."""
    written: int
    """Tokens that may be written (`max_new_tokens`)."""
    positions: int
    """Tokens that the models have positions for."""
    test_set: PlannedTestSet
    """The test set that the sentences are of."""
    lacking: Lacking
    """The sentences."""


class Room(NamedTuple):
    """What is known of the room in all models and prompts of a plan."""

    found: list[WithoutRoom]
    """Where sentences have none."""
    unknown: list[str]
    """Sentences on models that nothing can be said of, with the reason."""

    @property
    def lines(self) -> dict[Pair, tuple[int, ...]]:
        """By pair, the numbers of the sentences of one test set that some model has no room for with some prompt."""
        lines: dict[Pair, set[int]] = {}
        for each in self.found:
            for pair, lacking in each.lacking.items():
                lines.setdefault(pair, set()).update(lacking)
        return {pair: tuple(sorted(numbers)) for pair, numbers in lines.items()}


def room(plan: Plan, test_sets: Sequence[PlannedTestSet] | None = None) -> Room:
    """Look for test sentences without room, for every model and prompt.

    Args:
        plan: the plan.
        test_sets: the test sets that are looked through; all by default.

    Raises:
        CorpusError: the test text is damaged.
    """
    texts = [(each, TestText(each)) for each in (plan.test_sets if test_sets is None else test_sets)]
    sides: dict[str, _Model | str] = {}
    groups: dict[tuple[str, str, str], list[ModelIdentity]] = {}
    asked: dict[tuple[str, str, str], tuple[EvaluationPrompt, Decoding]] = {}
    baselines = {planned.identity.id: planned.baseline for planned in plan.baselines}
    unknown: dict[str, None] = {}
    for model, prompt in plan.asked:
        if model.id in plan.from_elsewhere or model.id in plan.pivots:
            continue  # it was asked elsewhere, or the sentences of its second leg are not known yet
        named = baselines.get(model.id) or plan.spec.base
        decoding = plan.decoding_of(model.id)
        key = str(named.model)
        if key not in sides:
            files = local_files(named)
            sides[key] = files if isinstance(files, str) else _Model(files)
        group = key, prompt.label, decoding.id
        groups.setdefault(group, []).append(model)
        asked[group] = prompt, decoding
    found = []
    for group, models in groups.items():
        side, (prompt, decoding) = sides[group[0]], asked[group]
        if isinstance(side, str):
            unknown[f"{', '.join(model.name for model in models)}: {side}"] = None
        elif side.positions is not None:
            for test_set, text in texts:
                pairs = test_set.contents
                lacking = {pair: lines for pair in pairs if (lines := side.lacking(prompt, decoding, pair, text))}
                if lacking:
                    written, positions = decoding.max_new_tokens, side.positions
                    found.append(WithoutRoom(tuple(models), prompt, written, positions, test_set, lacking))
    return Room(found, list(unknown))


class TestText:
    """The text of a test set, what is left out of it too, read as far as it is needed."""

    __test__ = False  # a noun of ours, not a pytest class

    def __init__(self, test_set: PlannedTestSet) -> None:
        self._lines = test_set.tested.lines
        self._longest: dict[str, int] = {}

    def of(self, pair: Pair) -> list[Segment]:
        """The segments of a pair, those that are left out too."""
        return self._lines.segments(pair)

    def longest(self, pair: Pair) -> int:
        """As many tokens as a source sentence of a pair can have."""
        # where all pairs have the same sentences, those of a language are read once
        key = pair.source if self._lines.multiparallel else str(pair)
        if key not in self._longest:
            self._longest[key] = max((_most_tokens(segment.source) for segment in self.of(pair)), default=0)
        return self._longest[key]


def left_out(plan: Plan, test_set: PlannedTestSet) -> dict[Pair, tuple[int, ...]]:
    """The numbers of the sentences that are left out of every pair of a test set: some model has no room for them.

    Raises:
        SpecError: a model's tokenizer is not here, so nobody can tell.
    """
    known = room(plan, [test_set])
    if known.unknown:
        raise SpecError(
            f"evaluation.too_long is leave_out, and which sentences have no room can't be told ({known.unknown[0]}): "
            "bring the tokenizer and the configuration here, or choose empty, cut or fail."
        )
    return known.lines


class _Model:
    """What is known of a model before it runs: its tokenizer and its positions."""

    def __init__(self, files: LocalFiles) -> None:
        self._folder, config, self._tokenizer = files
        text = config.get("text_config") or config
        self.positions: int | None = text.get("max_position_embeddings")
        self._encodes = bool(config.get("is_encoder_decoder"))

    def lacking(self, prompt: Prompt, decoding: Decoding, pair: Pair, text: "TestText") -> dict[int, int]:
        """The numbers of the sentences without room, from 1, each with the tokens that it takes."""
        positions, written = self.positions or 0, decoding.max_new_tokens
        if self._encodes:
            if max(text.longest(pair), written) + _AROUND <= positions:
                return {}
            lengths = [self._plain(segment.source) + _AROUND for segment in text.of(pair)]
            return {
                number: length for number, length in enumerate(lengths, 1) if max(length, written + _AROUND) > positions
            }
        try:
            render = self._renderer(prompt, pair)
        except (CorpusError, SpecError):  # the pair has no examples, and so no cell
            return {}
        before, _, after = render(_PLACE, "").partition(_PLACE)
        frame = self._begun(before) + self._plain(after) + SPARE
        found: dict[int, int] = {}
        if frame + text.longest(pair) + written <= positions:
            return found
        for number, (source, reference) in enumerate(text.of(pair), 1):
            if frame + _most_tokens(source) + written <= positions:
                continue
            length = self._begun(render(source, reference))
            limit = written
            if decoding.max_ratio is not None:
                limit = max(1, min(written, ceil(decoding.max_ratio * self._plain(source))))
            if length + limit > positions:
                found[number] = length
        return found

    def _renderer(self, prompt: Prompt, pair: Pair) -> Callable[[str, str], str]:
        drawn = Demonstrator(prompt).of(pair) if prompt.shots else ()
        if prompt.chat is None:
            return lambda source, reference: prompt.render(pair, source, drawn, reference)
        options = prompt.chat.options
        return lambda source, reference: self._conversation(prompt.turns(pair, source, drawn, reference), options)

    def _conversation(self, turns: Sequence[Turn], options: dict[str, Any]) -> str:
        text: str = self._chats.apply_chat_template(
            [turn._asdict() for turn in turns], tokenize=False, add_generation_prompt=True, **options
        )
        letter = self._tokenizer.encode("a")
        begun = [token for token, added in zip(letter.ids, letter.special_tokens_mask, strict=True) if added]
        # templates write what the tokenizer puts before every text, too
        before = begun[: letter.special_tokens_mask.index(0)] if 0 in letter.special_tokens_mask else []
        return text.removeprefix(self._tokenizer.decode(before, skip_special_tokens=False))

    @cached_property
    def _chats(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self._folder, trust_remote_code=False)

    def _plain(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _begun(self, prompt: str) -> int:
        """The tokens of a prompt that is to be continued: without what closes a sentence."""
        added = self._tokenizer.encode(prompt).special_tokens_mask
        while added and added[-1]:
            added.pop()
        return len(added)


def _most_tokens(text: str) -> int:
    """As many tokens as a text can have: each is of a byte at least, after the widest of the usual normalisations."""
    return len(unicodedata.normalize("NFKC", text).encode()) + 1
