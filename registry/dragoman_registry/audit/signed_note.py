"""Signed notes: a text with Ed25519 signatures under it, as transparency logs write them.

The format is C2SP's signed note (https://c2sp.org/signed-note), and that of Go's checksum database.
"""

import base64
import binascii
import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Self

from dragoman.errors import DragomanError
from dragoman.reading import read_text, refused_as

_ED25519 = b"\x01"
"""The note format's number of this kind of signature."""
_SECRET = "PRIVATE+KEY+"  # noqa: S105
"""How the line of a secret key begins."""
DASH = "\u2014 "
"""How the line of a signature begins."""
_SEED = 32


class NoteError(DragomanError):
    """A key or a note that can't be used."""


class VerifierKey(NamedTuple):
    """A public key, with the name it signs under."""

    name: str
    """The name."""
    key: bytes
    """The 32 bytes of the key."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key of a line `NAME+ID+KEY`.

        Raises:
            NoteError: it is none.
        """
        name, _, rest = text.strip().partition("+")
        number, _, encoded = rest.partition("+")
        key = _decoded(encoded)
        found = cls(name, key[1:])
        if key[:1] != _ED25519 or len(key) != 1 + _SEED or found.id.hex() != number or not is_name(name):
            raise NoteError(
                f"'{text.strip()[:80]}' is no public key: give the line that `dragoman audit keygen` printed."
            )
        return found

    @classmethod
    def read(cls, text_or_file: str) -> Self:
        """The key of a line, or of a file that holds one.

        Raises:
            NoteError: it is none, or the file can't be read.
        """
        if "+" in text_or_file and not Path(text_or_file).is_file():
            return cls.parse(text_or_file)
        try:
            with refused_as(NoteError):
                text = read_text(Path(text_or_file))
        except (OSError, UnicodeDecodeError) as error:
            raise NoteError(f"The public key {text_or_file} can't be read ({error}): name its file.") from error
        return cls.parse(text)

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.key).decode()}"


class SignerKey:
    """A secret key; it never shows itself."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Take the name it signs under, and the 32 bytes it is made of."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._seed, self._key = seed, Ed25519PrivateKey.from_private_bytes(seed)
        self.public = VerifierKey(name, self._key.public_key().public_bytes_raw())
        """The key that others verify with."""

    @classmethod
    def make(cls, name: str, file: Path) -> Self:
        """A new key, kept in a new file that its owner alone can read.

        Raises:
            NoteError: the name is none, or the file is there already or can't be written.
        """
        if not is_name(name):
            raise NoteError(f"'{name}' can't sign: give a --name without spaces and plus signs, as lab.example/audit.")
        made = cls(name, os.urandom(_SEED))
        line = f"{_SECRET}{name}+{made.public.id.hex()}+{base64.b64encode(_ED25519 + made._seed).decode()}\n"
        try:
            # never readable by others, not for a moment
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
                out.write(line)
        except FileExistsError as error:
            raise NoteError(f"{file} is there already, and is left as it is: give another file.") from error
        except OSError as error:
            raise NoteError(f"{file} can't be written ({error.strerror}): give a file in another folder.") from error
        return made

    @classmethod
    def read(cls, file: Path) -> Self:
        """The key of a file that `make` wrote.

        Raises:
            NoteError: it is not there, others may read it, or it holds no key.
        """
        try:
            if stat.S_IMODE(file.stat().st_mode) & 0o077:
                raise NoteError(f"Others may read the secret key {file}: `chmod 600 {file}`.")
            with refused_as(NoteError):
                line = read_text(file).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NoteError(
                f"The secret key {file} can't be read ({type(error).__name__}): set witness_key."
            ) from error
        name, _, rest = line.removeprefix(_SECRET).partition("+")
        number, _, encoded = rest.partition("+")
        seed = _decoded(encoded)
        if line.startswith(_SECRET) and seed[:1] == _ED25519 and len(seed) == 1 + _SEED:
            found = cls(name, seed[1:])
            if found.public.id.hex() == number:
                return found
        raise NoteError(f"{file} holds no secret key: make one with `dragoman audit keygen`.")

    def sign(self, text: str) -> str:
        """The note of a text, which ends with a line break."""
        signature = base64.b64encode(self.public.id + self._key.sign(text.encode())).decode()
        return f"{text}\n{DASH}{self.public.name} {signature}\n"


def is_name(name: str) -> bool:
    """Whether keys may have this name."""
    return bool(name) and "+" not in name and not any(each.isspace() for each in name)


def signers(note: str, keys: Iterable[VerifierKey]) -> tuple[str, list[VerifierKey]]:
    """The text of a note, and those of the keys that signed it.

    Raises:
        NoteError: it is no note, or a signature under the name of one of the keys is not by it.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text, gap, lines = note.rpartition("\n\n")
    text += "\n"
    if not gap or not note.endswith("\n") or not lines.strip():
        raise NoteError("it is cut off, or no note")
    known = {(key.name, key.id): key for key in keys}
    found = []
    for line in lines.splitlines():
        name, _, encoded = line.removeprefix(DASH).partition(" ")
        signature = _decoded(encoded)
        if not line.startswith(DASH) or len(signature) <= 4:
            raise NoteError("a signature is cut off, or none")
        if (key := known.get((name, signature[:4]))) is None:
            continue  # of somebody else: the format lets others sign too
        try:
            Ed25519PublicKey.from_public_bytes(key.key).verify(signature[4:], text.encode())
        except InvalidSignature as error:
            raise NoteError(f"its signature is forged: it is not by {name}") from error
        found.append(key)
    return text, found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
