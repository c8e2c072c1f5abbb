"""The settings of a checkpoint, beside its weights, config.json and tokenizer.json, that change its translations.

Files are read as JSON, without importing `transformers`, so that planning stays fast.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dragoman.errors import ModelError, first_line
from dragoman.identity import canonical_json, hash_files, hash_lines
from dragoman.reading import read_json, read_text, refused_as, require_file

GENERATION = "generation_config.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS = "special_tokens_map.json"
CHAT_TEMPLATES = ("chat_template.jinja", "chat_template.json", "additional_chat_templates/*.jinja")
VOCABULARIES = (
    "sentencepiece.bpe.model",
    "spiece.model",
    "source.spm",
    "target.spm",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "added_tokens.json",
    "tekken.json",
    "*.tiktoken",
)
"""What tokenizers are made from where there is no tokenizer.json, and M2M-100's where there is one."""

_RULES = ("add_bos_token", "add_eos_token", "add_prefix_space", "legacy", "do_lower_case", "split_special_tokens")
"""Settings of a tokenizer that change the tokens of a text; they are left out where they equal tokenizer.json's."""

_GENERAL = ("PreTrainedTokenizer", "PreTrainedTokenizerFast", "TokenizersBackend")
"""Classes of tokenizers that tokenizer.json defines completely."""


def deciding_settings(folder: Path, chat: bool) -> dict[str, Any]:
    """The settings that change what engines do; empty for a model whose settings repeat its configuration.

    Args:
        folder: a checkpoint in Hugging Face's layout.
        chat: whether the model is asked with, or trained on, its chat template.

    Raises:
        ModelError: a file is none, or larger or deeper than what is read.
    """
    with refused_as(ModelError):
        for path in (path for pattern in (*VOCABULARIES, *CHAT_TEMPLATES) for path in folder.glob(pattern)):
            require_file(path)
        try:
            return _deciding_settings(folder, chat)
        except (TypeError, AttributeError, KeyError, ValueError) as error:
            raise ModelError(
                f"The settings in {folder} are not what `save_pretrained` writes ({first_line(error)}): copy the model "
                "there anew."
            ) from error


def changed_at(folder: Path) -> float:
    """When one of the files that `deciding_settings` reads was last written to, in seconds since 1970."""
    names = (GENERATION, TOKENIZER_CONFIG, SPECIAL_TOKENS, *CHAT_TEMPLATES, *VOCABULARIES)
    return max((path.stat().st_mtime for name in names for path in folder.glob(name)), default=0.0)


def _deciding_settings(folder: Path, chat: bool) -> dict[str, Any]:
    config, tokens = _json(folder / "config.json"), _json(folder / TOKENIZER_CONFIG)
    plain = {**config, **(config.get("text_config") or {})}
    ends = _numbers(plain.get("eos_token_id"))
    tokenizer = _json(folder / "tokenizer.json")
    found: dict[str, Any] = {}
    if more := sorted(_numbers(_json(folder / GENERATION).get("eos_token_id")) - ends):
        found["generation_ends"] = more
    end = _text(tokens.get("eos_token") or _json(folder / SPECIAL_TOKENS).get("eos_token"))
    number = _number_of(end, tokenizer)
    if end is not None and (number is None or number not in ends):
        found["tokenizer_end"] = end
    if rules := {key: tokens[key] for key in _RULES if tokens.get(key) is not None}:
        found["tokenizer_rules"] = {**rules, "bos": _text(tokens.get("bos_token"))}
    kind, model_type = str(tokens.get("tokenizer_class") or _GENERAL[0]), str(plain.get("model_type", ""))
    if kind not in _GENERAL and model_type.replace("_", "").lower() not in kind.lower():
        found["tokenizer_class"] = kind
    if added := _added(tokens, tokenizer):
        found["added_tokens"] = hash_lines([canonical_json(added)])
    vocabulary = [path for pattern in VOCABULARIES for path in folder.glob(pattern)]
    if vocabulary and (not tokenizer or model_type == "m2m_100"):
        found["vocabulary"] = hash_files(vocabulary)
    if chat and (template := _chat(folder, tokens)):
        found["chat_template"] = hash_lines(template)
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}  # what can't be read is reported when the model is loaded
    return found if isinstance(found, dict) else {}


def _numbers(value: Any) -> set[int]:
    return set() if value is None else {value} if isinstance(value, int) else set(value)


def _text(token: Any) -> str | None:
    """A special token, which may be written with its properties."""
    return token.get("content") if isinstance(token, Mapping) else token


def _number_of(token: str | None, tokenizer: Mapping[str, Any]) -> int | None:
    """A token's number in a tokenizer.json."""
    added = {each.get("content"): each.get("id") for each in tokenizer.get("added_tokens") or ()}
    vocabulary = (tokenizer.get("model") or {}).get("vocab")
    number = added.get(token)
    if number is None and isinstance(vocabulary, Mapping):
        number = vocabulary.get(token)
    return number if isinstance(number, int) else None


def _added(tokens: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> list[list[Any]]:
    """Tokens that the tokenizer's settings add to those of tokenizer.json, or give other properties."""
    known = {str(each.get("id")): each for each in tokenizer.get("added_tokens") or ()}
    traits = ("content", "lstrip", "rstrip", "normalized", "single_word", "special")
    more = [
        [number, *(each.get(trait) for trait in traits)]
        for number, each in sorted((tokens.get("added_tokens_decoder") or {}).items())
        if [each.get(trait) for trait in traits] != [known.get(number, {}).get(trait) for trait in traits]
    ]
    contents = {each.get("content") for each in known.values()}
    named = [_text(each) for each in tokens.get("additional_special_tokens") or ()]
    return more + [[None, token] for token in named if token not in contents]


def _chat(folder: Path, tokens: Mapping[str, Any]) -> list[str]:
    """The chat templates of a model, by the names of the files or keys that hold them."""
    named = [canonical_json(tokens["chat_template"])] if tokens.get("chat_template") else []
    for pattern in CHAT_TEMPLATES:
        for path in sorted(folder.glob(pattern)):
            named += [path.name, read_text(path)]
    return named
