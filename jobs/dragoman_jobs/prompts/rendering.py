"""Render prompts: from a template, a sentence and a chat template to the text that a model reads."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dragoman.errors import ModelError, first_line
from dragoman.pair import Pair
from dragoman.planning.few_shot import Demonstrator
from dragoman.segment import Segment
from dragoman.spec.monolingual import Monolingual
from dragoman.spec.prompt import Prompt, Turn
from dragoman_jobs.models.pretrained import load_tokenizer, tokenizer_folder
from dragoman_jobs.prompts.template_trial import require_bounded
from dragoman_jobs.prompts.tokens import prompt_prefix

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Render = Callable[[str, str], str]
"""Makes the prompt of a sentence; its reference keeps examples out that would give it away."""


class ChatTemplate:
    """The form in which a model's tokenizer writes a conversation."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", options: dict[str, Any]) -> None:
        """Take a tokenizer, and what its template is told besides the turns.

        Raises:
            ModelError: the tokenizer has no chat template, or one that does not end.
        """
        if not tokenizer.chat_template:
            raise ModelError(
                f"The tokenizer of {tokenizer.name_or_path} has no chat template: take a model that is made for chats, "
                "or leave `chat` out of the prompt."
            )
        template = tokenizer.get_chat_template()
        require_bounded(template, {**tokenizer.special_tokens_map, **options}, tokenizer.name_or_path)
        self._tokenizer = tokenizer
        self.options = options
        """What the template is told besides the turns."""
        # engines put it before every prompt, and templates write it too
        self._prefix = str(tokenizer.decode(prompt_prefix(tokenizer)))

    @classmethod
    def of(cls, model: str, revision: str | None, options: dict[str, Any]) -> "ChatTemplate":
        """The template of a model in a folder or on the hub.

        Raises:
            ModelError: there is no such model, or its tokenizer has no chat template.
        """
        return cls(load_tokenizer(tokenizer_folder(model, revision)), options)

    def __call__(self, turns: Sequence[Turn]) -> str:
        """The text up to where the model's answer begins, without what the tokenizer puts before every text.

        Raises:
            ModelError: the template refuses these turns (some know no system, for instance).
        """
        messages = [turn._asdict() for turn in turns]
        try:
            text = self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True, **self.options
            )
        except Exception as error:  # a template is a program, which raises what it likes
            raise ModelError(
                f"The chat template of {self._tokenizer.name_or_path} refuses the prompt ({first_line(error)}): change "
                "the prompt's `chat`."
            ) from error
        return str(text).removeprefix(self._prefix)


def renderer(prompt: Prompt, pair: Pair, drawn: Sequence[Segment], chat: ChatTemplate | None) -> Render:
    """What makes the prompts of a pair's sentences.

    Args:
        prompt: the prompt.
        pair: the direction.
        drawn: its demonstrations (`Demonstrator.of`), if it shows any.
        chat: the model's chat template, if the prompt is a chat.
    """

    def render(source: str, reference: str) -> str:
        if chat is not None:
            return chat(prompt.turns(pair, source, drawn, reference))
        return prompt.render(pair, source, drawn, reference)

    return render


def renderers(prompt: Prompt, pairs: Sequence[Pair], model: str, revision: str | None) -> dict[Pair, Render]:
    """What makes the prompts of several pairs for one model, with demonstrations drawn and the tokenizer loaded.

    Raises:
        CorpusError: a pair has too few demonstrations.
        ModelError: the prompt is a chat, and there is no such model or it has no chat template.
    """
    chat = ChatTemplate.of(model, revision, prompt.chat.options) if prompt.chat else None
    demonstrator = Demonstrator(prompt) if prompt.shots else None
    return {pair: renderer(prompt, pair, demonstrator.of(pair) if demonstrator else (), chat) for pair in pairs}


def instruction_renderer(
    monolingual: Monolingual, prompt: Prompt, model: str, revision: str | None
) -> Callable[[str, str], str]:
    """What makes a model's input of the tag of a language and a text, in the form that the pairs' prompts have.

    Args:
        monolingual: the instructions.
        prompt: the prompt of the pairs, which says how languages are named and whether it is a chat.
        model: a folder, or a name on the hub.
        revision: the commit on the hub.

    Raises:
        ModelError: the prompt is a chat, and there is no such model or it has no chat template.
    """
    chat = ChatTemplate.of(model, revision, prompt.chat.options) if prompt.chat else None

    def render(tag: str, text: str) -> str:
        asked = monolingual.render(prompt.language_name(tag), text)
        if chat is None:
            return asked
        system = [Turn("system", prompt.chat.system)] if prompt.chat and prompt.chat.system else []
        return chat([*system, Turn("user", asked)])

    return render
