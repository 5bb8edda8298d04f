"""The papers' tables: AUCs on Taobao's private data, to stand beside ours and never to be compared by subtraction."""

from edgedipn_tf.schema import INTENTS

SOURCE = "paper, private data"
_ORDER = (
    "realtime_purchase",
    "longtime_purchase",
    "realtime_cart",
    "retention",
    "realtime_top_category",
    "longtime_top_category",
    "realtime_leaf_category",
    "longtime_leaf_category",
)
assert set(_ORDER) == {intent.name for intent in INTENTS}

EDGEDIPN_TABLE_2 = {
    model: dict(zip(_ORDER, aucs, strict=True))
    for model, aucs in {
        "gbdt": (0.7911, 0.7747, 0.8057, 0.8421, 0.8933, 0.7826, 0.9102, 0.8203),
        "edgedipn_tradition": (0.7960, 0.7856, 0.8159, 0.8457, 0.9069, 0.7883, 0.9267, 0.8263),
        "edgedipn_single": (0.8396, 0.8068, 0.8208, 0.8512, 0.9241, 0.7889, 0.9407, 0.8286),
        "edgedipn_fastgrnn": (0.8367, 0.8049, 0.8181, 0.8496, 0.9153, 0.7834, 0.9291, 0.8214),
        "edgedipn_fastgrnnlr": (0.8342, 0.8037, 0.8160, 0.8490, 0.9105, 0.7807, 0.9262, 0.8185),
        "edgedipn_v0": (0.8413, 0.8093, 0.8191, 0.8519, 0.9208, 0.7895, 0.9397, 0.8278),
        "edgedipn_v1": (0.8435, 0.8097, 0.8221, 0.8522, 0.9231, 0.7901, 0.9418, 0.8283),
        "edgedipn_v2": (0.8458, 0.8106, 0.8239, 0.8527, 0.9266, 0.7909, 0.9433, 0.8292),
        "edgedipn_v3": (0.8471, 0.8126, 0.8271, 0.8534, 0.9317, 0.7947, 0.9471, 0.8341),
        "edgedipn_v4": (0.8482, 0.8138, 0.8291, 0.8538, 0.9335, 0.7955, 0.9499, 0.8357),
        "edgedipn": (0.8489, 0.8152, 0.8298, 0.8543, 0.9346, 0.7969, 0.9514, 0.8368),
    }.items()
}
"""By model and intent."""
EDGEDIPN_TABLE_3 = {
    "edgedipn_with_gru": {64: 0.8395, 128: 0.8418, 256: 0.8463, 512: 0.8499},
    "edgedipn_with_fastgrnn": {64: 0.8371, 128: 0.8384, 256: 0.8419, 512: 0.8432},
    "edgedipn_with_fastgrnnlr": {64: 0.8353, 128: 0.8359, 256: 0.8396, 512: 0.8389},
    "edgedipn": {64: 0.8413, 128: 0.8457, 256: 0.8489, 512: 0.8508},
}
"""AUC of the purchase within the hour, by model and length."""
DIPN_TABLE_4 = {
    "gbdt": 0.7871,
    "rnn_dnn": 0.7902,
    "dipn_early_fusion": 0.7708,
    "dipn_no_attention": 0.8345,
    "dipn_no_inter_view": 0.8367,
    "dipn_no_intra_view": 0.8401,
    "dipn_no_multi_task": 0.8371,
    "dipn": 0.8429,
}
"""AUC of the purchase within the hour, by model."""
DIPN_TABLE_5 = {
    "dipn_no_multi_task": {"realtime_purchase": 0.8371},
    "dipn_no_multi_task_longtime": {"longtime_purchase": 0.8204},
    "dipn": {"realtime_purchase": 0.8429, "longtime_purchase": 0.8276},
}
"""By model and intent; a network of one task predicts only that."""
DIPN_TABLE_6 = {
    "profile": (0.8381, 0.5419),
    "history": (0.7862, 0.7335),
    "browse": (0.8303, 0.6533),
    "swipe": (0.8287, 0.6742),
    "tap": (0.7978, 0.7418),
}
"""AUC of the purchase within the hour, by source: without it, with it alone."""
DIPN_TABLE_1 = {"swipe": 1583, "tap": 391, "browse": 42}
"""Actions of a user and day, by view."""
