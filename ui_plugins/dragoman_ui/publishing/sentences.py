"""The sentences of a site: shared lines once, hypotheses as numbers of words, a file for each pair.

Of multi-parallel text, a language's lines are the source of many pairs and the reference of as many: they are written
once. The hypotheses of all pairs into a language share a list of words, the most frequent first. A hypothesis is the
numbers of its words, in base 128 (LEB128: seven bits a byte, the lowest first); a word that the reference has in the
same place, or else the system before has, is only said to be that. Deflated, this is a third of the deflated text.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import zip_longest
from typing import Any, NamedTuple

from dragoman.pair import Pair
from dragoman_ui.publishing.data_files import json_bytes, script
from dragoman_ui.viewmodels.candidates import Candidate

SPACES = 0.05
"""Share of spaces among a language's characters below which its hypotheses are divided by characters, not words."""

NEAR = 8
"""Words ahead in which a guide looks for the one that came."""

FIRST = 3
"""Number of the most frequent word: 0 ends a text, 1 and 2 are words that are expected."""

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
    further: Sequence[Sequence[str]] = ()
    """Further references of each line; fewer, or none, where it has no more."""
    digits: int = 1
    """Digits after the point of the scores of single sentences."""


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
            "further": [self._lines_of(text.pair.target, lines) for lines in zip_longest(*text.further)],
            "words": f"words-{text.pair.target}",
            "joint": words.joint,
            "systems": [_about(each, text.digits) for each in done],
        }
        head = json_bytes(about)
        codes = b"".join(
            words.encode(reference, [each.lines[place].text for each in done])
            for place, reference in enumerate(text.references)
        )
        data = len(head).to_bytes(4, "little") + head + codes
        self._write(f"data/{text.name}.js", script(text.name, data))

    def _lines_of(self, language: str, lines: Sequence[str | None]) -> str:
        """The name of the file with some lines, which is written when they first occur."""
        data = json_bytes(list(lines))
        key = sha256(data).digest()
        if key not in self._lines:
            self._names[language] += 1
            number = self._names[language]
            name = self._lines[key] = f"lines-{language}" if number == 1 else f"lines-{language}-{number}"
            self._write(f"data/{name}.js", script(name, data))
        return self._lines[key]


def _about(each: Candidate, digits: int) -> Mapping[str, Any]:
    """What a system's sentences have besides text: scores in units of the last digit, the places of each label."""
    flagged: dict[str, list[int]] = {}
    for place, labels in enumerate(each.labels):
        for label in labels:
            flagged.setdefault(label.value, []).append(place)
    scores = None if each.by_line is None else [round(10**digits * score) for score in each.by_line]
    return {"name": each.model, "scores": scores, "labels": flagged}


class Words:
    """The words of one language's hypotheses by number, the most frequent first."""

    def __init__(self, words: Sequence[str], joint: str) -> None:
        self.joint = joint
        """What stands between two words: a space, or nothing where characters are the words."""
        self._words = words
        self._codes = {word: _leb128(number) for number, word in enumerate(words, start=FIRST)}

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

    def encode(self, reference: str, hypotheses: Sequence[str]) -> bytes:
        """The hypotheses of one sentence, each system's ended by a zero."""
        found, before = [], None
        for text in hypotheses:
            words = self._divided(text)
            guides = [Guide(self._divided(reference)), *([] if before is None else [Guide(before)])]
            for word in words:
                expected = next((number for number, guide in enumerate(guides, start=1) if guide.next == word), None)
                found.append(self._codes[word] if expected is None else _EXPECTED[expected])
                for guide in guides:
                    guide.follow(word)
            found.append(b"\0")
            before = words
        return b"".join(found)

    def _divided(self, text: str) -> list[str]:
        return text.split(" ") if self.joint else list(text)


class Guide:
    """Expects the words of another text in their order; a word that is not near stands for the expected one."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words, self._at = words, 0

    @property
    def next(self) -> str | None:
        """The word that it expects."""
        return self._words[self._at] if self._at < len(self._words) else None

    def follow(self, word: str) -> None:
        """Go on after a word: behind its next place, where that is near."""
        try:
            self._at = self._words.index(word, self._at, self._at + NEAR) + 1
        except ValueError:
            self._at += 1


def _leb128(number: int) -> bytes:
    """A number in base 128, the lowest digits first (https://en.wikipedia.org/wiki/LEB128, unsigned)."""
    digits = bytearray()
    while number >= 128:
        digits.append(number & 127 | 128)
        number >>= 7
    digits.append(number)
    return bytes(digits)


_EXPECTED = {number: bytes([number]) for number in range(1, FIRST)}
"""Codes of a word that the reference has in this place (1), or the system before (2)."""
