"""Incremental training: a new run starts from the weights of an earlier one, under a vocabulary that may have grown.

Ids never move: the earlier vocabulary has to be a prefix of the new one, feature by feature. Rows of names that the
earlier model knew keep their values, rows of new names keep the fresh ones; everything else is taken over. Adam's
moments start at zero, as a finished run does not keep them.

DUPN (KDD 2018) calls this incremental model updating.
"""

import hashlib
import pathlib
from collections.abc import Mapping

import keras
import numpy as np

from edgedipn_tf.commands import InputError
from edgedipn_tf.dataset import Dataset
from edgedipn_tf.finished_run import open_finished_run
from edgedipn_tf.models.dipn import MERGED
from edgedipn_tf.schema import FIRST_REAL_ID, Schema, feature_key
from edgedipn_tf.schema_files import read_vocabulary
from edgedipn_tf.vocabulary import Vocabulary

_REMEDY = "name a run on the same schema, or train without --initial_checkpoint"


def fingerprint(workdir: pathlib.Path) -> str:
    """Returns the identity of the weights of a finished run: the first 16 hexadecimal digits of its file's SHA-256.

    Raises:
        InputError: when the folder is not a finished run of a network.
    """
    run = open_finished_run(workdir)
    return hashlib.sha256(run.model_file.read_bytes()).hexdigest()[:16]


def load_initial_weights(model: keras.Model, workdir: pathlib.Path, dataset: Dataset) -> int:
    """Replaces the fresh weights of a model by those of an earlier run.

    Args:
        model: built, with fresh weights.
        workdir: folder of the earlier run, finished.
        dataset: what the model will be trained on.

    Returns:
        How many rows of tables stay fresh because their names are new.

    Raises:
        InputError: when the folder is not a finished run, its schema or model is another, or its vocabulary is not a
            prefix of the dataset's.
    """
    run = open_finished_run(workdir)
    if run.schema.fingerprint != dataset.schema.fingerprint:
        raise InputError(
            f"--initial_checkpoint={workdir} has the schema {run.schema.fingerprint}, {dataset.path} "
            f"{dataset.schema.fingerprint}: {_REMEDY}"
        )
    known = read_vocabulary(workdir / "vocabulary.json", run.schema, _REMEDY)
    grown = read_vocabulary(dataset.path / "vocabulary.json", dataset.schema, _REMEDY)
    _refuse_moved_ids(known, grown, workdir, dataset.path)
    earlier, tables = run.model, _vocabulary_tables(dataset.schema)
    if _form(earlier, tables) != _form(model, tables):
        raise InputError(
            f"--initial_checkpoint={workdir} holds the model {run.model_name} in another form: pass the --model, "
            "--num_hops and, for a model that flattens its steps, --max_length of that run"
        )
    num_fresh = 0
    for variable, weights in zip(model.weights, earlier.get_weights(), strict=True):
        key = tables.get(_table_name(variable))
        if key is not None:
            fresh = slice(FIRST_REAL_ID + known.size(key), FIRST_REAL_ID + grown.size(key))
            weights[fresh] = np.asarray(variable)[fresh]
            num_fresh += fresh.stop - fresh.start
        variable.assign(weights)
    return num_fresh


def _refuse_moved_ids(known: Vocabulary, grown: Vocabulary, workdir: pathlib.Path, dataset: pathlib.Path) -> None:
    for key, names in known.names.items():
        if grown.names[key][: len(names)] != names:
            raise InputError(
                f"the ids of {key} moved between --initial_checkpoint={workdir} and {dataset}: make the dataset with "
                "--vocabulary of the earlier one, so that known names keep their ids"
            )


def _form(model: keras.Model, tables: Mapping[str, str]) -> list[tuple[str | None, tuple[int, ...]]]:
    """Returns the shape of each weight, and of which vocabulary it is the table, if of any."""
    return [(tables.get(_table_name(variable)), tuple(variable.shape)) for variable in model.weights]


def _table_name(variable: keras.Variable) -> str:
    """Returns the name of a variable with its layer's, e.g. `swipe_embedding/table_page`; without the model's."""
    return "/".join(variable.path.split("/")[-2:])


def _vocabulary_tables(schema: Schema) -> dict[str, str]:
    """Returns the vocabulary's key by the name of the table that it has the rows of."""
    sources = {**{view.name: view.features for view in schema.views}, "profile": schema.profile}
    served = schema.vocabulary_features()
    keyed = {(source, f.name): feature_key(source, f) for source, features in sources.items() for f in features}
    merged = {f"{MERGED}_embedding/table_{key}": key for key in served}  # whose features are named by their keys
    return merged | {f"{source}_embedding/table_{name}": key for (source, name), key in keyed.items() if key in served}
