"""The interval of a median from ranks: by hand from tables of the binomial distribution."""

import pytest

from benchmarks.runner_agreement import rank_interval


@pytest.mark.parametrize(("size", "first", "last"), [(6, 1, 6), (10, 2, 9), (20, 6, 15), (25, 8, 18)])
def test_an_interval_of_the_median_lies_between_the_ranks_of_the_tables(size, first, last):
    assert rank_interval([float(rank) for rank in range(1, size + 1)]) == (first, last)


def test_five_values_are_too_few():
    # The median lies outside all of five values with a chance of 2 / 32, more than 5 %.
    with pytest.raises(ValueError, match="5 values give no interval of 95%"):
        rank_interval([1.0, 2.0, 3.0, 4.0, 5.0])
