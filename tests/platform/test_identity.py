import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cell import Cell
from dragoman.identity import canonical_json, fingerprint, hash_lines
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman.spec.prompt import Prompt

CELL = Cell(model="m", test_set="t", content="c", pair=Pair("de", "fr"), prompt="p", decoding="d")


def test_the_id_of_a_cell_is_frozen() -> None:
    """A golden of our own (scheme 1): should it change, every stored result would be orphaned."""
    assert CELL.id == "cell1-7d8d5f4155f26f459490d9f60f889b21"


@pytest.mark.parametrize("field", ["model", "test_set", "content", "prompt", "decoding"])
def test_every_semantic_field_counts(field: str) -> None:
    assert CELL.model_copy(update={field: "other"}).id != CELL.id


def test_the_direction_counts() -> None:
    assert Cell(**{**CELL.model_dump(), "pair": Pair("fr", "de")}).id != CELL.id


def test_defaults_count_as_if_written() -> None:
    assert Decoding().id == Decoding(beam=1).id != Decoding(beam=2).id
    assert Prompt(template="{source}").id != Prompt(template="{source}:").id


@given(st.lists(st.text()), st.lists(st.text()))
def test_equal_hashes_mean_equal_lines(one: list[str], other: list[str]) -> None:
    assert (hash_lines(one) == hash_lines(other)) == (one == other)


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_keys_does_not_count(fields: dict[str, int]) -> None:
    backwards = dict(reversed(fields.items()))
    assert canonical_json(fields) == canonical_json(backwards)
    assert fingerprint("x", 1, fields) == fingerprint("x", 1, backwards)
