"""Signatures of quoted scores: they begin with the source, and are equal to none of a score that was computed."""

from dragoman.cell import CellState

_QUOTED = "quoted:"


def quoted_signature(source: str, said: str | None) -> str:
    """The signature of scores that are quoted.

    Args:
        source: where from; without the bar that parts the fields of a signature.
        said: what the source says of how they were computed: a signature, or words.
    """
    return f"{_QUOTED}{source}|{said or 'signature:not given'}"


def is_quoted_signature(signature: str) -> bool:
    """Whether scores under a signature are quoted."""
    return signature.startswith(_QUOTED)


def quoted_from(signature: str) -> str:
    """The source that the signature of quoted scores names."""
    return signature.removeprefix(_QUOTED).partition("|")[0]


def fits_state(signature: str, state: CellState) -> bool:
    """Whether a cell in a state may have a score under a signature: quoted cells have quoted ones, others none."""
    return state.has_scores and state.facts.is_quoted == is_quoted_signature(signature)
