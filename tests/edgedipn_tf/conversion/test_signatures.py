"""Lengths of the ladder, and what a sample is at a length, by hand."""

import numpy as np
import pytest

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.signatures import (
    SignatureKey,
    check_lengths,
    default_lengths,
    newest_steps,
    num_steps,
    parse_lengths,
)


@pytest.mark.parametrize(
    ("max_length", "lengths"),
    [(8, (8,)), (32, (32,)), (64, (32, 64)), (100, (32, 64, 100)), (600, (32, 64, 128, 256, 512, 600))],
)
def test_the_ladder_ends_with_the_length_trained_on(max_length: int, lengths: tuple[int, ...]) -> None:
    assert default_lengths(max_length) == lengths


def test_a_signature_is_named_by_kind_and_length() -> None:
    assert SignatureKey("predict", 64).name == "predict_64"
    assert SignatureKey("score_categories").name == "score_categories"
    with pytest.raises(ValueError, match="takes no views"):
        assert SignatureKey("score_categories").steps


def test_lengths_of_a_flag_rise() -> None:
    assert parse_lengths(["256", "64"]) == (64, 256)


@pytest.mark.parametrize("texts", [[], ["64", "64"], ["64", "a"], ["0"], ["-4"], ["64", ""], ["٣"], ["6.4"]])
def test_lengths_that_are_none(texts: list[str]) -> None:
    with pytest.raises(InputError, match="--lengths=.*: name each length once"):
        parse_lengths(texts)


def test_the_longest_is_what_the_model_was_trained_on() -> None:
    check_lengths((32, 64), 64, is_fixed=False)
    check_lengths((64,), 64, is_fixed=True)
    for lengths in ((32,), (64, 128)):
        with pytest.raises(InputError, match="the longest has to be 64"):
            check_lengths(lengths, 64, is_fixed=False)
    with pytest.raises(InputError, match="--lengths=32,64: this model takes 64 steps only"):
        check_lengths((32, 64), 64, is_fixed=True)


def test_the_newest_steps_are_the_last() -> None:
    inputs = {"tap": np.arange(1, 7).reshape(1, 3, 2), "profile": np.arange(6).reshape(1, 6)}
    found = newest_steps(inputs, ["tap"], 2)
    assert found["tap"].tolist() == [[[3, 4], [5, 6]]]
    assert found["profile"].tolist() == [[0, 1, 2, 3, 4, 5]]


def test_the_number_of_steps_is_that_of_the_longest_view() -> None:
    # The second feature of a real step is never padding either, so the first is enough.
    tap = np.array([[[0], [0], [3]], [[0], [0], [0]]])
    swipe = np.array([[[0], [2], [1]], [[0], [0], [0]]])
    assert num_steps({"tap": tap, "swipe": swipe, "profile": np.ones((2, 6))}, ["tap", "swipe"]).tolist() == [2, 0]
