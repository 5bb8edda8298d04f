"""Random keys against published and independently computed numbers."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedipn_tf import random_keys

# The first five outputs of the reference implementation (Vigna, splitmix64.c) from the state 1234567.
PUBLISHED = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
MODULUS = 2**64


def _splitmix64(state):
    z = (state + 0x9E3779B97F4A7C15) % MODULUS
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % MODULUS
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % MODULUS
    return z ^ (z >> 31)


def test_mix_gives_the_published_sequence():
    states = [(1234567 + i * 0x9E3779B97F4A7C15) % MODULUS for i in range(5)]
    assert random_keys.mix(np.array(states, np.uint64)).tolist() == PUBLISHED


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(0, MODULUS - 1)))
def test_mix_equals_plain_integers(states):
    mixed = random_keys.mix(np.array(states, np.uint64))
    assert mixed.dtype == np.uint64
    assert mixed.tolist() == [_splitmix64(state) for state in states]


@pytest.mark.parametrize("state", [0, 1234567, MODULUS - 1])
def test_mix_takes_a_single_number_without_warnings(state):
    with np.errstate(all="raise"):
        assert int(random_keys.mix(state)) == _splitmix64(state)


def test_mix_takes_int64_modulo_two_to_64():
    assert random_keys.mix(np.array([-1, 7], np.int64)).tolist() == [_splitmix64(MODULUS - 1), _splitmix64(7)]


def test_key_is_the_start_of_the_digest():
    # sha256("abc") = ba7816bf 8f01cfea 414140de ... (FIPS 180-2, appendix B.1).
    assert random_keys.key("abc") == 0xBA7816BF8F01CFEA
    assert random_keys.key(7, "u1", "2017-12-03") == int(hashlib.sha256(b"7|u1|2017-12-03").hexdigest()[:16], 16)


def test_key_takes_any_text():
    assert random_keys.key(0, "ü") == int(hashlib.sha256(b"0|\xc3\xbc").hexdigest()[:16], 16)
    assert random_keys.key(0, "\ud800") == int(hashlib.sha256(b"0|\xed\xa0\x80").hexdigest()[:16], 16)
