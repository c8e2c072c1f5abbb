"""The sentences of a site: shared lines once, hypotheses as numbers of words, a file for each pair.

Of multi-parallel text, a language's lines are the source of many pairs and the reference of as many: they are written
once. The hypotheses of all pairs into a language share a list of words, the most frequent first; each is the numbers
of its words in base 128 (LEB128: seven bits a byte, the last without the eighth). Deflated, that is half as large as
the deflated text, because similar translations become equal bytes, and nearer to each other.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from dragoman.pair import Pair
from dragoman_ui.publishing.data_files import json_bytes, script
from dragoman_ui.viewmodels.sentences import Candidate

SPACES = 0.05
"""Share of spaces among a language's characters below which its hypotheses are divided by characters, not words."""

Write = Callable[[str, str], None]
"""Writes a file of the site: its name, and its text."""


class PairText(NamedTuple):
    """The sentences of one pair."""

    pair: Pair
    """The direction."""
    name: str
    """Name of its file."""
    sources: Sequence[str]
    """Its source lines."""
    references: Sequence[str]
    """Their references."""
    candidates: Sequence[Candidate]
    """The systems, those without a translation among them."""


class SentenceFiles:
    """Writes the sentences of a site, the pairs into one language after those into another."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._lines: dict[bytes, str] = {}
        self._names: Counter[str] = Counter()

    def add(self, target: str, texts: Iterable[PairText]) -> None:
        """Write the sentences of all pairs into one language; pairs without any have no file."""
        found = [each for each in texts if each.sources]
        if not found:
            return
        hypotheses = [line.text for each in found for candidate in each.candidates for line in candidate.lines]
        words = Words.of(hypotheses)
        self._write(f"data/words-{target}.js", script(f"words-{target}", words.listed))
        for each in found:
            self._add_pair(each, words)

    def _add_pair(self, text: PairText, words: "Words") -> None:
        done = [each for each in text.candidates if each.lines]
        about = {
            "source": self._lines_of(text.pair.source, text.sources),
            "reference": self._lines_of(text.pair.target, text.references),
            "words": f"words-{text.pair.target}",
            "joint": words.joint,
            "systems": [_about(each) for each in done],
        }
        head = json_bytes(about)
        # line by line: the systems' translations of one sentence are alike
        codes = words.encode(each.lines[place].text for place in range(len(text.sources)) for each in done)
        data = len(head).to_bytes(4, "little") + head + codes
        self._write(f"data/{text.name}.js", script(text.name, data))

    def _lines_of(self, language: str, lines: Sequence[str]) -> str:
        """The name of the file with some lines, which is written when they first occur."""
        data = json_bytes(list(lines))
        key = sha256(data).digest()
        if key not in self._lines:
            self._names[language] += 1
            number = self._names[language]
            name = self._lines[key] = f"lines-{language}" if number == 1 else f"lines-{language}-{number}"
            self._write(f"data/{name}.js", script(name, data))
        return self._lines[key]


def _about(each: Candidate) -> Mapping[str, Any]:
    """What a system's sentences have besides text: scores in tenths, and which of them have each label, from 0."""
    flagged: dict[str, list[int]] = {}
    for place, labels in enumerate(each.labels):
        for label in labels:
            flagged.setdefault(label.value, []).append(place)
    scores = None if each.by_line is None else [round(10 * score) for score in each.by_line]
    return {"name": each.model, "scores": scores, "labels": flagged}


class Words:
    """The words of one language's hypotheses by number, the most frequent first; 0 is the end of a text."""

    def __init__(self, words: Sequence[str], joint: str) -> None:
        self.joint = joint
        """What stands between two words: a space, or nothing where characters are the words."""
        self._words = words
        self._codes = {word: _leb128(number) for number, word in enumerate(words, start=1)}

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Words":
        """The words of some texts."""
        spaces, characters = sum(text.count(" ") for text in texts), sum(map(len, texts))
        joint = " " if spaces > SPACES * characters else ""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text.split(" ") if joint else text)
        return cls([word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))], joint)

    @property
    def listed(self) -> bytes:
        """The words as JSON."""
        return json_bytes(self._words)

    def encode(self, texts: Iterable[str]) -> bytes:
        """The numbers of the words of some texts, each text ended by a zero."""
        codes = self._codes
        return b"".join(
            b"".join([codes[word] for word in (text.split(" ") if self.joint else text)]) + b"\0" for text in texts
        )


def _leb128(number: int) -> bytes:
    """A number in base 128, the lowest digits first (https://en.wikipedia.org/wiki/LEB128, unsigned)."""
    digits = bytearray()
    while number >= 128:
        digits.append(number & 127 | 128)
        number >>= 7
    digits.append(number)
    return bytes(digits)
