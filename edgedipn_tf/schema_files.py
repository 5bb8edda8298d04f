"""Reads the schema.json and vocabulary.json that lie beside every artefact."""

import pathlib

from edgedipn_tf.commands import InputError
from edgedipn_tf.publishing import read_json
from edgedipn_tf.schema import Schema
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
