"""Signed notes and Merkle roots against what Go's and Certificate Transparency's own tests have."""

from pathlib import Path

import pytest

from dragoman_registry.audit.checkpoint import Checkpoint, _node, roots
from dragoman_registry.audit.signed_note import NoteError, SignerKey, VerifierKey, signers

# The example of https://pkg.go.dev/golang.org/x/mod/sumdb/note, by the Go authors.
SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE = (
    TEXT + "\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_gos_example_is_signed_and_verified_alike(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SECRET)
    file.chmod(0o600)
    signer = SignerKey.read(file)
    assert str(signer.public) == PUBLIC
    assert signer.sign(TEXT) == NOTE
    key = VerifierKey.parse(PUBLIC)
    assert signers(NOTE, [key]) == (TEXT, [key])


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (NOTE.replace("answer", "reason"), "forged"),
        (NOTE.replace("SNXg", "SNXh"), "forged"),
        (NOTE[:-20], "cut off"),
        (NOTE[:-1], "cut off"),
        (TEXT, "cut off"),
        ("", "cut off"),
        (NOTE.replace("x08go/", "x08g*/"), "cut off"),
    ],
)
def test_what_was_changed_does_not_count(note: str, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        signers(note, [VerifierKey.parse(PUBLIC)])


def test_signatures_of_others_are_passed_over(tmp_path: Path) -> None:
    other = SignerKey.make("lab.example/audit", tmp_path / "other")
    assert signers(NOTE, [other.public]) == (TEXT, [])
    both = NOTE + other.sign(TEXT).removeprefix(TEXT + "\n")
    assert [key.name for key in signers(both, [other.public, VerifierKey.parse(PUBLIC)])[1]] == [
        "PeterNeumann",
        "lab.example/audit",
    ]


def test_a_secret_key_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "audit.key"
    made = SignerKey.make("lab.example/audit", file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert str(SignerKey.read(file).public) == str(made.public)
    assert file.read_text().strip().split("+", 4)[4] not in f"{made!r} {made} {made.public}"
    with pytest.raises(NoteError, match="is there already"):
        SignerKey.make("lab.example/audit", file)
    file.chmod(0o644)
    with pytest.raises(NoteError, match="chmod 600"):
        SignerKey.read(file)


@pytest.mark.parametrize("text", [PUBLIC[:-8], PUBLIC.replace("c74f", "c74e"), "PeterNeumann", "a b+c+d", SECRET, ""])
def test_what_is_no_public_key_is_said(text: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(text)


# The eight leaves of RFC 6962's reference implementation, google/certificate-transparency
# (merkletree/merkle_tree_test.cc), and the root after each.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_the_roots_are_those_of_certificate_transparency() -> None:
    assert [root.hex() for root in roots(LEAVES)] == ROOTS
    left, right = (bytes.fromhex(ROOTS[0]), bytes.fromhex(ROOTS[0]))
    assert next(iter(roots(LEAVES[:1]))) == left
    assert _node(left, right) == list(roots(["", ""]))[1]


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    written = Checkpoint("lab.example/audit", 12, bytes.fromhex(ROOTS[0]))
    assert str(written) == "lab.example/audit\n12\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n"
    assert Checkpoint.parse(f"{written}time 2026-03-02\n") == written


@pytest.mark.parametrize(
    "text", ["", "a\n1\n", "a\nx\nYQ==\n", "a\n01\nYQ==\n", "a\n-1\nYQ==\n", "a\n1\n?\n", "\n1\nYQ==\n"]
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Checkpoint.parse(text)
