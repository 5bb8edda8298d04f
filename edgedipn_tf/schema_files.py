"""Reads the schema.json and vocabulary.json that lie in every artefact."""

import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import read_json
from edgedipn_tf.schema import Schema, canonical_json
from edgedipn_tf.vocabulary import Vocabulary


def read_schema(path: pathlib.Path, remedy: str) -> Schema:
    """Reads a schema.json, whose own fingerprint has to be that of its content.

    Raises:
        InputError: naming the file and the remedy.
    """
    values = read_json(path, "a schema", remedy)
    try:
        stored = values.pop("fingerprint", None)
        schema = Schema.from_json(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is not a schema ({error!r}): {remedy}") from None
    if stored not in (None, schema.fingerprint):
        raise InputError(f"{path} was changed: it says {stored}, its content is {schema.fingerprint}: {remedy}")
    return schema


def read_vocabulary(path: pathlib.Path, schema: Schema, remedy: str) -> Vocabulary:
    """Reads a vocabulary.json that fits a schema.

    Raises:
        InputError: naming the file and the remedy.
    """
    return Vocabulary.from_json(read_json(path, "a vocabulary", remedy), schema, path)


def read_earlier_vocabulary(path: pathlib.Path, schema: Schema, remedy: str) -> Vocabulary:
    """Reads the vocabulary of an earlier run, to go on with its ids.

    Where a schema.json lies beside it, the features that have a vocabulary must be those of the schema, with as many
    bins: a table of another size would not take the ids. Time zone and intents may differ.

    Args:
        path: folder of a dataset, of a training run or of a bundle, or a vocabulary.json.
        schema: what the vocabulary is for.
        remedy: what to do when it cannot be used.

    Raises:
        InputError: naming the file, the feature and the remedy.
    """
    file = path / "vocabulary.json" if path.is_dir() else path
    vocabulary = read_vocabulary(file, schema, remedy)
    beside = file.with_name("schema.json")
    if beside.exists():
        earlier, features = read_schema(beside, remedy).vocabulary_features(), schema.vocabulary_features()
        for key, feature in features.items():
            if key not in earlier:
                raise InputError(f"{beside}: feature {key!r} is missing: {remedy}")
            if earlier[key].bins != feature.bins:
                raise InputError(
                    f"{beside}: feature {key!r} has {earlier[key].bins} bins, not {feature.bins}: {remedy}"
                )
    return vocabulary


def description_fingerprint(description: Mapping[str, Any]) -> str:
    """Returns the identity of a dataset by its dataset.json: counts, flags, labels."""
    return hashlib.sha256(canonical_json(dict(description))).hexdigest()[:16]
