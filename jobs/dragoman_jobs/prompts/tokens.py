"""The tokens around a prompt and before a target."""

from typing import TYPE_CHECKING

from dragoman.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def prompt_prefix(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """The special tokens a tokenizer puts before a text: XGLM's ``</s>``, Llama's ``<s>``.

    What it puts behind a text (the ``</s>`` of T5's kind) is left off: it would end a prompt that is to be continued.

    Raises:
        ModelError: the tokenizer makes nothing of a plain letter.
    """
    bare = tokenizer("a", add_special_tokens=False).input_ids
    full = tokenizer("a").input_ids
    # Where there is no tokenizer's file, transformers may make one that knows no letter.
    if set(bare) - {tokenizer.unk_token_id}:
        for start in range(len(full) - len(bare) + 1):
            if full[start : start + len(bare)] == bare:
                return list(full[:start])
    raise ModelError(
        f"The tokenizer of {tokenizer.name_or_path} makes no tokens of plain text: "
        "it is damaged or not there; save the model with its tokenizer."
    )


def target_lead(tokenizer: "PreTrainedTokenizerBase") -> str:
    """What to put before a target so that its tokens are those that follow a prompt and a space.

    One space, except for tokenizers that put one before every text themselves (Llama 2's): there a second
    would teach the model to write two.
    """
    whole, first, spaced, plain = tokenizer(["a b", "a", " b", "b"], add_special_tokens=False).input_ids
    return "" if first + plain == whole != first + spaced else " "
