"""Templates of what a judge is asked: the turns of a chat with places for the texts and the languages."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from dragoman.errors import nearest
from dragoman.identity import fingerprint
from dragoman.language import english_name
from dragoman.metrics.base import MetricError
from dragoman.metrics.model_metric import Triple
from dragoman.reading import ReadingError, read_json, read_text

Chat: TypeAlias = tuple[tuple[str, str], ...]
"""The role and the content of every turn."""

ROLES = ("system", "user", "assistant")
"""Who speaks in a chat."""

_PLACE = re.compile(r"\{(\w+)\}")


def values_of(triple: Triple) -> dict[str, str]:
    """What stands in the places of a template: by the names of Dragoman's prompts, and by those of GEMBA's."""
    source, target = english_name(triple.pair.source), english_name(triple.pair.target)
    reference = triple.reference or ""
    return {
        "source_language": source, "target_language": target, "source": triple.source,
        "hypothesis": triple.hypothesis, "reference": reference,
        "source_lang": source, "target_lang": target, "source_seg": triple.source, "target_seg": triple.hypothesis,
        "reference_seg": reference,
    }  # fmt: skip


def filled(chat: Chat, values: Mapping[str, str]) -> list[dict[str, str]]:
    """The turns with their places filled, as the protocol takes them; braces that are no place stay."""
    return [
        {"role": role, "content": _PLACE.sub(lambda match: values.get(match[1], match[0]), content)}
        for role, content in chat
    ]


def checked(chat: Chat, places: Sequence[str], what: str) -> Chat:
    """The same, seen to speak and to name places that there are, the hypothesis among them.

    Args:
        chat: the turns.
        places: names that may be in it.
        what: its name for people.

    Raises:
        MetricError: it does not.
    """
    if not chat or any(role not in ROLES or not content.strip() for role, content in chat):
        raise MetricError(f"{what} has no turns of a chat: give a text, or turns with a role and a content each.")
    named = {name for _, content in chat for name in _PLACE.findall(content)}
    for name in sorted(named):
        if name not in places:
            raise MetricError(f"{what} has the place {{{name}}}, which nothing fills: {nearest(name, places)}")
    if not named & {"hypothesis", "target_seg"}:
        raise MetricError(f"{what} has no place for the translation: write {{hypothesis}} where it belongs.")
    return chat


def read_templates(file: Path) -> list[Chat]:
    """The chats in a file: a text is one turn of the user; JSON holds a text, a list of turns, or a list of such.

    Raises:
        MetricError: it is not there, or holds something else.
    """
    try:
        content = read_json(file) if file.suffix == ".json" else read_text(file)
    except (OSError, ValueError, ReadingError) as error:
        raise MetricError(f"The template {file} can't be read ({error}): give a text, or JSON of turns.") from error
    if isinstance(content, list) and content and not isinstance(content[0], dict):
        return [_chat(each, file) for each in content]
    return [_chat(content, file)]


def identity(chats: Sequence[Chat]) -> str:
    """The hash of some templates, short enough to be read in a signature."""
    return fingerprint("template", 1, {"chats": chats}).partition("-")[2][:12]


def _chat(content: Any, file: Path) -> Chat:
    if isinstance(content, str):
        return (("user", content),)
    turns = content if isinstance(content, list) else [content]
    chat = [(str(turn.get("role")), turn.get("content")) for turn in turns if isinstance(turn, dict)]
    written = [(role, content) for role, content in chat if isinstance(content, str)]
    if len(written) == len(turns):
        return tuple(written)
    raise MetricError(f"The template {file} holds no turns of a chat: write a list of objects with role and content.")
