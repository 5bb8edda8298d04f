"""Vocabularies: the order of ids, what is left out, and files that do not fit."""

import collections
import dataclasses
import hashlib
import json
import pickle

import numpy as np
import pytest

from edgedipn_tf import publishing, schema
from edgedipn_tf.commands import InputError
from edgedipn_tf.vocabulary import Vocabulary

SCHEMA = schema.edgedipn_schema()
GENDER = "profile_gender"  # 3 bins
PAGE = "swipe_page"


def _fit(counts, min_count=1):
    return Vocabulary.from_counts(SCHEMA, counts, min_count)


def _valid_json(**changed):
    return {**_fit({GENDER: {"f": 2, "m": 1}}).to_json(), **changed}


def test_names_are_ordered_by_frequency_then_by_bytes():
    # In UTF-8: "Z" 5a, "a" 61, "é" c3a9, U+D800 eda080, U+FF5E efbd9e, U+1F600 f09f9880. In UTF-16 the last would come
    # before U+FF5E.
    names = _fit({PAGE: dict.fromkeys(["\U0001f600", "\uff5e", "\ud800", "é", "a", "Z"], 5) | {"often": 6}}).names[PAGE]
    assert names == ("often", "Z", "a", "é", "\ud800", "\uff5e", "\U0001f600")


def test_rare_names_are_left_out():
    assert _fit({PAGE: {"five": 5, "four": 4}}, min_count=5).names[PAGE] == ("five",)


def test_names_beyond_the_bins_are_left_out():
    assert _fit({GENDER: {"a": 4, "b": 3, "c": 2, "d": 1}}).names[GENDER] == ("a", "b", "c")


def test_the_empty_name_is_null_and_left_out():
    assert _fit({GENDER: {"": 9, "f": 1}}).names[GENDER] == ("f",)


def test_order_of_counting_does_not_matter():
    one, other = collections.Counter("abcab"), collections.Counter("bacba")
    assert _fit({PAGE: one}) == _fit({PAGE: other})


def test_every_vocabulary_feature_has_an_entry():
    assert set(_fit({}).names) == set(SCHEMA.vocabulary_features())
    assert _fit({}).size(PAGE) == 0


def test_counts_of_an_unknown_feature_are_a_mistake():
    with pytest.raises(ValueError, match="swipe_action"):
        _fit({"swipe_action": {"tap": 1}})


def test_lookup_gives_two_and_up_and_one_for_null_and_unknown():
    vocabulary = _fit({PAGE: {"home": 3, "cart": 2}})
    ids = vocabulary.lookup(PAGE, ["cart", None, "home", "", "Home", "cart"])
    assert ids.dtype == np.int64
    assert ids.tolist() == [3, 1, 2, 1, 1, 3]
    assert vocabulary.lookup(PAGE, []).shape == (0,)
    assert vocabulary.lookup(PAGE, np.array(["home", None], object)).tolist() == [2, 1]


def test_ids_fit_the_embedding_table():
    bins = SCHEMA.vocabulary_features()[PAGE].bins
    vocabulary = _fit({PAGE: {str(i): 1 for i in range(2 * bins)}})
    assert vocabulary.size(PAGE) == bins
    assert vocabulary.lookup(PAGE, vocabulary.names[PAGE]).max() == SCHEMA.vocabulary_features()[PAGE].table_size - 1


def test_file_round_trip_keeps_every_name(tmp_path):
    vocabulary = _fit({PAGE: {"\ud800": 3, "ü \U0001f600": 2, "a\nb": 1}})
    path = tmp_path / "vocabulary.json"
    publishing.write_json(path, vocabulary.to_json())
    restored = Vocabulary.from_json(publishing.read_json(path, "vocabulary", ""), SCHEMA, path)
    assert restored == vocabulary
    assert restored.fingerprint == vocabulary.fingerprint
    assert restored.lookup(PAGE, ["\ud800"]).tolist() == [2]


def test_pickled_vocabulary_is_equal():
    vocabulary = _fit({PAGE: {"home": 1}})
    restored = pickle.loads(pickle.dumps(vocabulary))
    assert restored == vocabulary
    assert restored.lookup(PAGE, ["home"]).tolist() == [2]


def test_vocabulary_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        _fit({}).names = {}


def test_fingerprint_is_the_digest_of_canonical_json():
    vocabulary = Vocabulary({"b": ("é",), "a": ()})
    assert vocabulary.fingerprint == hashlib.sha256(b'{"a":[],"b":["\\u00e9"]}').hexdigest()[:16]
    assert Vocabulary({"a": (), "b": ("é",)}).fingerprint == vocabulary.fingerprint
    assert Vocabulary({"a": (), "b": ("e",)}).fingerprint != vocabulary.fingerprint


@pytest.mark.parametrize(
    ("values", "key", "problem"),
    [
        (_valid_json(swipe_colour=["red"]), "swipe_colour", "not a vocabulary feature"),
        ({k: v for k, v in _valid_json().items() if k != GENDER}, GENDER, "missing"),
        (_valid_json(profile_gender="f"), GENDER, "not a list"),
        (_valid_json(profile_gender=None), GENDER, "not a list"),
        (_valid_json(profile_gender=["f", "m", "f"]), GENDER, "'f' twice"),
        (_valid_json(profile_gender=["a", "b", "c", "d"]), GENDER, "4 names but only 3 bins"),
        (_valid_json(profile_gender=["f", 7]), GENDER, "not text, or empty: 7"),
        (_valid_json(profile_gender=["f", None]), GENDER, "not text, or empty: None"),
        (_valid_json(profile_gender=["f", ["m"]]), GENDER, "not text, or empty: \\['m'\\]"),
        (_valid_json(profile_gender=[""]), GENDER, "not text, or empty: ''"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(values, key, problem):
    with pytest.raises(InputError, match=f"some/vocabulary.json: feature '{key}' .*{problem}"):
        Vocabulary.from_json(json.loads(json.dumps(values)), SCHEMA, "some/vocabulary.json")


@pytest.mark.parametrize("values", [[], None, "names", 7])
def test_a_file_that_is_no_object_is_refused(values):
    with pytest.raises(InputError, match="some/vocabulary.json is not a vocabulary"):
        Vocabulary.from_json(values, SCHEMA, "some/vocabulary.json")
