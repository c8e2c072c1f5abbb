"""The provenance that stands on every page of a site: what was measured, on what, how, and with what."""

from collections.abc import Iterable, Mapping

from dragoman import plugins
from dragoman.analysis.caption import Caption
from dragoman.errors import DragomanError
from dragoman.store.records import GridRecord
from dragoman.version import __version__
from dragoman_ui.publishing.privacy import public

NOT_KNOWN = "not known here"
"""The licence of a test set whose corpus does not say."""


def facts(grid: GridRecord, captions: Mapping[str, Caption]) -> list[tuple[str, list[str]]]:
    """Terms with what is to be said of each; where systems differ, with their names.

    Args:
        grid: the grid.
        captions: what the scores of each system on the page were measured on, by name.
    """
    found = list(captions.values())
    sets = [
        f"{'' if each.test_set_name is None else f'{each.test_set_name}: '}{each.corpus} {each.split}, "
        f"revision {each.revision}"
        for each in found
    ]
    ran = next((each.evaluated for each in found), None)
    said = {
        "Grid": [grid.name],
        "Base model": list(dict.fromkeys(filter(None, (each.base for each in found)))),
        "Test set": _distinct(captions, sets),
        "Licence of its text": list(dict.fromkeys(licence(each.corpus) for each in found)),
        "Sentences": _distinct(captions, [each.sentences for each in found]),
        "Prompt": _distinct(captions, [each.prompt for each in found]),
        "Decoding": _distinct(captions, [each.decoding for each in found]),
        "Signature": _distinct(captions, [each.signature for each in found]),
        "Evaluated": [ran] if ran else [],
        "Made with": [f"Dragoman {__version__}"],
    }
    return [(term, [public(text) for text in texts]) for term, texts in said.items() if texts]


def licence(kind: str) -> str:
    """The licence of a corpus's text."""
    return _of_corpus(kind, "licence") or NOT_KNOWN


def against_republishing(kind: str) -> str | None:
    """Why a corpus's text should not be put on the open web, as a sentence; None where nothing is known against it."""
    return _of_corpus(kind, "against_republishing")


def citation(title: str, grid: GridRecord, captions: Iterable[Caption]) -> str:
    """A BibTeX entry of the site."""
    found = list(captions)
    ran = next((each.evaluated for each in found), None)
    sets = ", ".join(dict.fromkeys(each.test_set for each in found))
    fields = {
        "title": "{" + title + "}",
        "year": ran[:4] if ran else None,
        "note": f"Grid {grid.name}" + (f" on {sets}" if sets else ""),
        "howpublished": f"Static site made with Dragoman {__version__}",
    }
    lines = [f"  {key:<12} = {{{_braced(public(value))}}}," for key, value in fields.items() if value]
    key = "".join(character if character.isascii() and character.isalnum() else "-" for character in grid.name)
    return "\n".join([f"@misc{{{key},", *lines, "}"])


def _braced(text: str) -> str:
    """A text in which braces are paired, as BibTeX needs them."""
    return text if text.count("{") == text.count("}") else text.replace("{", "(").replace("}", ")")


def _distinct(names: Iterable[str], texts: Iterable[str]) -> list[str]:
    """Different texts, each once; of several, with whose they are."""
    said: dict[str, list[str]] = {}
    for name, text in zip(names, texts, strict=True):
        said.setdefault(text, []).append(name)
    return list(said) if len(said) < 2 else [f"{text} ({', '.join(whose)})" for text, whose in said.items()]


def _of_corpus(kind: str, attribute: str) -> str | None:
    """A class attribute of a kind of corpus; None where that kind is not installed."""
    try:
        found = getattr(plugins.load("corpora", kind), attribute, None)
    except DragomanError:
        return None
    return None if found is None else str(found)
