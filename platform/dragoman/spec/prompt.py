"""A prompt: the text put before the model for one source sentence."""

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dragoman.errors import SpecError, nearest
from dragoman.identity import fingerprint
from dragoman.language import Language, english_name, native_name
from dragoman.pair import Pair
from dragoman.segment import Segment, Split
from dragoman.spec.base import Name, Shown, SpecModel
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.template import checked_template

FIELDS = ("source_language", "target_language", "source")
"""What a template may name: the two languages, and the sentence."""

NAMED = {
    "mfti": "[{source_language}]: {source} [{target_language}]:",
    "mfti-translation": "Translation: [{source_language}]: {source} [{target_language}]:",
    "mfti-translation-target": "Translation: {source} [{target_language}]:",
    "mfti-from-to": "{source} Translate from [{source_language}] to [{target_language}]:",
    "mfti-to": "{source} Translate to [{target_language}]:",
    "mfti-sentence": "The {target_language} translation of {source_language} sentence '{source}' is:",
    "mfti-sentence-target": "The {target_language} translation of the sentence '{source}' is:",
}
"""The prompts of the mFTI paper: `mfti` is its training form, the six others are those of its evaluation, of which
`mfti-translation` is the default there; three of them leave the source language unsaid."""

BARE = "{source}"
"""The template without an instruction."""


_EXPONENT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+")


class Turn(NamedTuple):
    """What one side of a chat says."""

    role: Literal["system", "user", "assistant"]
    """Who speaks."""
    content: str
    """What is said."""


class Demonstrations(SpecModel):
    """Where the examples of a few-shot prompt are drawn from."""

    corpus: CorpusChoice | None = None
    """The corpus; by default the one that is tested on, or, for a finetuning, the one that is trained on."""
    split: Split | None = None
    """The split; by default `dev`, or `train` for a finetuning."""
    seed: int = Field(default=1, ge=0)
    """Another one draws other examples."""
    revision: Shown | None = None
    """The revision the corpus must have; the plan notes the one it found."""

    @property
    def meaning(self) -> dict[str, Any]:
        """What decides which examples are drawn: the text, wherever its files lie."""
        plain = self.model_dump(mode="json")
        if plain["corpus"]:
            plain["corpus"].pop("folder", None)
            plain["corpus"]["options"].pop("labels", None)
        if self.corpus and self.revision:
            plain["corpus"]["options"] = {key: value for key, value in self.corpus.meant.items() if key != "path"}
        return plain


