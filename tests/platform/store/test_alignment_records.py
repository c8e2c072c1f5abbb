"""Identities of what is measured inside models: they stay what they are, so that what was measured is found."""

from dragoman.pair import Pair
from dragoman.store.alignment_records import Aligned, Likely, Pooling

ALIGNED = Aligned(model="model1-a", pair=Pair("de", "en"), content=("c1", "c2"), layer=3, pooling=Pooling.MEAN)
LIKELY = Likely(model="model1-a", pair=Pair("de", "en"), content="c1", prompt="prompt1-a")


def test_identities_are_what_they_were() -> None:
    """As the first version made them, of SHA-256 over the canonical JSON of the fields."""
    assert ALIGNED.id == "alignment1-1954a0c14c44a9f44bf0bc3fa650cea1"
    assert LIKELY.id == "likelihood1-9da3e61159102a6a7633e9d7553005e9"


def test_every_field_counts() -> None:
    changes = [
        {"model": "model1-b"}, {"pair": Pair("en", "de")}, {"content": ("c2", "c1")}, {"layer": 4},
        {"pooling": Pooling.POSITION_WEIGHTED},
    ]  # fmt: skip
    ids = {ALIGNED.model_copy(update=change).id for change in changes}
    assert len(ids) == len(changes) and ALIGNED.id not in ids
    others = [{"model": "model1-b"}, {"pair": Pair("en", "de")}, {"content": "c2"}, {"prompt": "prompt1-b"}]
    ids = {LIKELY.model_copy(update=change).id for change in others}
    assert len(ids) == len(others) and LIKELY.id not in ids
