"""Random encoded actions that keep the schema's rule: a feature of one kind of action applies to no other."""

import numpy as np

from edgedipn_tf.records import stored_features
from edgedipn_tf.schema import NOT_APPLICABLE_ID, View


def random_ids(
    generator: np.random.Generator, view: View, num_actions: int, id_limit: int | None = None
) -> list[np.ndarray]:
    """Returns ids of the stored features of a view, each [num_actions].

    Args:
        generator: source of the ids.
        view: the view.
        num_actions: how many actions.
        id_limit: ids are below it, and below the size of the feature's table.
    """
    features = stored_features(view)
    limits = [min(feature.table_size, id_limit or feature.table_size) for feature in features]
    ids = [generator.integers(NOT_APPLICABLE_ID, limit, num_actions) for limit in limits]
    for feature, column in zip(features, ids, strict=True):
        if feature.only_for:
            column[ids[0] != view.action_id(feature.only_for)] = NOT_APPLICABLE_ID
    return ids