class Chat(SpecModel):
    """The prompt as a conversation, in the form the model's own tokenizer gives it."""

    system: str | None = None
    """What the system says first."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What else the tokenizer's chat template is told, such as `enable_thinking: false`."""

    @field_validator("options")
    @classmethod
    def _are_json(cls, options: dict[str, Any]) -> dict[str, Any]:
        """Any values that a manifest can hold; `1e-4`, a word in YAML 1.1, is a number (YAML 1.2.2, section 10.3)."""
        try:
            json.dumps(options, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError("holds what JSON can't; give words, finite numbers, truth values and lists") from error
        numbers: dict[str, Any] = _with_exponents(options)
        return numbers


def _with_exponents(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _with_exponents(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_exponents(item) for item in value]
    return float(value) if isinstance(value, str) and _EXPONENT.fullmatch(value) else value


class Prompt(SpecModel):
    """A prompt. The translation follows it after one space, or directly where it ends in white space or is a chat.

    Everything here but the name is part of the prompt's identity, and so of each cell's.
    """

    _switches: ClassVar[frozenset[str]] = frozenset({"chat"})

    template: str
    """Name of a known template, or text with the fields {source_language}, {target_language} and {source}."""
    name: Name | None = None
    """What tables call it; by default it is named after what it is, such as `mfti-8-shot`."""
    shots: int = Field(default=0, ge=0, le=1000)
    """Translated examples put before the sentence; 0 is zero-shot."""
    demonstrations: Demonstrations = Demonstrations()
    """Where these come from: drawn for each pair without replacement, and never the sentence that is tested."""
    separator: str = "\n"
    """What stands between the examples, and before the sentence. A tokenizer that knows no line break (XGLM's) needs
    another, such as its end of sentence `</s>`."""
    chat: Chat | None = None
    """`true`, or a mapping, to ask through the tokenizer's chat template; examples then are turns of the chat."""
    instruction: Literal["right", "none", "wrong"] = "right"
    """`none` leaves the sentences alone, without a word of what to do; `wrong` names another target language than the
    one the translation is held against, always the same one for a pair."""
    wrong_languages: tuple[Language, ...] = ()
    """The languages that wrong instructions name; by default those of the grid."""
    names: Literal["english", "native"] = "english"
    """Whether languages are named in English (`German`) or in themselves (`Deutsch`)."""

    @field_validator("template", mode="before")
    @classmethod
    def _takes_a_name(cls, template: Any) -> Any:
        if not isinstance(template, str) or "{" in template:
            return template
        if template in NAMED:
            return NAMED[template]
        raise ValueError(f"is not a known prompt; {nearest(template, NAMED)} Or give a template with {{source}} in it")

    @field_validator("template")
    @classmethod
    def _names_known_fields(cls, template: str) -> str:
        return checked_template(
            template, FIELDS, plainly="{source} and the others", once="source", why="the sentence to translate"
        )

    @field_validator("chat", mode="before")
    @classmethod
    def _may_be_a_switch(cls, chat: Any) -> Any:
        return {True: Chat(), False: None}[chat] if isinstance(chat, bool) else chat

    @property
    def asking(self) -> str:
        """The template in force."""
        return BARE if self.instruction == "none" else self.template

    @property
    def meaning(self) -> dict[str, Any]:
        """All that decides what a model is asked; what is not used is left out."""
        meaning: dict[str, Any] = {"template": self.asking}
        if self.shots:
            meaning |= {"shots": self.shots, "demonstrations": self.demonstrations.meaning}
            meaning |= {} if self.chat else {"separator": self.separator}
        if self.chat:
            meaning["chat"] = self.chat.model_dump(mode="json")
        if self.instruction == "wrong":
            meaning["wrong_languages"] = sorted(self.wrong_languages)
        if self.names != "english" and self.instruction != "none":
            meaning["names"] = self.names
        return meaning

    @property
    def id(self) -> str:
        """The prompt's identity: its template, and whatever else makes it more than that."""
        return fingerprint("prompt", 1, self.meaning)

    @property
    def label(self) -> str:
        """What tables call it."""
        if self.name:
            return self.name
        known = next((name for name, template in NAMED.items() if template == self.template), "prompt")
        parts = [
            known,
            f"{self.shots}-shot" if self.shots else "",
            "chat" if self.chat else "",
            "" if self.instruction == "right" else f"{self.instruction}-instruction",
            "native" if self.names == "native" else "",
        ]
        return "-".join(filter(None, parts))

    @property
    def shown(self) -> str:
        """The prompt for people: its template, and what else it is."""
        parts = [self.asking]
        if self.shots:
            drawn = self.demonstrations
            corpus = f"{drawn.corpus.kind} " if drawn.corpus else ""
            parts.append(f"{self.shots} shots from {corpus}{drawn.split or 'dev'}, seed {drawn.seed}")
        if self.chat:
            parts.append("as a chat")
        if self.instruction != "right":
            parts.append(f"{self.instruction} instruction")
        if self.names == "native":
            parts.append("native names")
        return " · ".join(parts)

    def language_name(self, tag: str) -> str:
        """What the prompt calls a language."""
        return native_name(tag) if self.names == "native" else english_name(tag)

    def render(self, pair: Pair, source: str, demonstrations: Sequence[Segment] = (), reference: str = "") -> str:
        """The prompt of one sentence, where it is no chat.

        Args:
            pair: the direction.
            source: the sentence.
            demonstrations: examples of that direction, more than `shots` if some may be the sentence itself.
            reference: its translation, where there is one: an example that gives it away is passed over too.

        Raises:
            SpecError: too few examples are left, or no language is left for a wrong instruction.
        """
        lead = "" if self._asked(pair, "")[-1:].isspace() else " "
        shown = self._chosen(pair, source, demonstrations, reference)
        examples = [f"{self._asked(pair, each.source)}{lead}{each.target}{self.separator}" for each in shown]
        return "".join([*examples, self._asked(pair, source)])

    def turns(self, pair: Pair, source: str, demonstrations: Sequence[Segment] = (), reference: str = "") -> list[Turn]:
        """The prompt of one sentence as a chat; arguments and errors as for `render`."""
        turns = [Turn("system", self.chat.system)] if self.chat and self.chat.system else []
        for each in self._chosen(pair, source, demonstrations, reference):
            turns += [Turn("user", self._asked(pair, each.source)), Turn("assistant", each.target)]
        return [*turns, Turn("user", self._asked(pair, source))]

    def named_target(self, pair: Pair) -> str | None:
        """The language that the instruction says to translate into; None of no instruction.

        Raises:
            SpecError: no language is left for a wrong instruction.
        """
        if self.instruction == "none":
            return None
        return self._wrong_target(pair) if self.instruction == "wrong" else pair.target

    def _asked(self, pair: Pair, source: str) -> str:
        target = self.named_target(pair) or pair.target
        return self.asking.format(
            source_language=self.language_name(pair.source), target_language=self.language_name(target), source=source
        )

    def _wrong_target(self, pair: Pair) -> str:
        others = sorted(set(self.wrong_languages) - set(pair))
        if not others:
            raise SpecError(
                f"A wrong instruction for {pair} needs a third language to name: add one to the prompt's "
                "wrong_languages, or to the grid's languages."
            )
        return Random(f"wrong {pair.source}>{pair.target}").choice(others)

    def _chosen(self, pair: Pair, source: str, drawn: Sequence[Segment], reference: str) -> list[Segment]:
        """The first examples that are not the sentence itself."""
        tested = {plain(source), plain(reference)} - {""}
        free = [each for each in drawn if not {plain(each.source), plain(each.target)} & tested]
        if len(free) < self.shots:
            raise SpecError(f"A prompt of {pair} needs {self.shots} examples and has {len(free)}: lower its shots.")
        return free[: self.shots]


def plain(text: str) -> str:
    """A sentence by which it is known again, whatever its case and spacing."""
    return " ".join(text.casefold().split())


def _by_name(value: Any) -> Any:
    return {"template": value} if isinstance(value, str) else value


PromptField = Annotated[Prompt, BeforeValidator(_by_name)]
"""A prompt in a spec: the name of a known one, a template, or a mapping."""


class EvaluationPrompt(Prompt):
    """One of the prompts that an evaluation asks with."""

    models: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Names of the models that are asked with it, such as [base]; all by default."""

    @model_validator(mode="before")
    @classmethod
    def _takes_a_template(cls, value: Any) -> Any:
        return _by_name(value)
