"""Opening of translations from elsewhere, whichever way they are written."""

from collections.abc import Collection

from dragoman.corpora.readers.files import Files
from dragoman.pair import Pair
from dragoman.spec.translations import Format, Translations
from dragoman.translations.base import TranslationError, TranslationFiles
from dragoman.translations.exported_grid import open_export
from dragoman.translations.lm_eval import SAMPLES, open_lm_eval
from dragoman.translations.tables import open_table
from dragoman.translations.text_files import open_text
from dragoman.translations.wmt import OUTPUTS, open_wmt

ENDINGS: dict[str, Format] = {
    ".tsv": "tsv", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".txt": "text",
}  # fmt: skip
"""Layouts by the endings of files, before that of a compression."""

_PACKED = (".gz", ".zst", ".bz2", ".xz")


def open_translations(
    key: str, choice: Translations, name: str, *, pairs: Collection[Pair], languages: Collection[str]
) -> TranslationFiles:
    """Open the translations of a system; nothing but names and tables of contents is read.

    Args:
        key: where the choice stands, for errors (`baselines.nllb.translations`).
        choice: the files.
        name: the system's name.
        pairs: the pairs of the grid that have test sentences.
        languages: the grid's languages.

    Raises:
        DragomanError: there are no such files, or nothing tells how they are written.
    """
    if choice.reference is not None:
        raise TranslationError(
            f"{key} is reference {choice.reference} of the test set, which a grid's own spec alone can name: give the "
            "path of its translations."
        )
    form = choice.format or _told(key, choice.placed(choice.path))
    match form:
        case "text":
            return open_text(key, choice, pairs, languages)
        case "wmt":
            return open_wmt(key, choice, name, languages)
        case "lm-eval":
            return open_lm_eval(key, choice, pairs, languages)
        case "dragoman":
            return open_export(key, choice, name)
    return open_table(key, choice, form, pairs, languages)


def form_of(path: str) -> Format | None:
    """The layout that the ending of a path tells, before that of a compression."""
    plain = _unpacked(path)
    return next((form for ending, form in ENDINGS.items() if plain.endswith(ending)), None)


def _unpacked(path: str) -> str:
    plain = path.rstrip("/")
    for ending in _PACKED:
        plain = plain.removesuffix(ending)
    return plain


def _told(key: str, path: str) -> Format:
    """The layout that a path, or what is there, tells."""
    if SAMPLES.fullmatch(_unpacked(path)):
        return "lm-eval"
    if (form := form_of(path)) is not None:
        return form
    if "{" in path:
        return "text"
    files = Files(key, path, "the path of translations")
    if any(name.startswith(OUTPUTS) or f"/{OUTPUTS}" in name for name in files.names):
        return "wmt"
    if any(SAMPLES.fullmatch(name) for name in files.names):
        return "lm-eval"
    if "manifest.json" in files.names and "cells.parquet" in files.names:
        return "dragoman"
    if len(files.names) == 1:
        return "text"
    raise TranslationError(
        f"{key} is '{files.url}': nothing there tells how translations are written; write how the files are named, "
        f"such as {files.url.rstrip('/')}/{{source}}-{{target}}.txt."
    )
