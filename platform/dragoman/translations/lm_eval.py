"""The samples that lm-evaluation-harness logs (`--log_samples`): a file a task, a JSON object a test sentence.

`samples_TASK_DATE.jsonl` with `doc_id`, `doc`, `target`, `arguments`, `resps`, `filtered_resps` and `filter`
(EleutherAI/lm-evaluation-harness, lm_eval/loggers/evaluation_tracker.py and lm_eval/evaluator.py). With several
processes the lines of one are followed by those of the next: their order is that of `doc_id`.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from dragoman.corpora.kinds.jsonl import records
from dragoman.corpora.readers.column_mapping import cell, keys_of
from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.name_patterns import language_of
from dragoman.errors import DragomanError
from dragoman.line import half_character
from dragoman.pair import Pair
from dragoman.spec.translations import Translations
from dragoman.translations.base import Entry, TranslationError, in_order
from dragoman.translations.file_names import FilesByPair, files_by_pair, single_file

SAMPLES = re.compile(r"(?:.*/)?samples_(?P<task>.+)_\d{4}-\d{2}-\d{2}T[^_/]*\.jsonl(?:\.\w+)?")
"""A file of samples."""

_CODE = r"[A-Za-z]{2,3}(?:[_-][A-Z][a-z]{3})?"
_PAIR = re.compile(rf"(?<![A-Za-z])({_CODE})[-_]({_CODE})$")
_DOC = ("translation.", "sentence_")
"""What stands before the code of a language in the keys of a task's documents."""


class LmEvalSamples(FilesByPair):
    """Logged samples of translation tasks."""

    lacks = "has no samples of a task that is named for"

    def entries(self, pair: Pair) -> list[Entry]:
        """The answers, by `doc_id`."""
        place = self.place(pair)
        found = []
        for number, record in records(self._files, self._names[pair], unique=True):
            at = f"{place}, line {number}"
            if record.get("filter", "none") == "none":
                found.append((_doc_id(record, at), _entry(record, pair, number, at)))
        return in_order(found, place, self.unit)


def open_lm_eval(key: str, choice: Translations, pairs: Collection[Pair], languages: Collection[str]) -> LmEvalSamples:
    """The samples in a folder, or in a file that a task's name or the one pair of a grid tells the pair of.

    Raises:
        CorpusError: there is no such folder or file.
        TranslationError: two files are of one pair, or none is of any.
    """
    path = choice.placed(choice.path)
    if "{" in path:
        return LmEvalSamples(*files_by_pair(key, path, languages))
    files = Files(key, path, "a folder of samples_TASK_DATE.jsonl, or one of them")
    found: dict[Pair, str] = {}
    for name in files.names:
        match = SAMPLES.fullmatch(name)
        if match and (pair := _pair_of(match["task"], languages)):
            if pair in found:
                raise TranslationError(
                    f"{files.place(found[pair])} and {files.place(name)} are both of {pair}; give the folder of one "
                    "run, or keep one of them."
                )
            found[pair] = name
    if not found:
        return LmEvalSamples(*single_file(key, path, pairs))
    return LmEvalSamples(files, found)


def _pair_of(task: str, languages: Collection[str]) -> Pair | None:
    """The pair at the end of a task's name: `wmt14-en-fr`, `flores_eng_Latn-deu_Latn`."""
    match = _PAIR.search(task)
    try:
        return Pair.among(match[1], match[2], languages) if match else None
    except DragomanError:
        return None


def _doc_id(record: Mapping[str, Any], at: str) -> int:
    number = record.get("doc_id")
    if not isinstance(number, int):
        raise TranslationError(f"{at}, has no doc_id that is a number ({number!r}): it is no sample of lm-eval.")
    return number


def _entry(record: Mapping[str, Any], pair: Pair, number: int, at: str) -> Entry:
    answer = record.get("filtered_resps")
    while isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, str):
        raise TranslationError(
            f"{at}, has no single text in filtered_resps ({str(answer)[:40]}): it is no translation."
        )
    if half := half_character(answer):
        raise TranslationError(f"{at}, holds half a character ({half}): correct the line.")
    # harnesses keep the blank between prompt and answer; models of ours answer without
    return Entry(number, answer.strip(), _source(record, pair), _prompt(record))


def _source(record: Mapping[str, Any], pair: Pair) -> str | None:
    """The source sentence of a document, under a key that is named for its language."""
    document = record.get("doc")
    if not isinstance(document, Mapping):
        return None
    for key in keys_of([document]):
        code = key
        for before in _DOC:
            code = code.removeprefix(before)
        if language_of(code) == pair.source:
            try:
                return cell(document, key) or None
            except (TypeError, ValueError):
                return None
    return None


def _prompt(record: Mapping[str, Any]) -> str | None:
    """The prompt: the first argument of the first request."""
    asked = record.get("arguments")
    first = asked.get("gen_args_0", {}).get("arg_0") if isinstance(asked, Mapping) else None
    return first if isinstance(first, str) else None
