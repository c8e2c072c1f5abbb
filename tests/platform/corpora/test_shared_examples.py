"""A number of examples that all pairs share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.pair import Pair
from dragoman.spec.examples import SharedExamples, allot, expected

SIZES = st.dictionaries(
    st.sampled_from([Pair(one, other) for one in "abc" for other in "xyz"]), st.integers(0, 10**7), min_size=1
)


@given(SIZES, st.integers(0, 10**7), st.sampled_from([1.0, 1.5, 5.0, float("inf")]))
def test_shares_add_up_and_no_pair_gives_more_than_it_has(
    sizes: dict[Pair, int], total: int, temperature: float
) -> None:
    shares = allot(sizes, total, temperature)
    assert sum(shares.values()) == min(total, sum(sizes.values()))
    assert all(0 <= shares[pair] <= size for pair, size in sizes.items())
    for one, other in ((one, other) for one in sizes for other in sizes if sizes[one] <= sizes[other]):
        assert shares[one] <= shares[other] + 1


def test_temperature_favours_small_pairs() -> None:
    sizes = {Pair("a", "b"): 81_000_000, Pair("c", "d"): 1_000_000}
    assert list(allot(sizes, 820).values()) == [810, 10]
    # the fourth root of 81 is 3
    assert list(allot(sizes, 400, 4).values()) == [300, 100]
    assert list(allot(sizes, 400, float("inf")).values()) == [200, 200]
    # a pair that runs out leaves the rest to the others
    assert list(allot(sizes, 3_000_000, float("inf")).values()) == [2_000_000, 1_000_000]


@pytest.mark.parametrize(("total", "pairs"), [(1000, 7), (10, 3), (3, 7), (1, 1), (12, 4), (5, 0)])
@pytest.mark.parametrize("temperature", [1.0, 5.0, 1000.0])
def test_a_plan_expects_as_many_as_are_asked_for(total: int, pairs: int, temperature: float) -> None:
    some = [Pair("a", chr(ord("b") + number)) for number in range(pairs)]
    found = expected(SharedExamples(total=total, temperature=temperature), some)
    assert list(found) == some
    assert sum(found.values()) == (total if pairs else 0)
    assert max(found.values(), default=0) - min(found.values(), default=0) <= 1
