"""EdgeDIPN-single: models side by side that share nothing."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.models import variants
from edgedipn_tf.models.single_intent import SingleIntentEdgeDIPNs


@pytest.fixture(scope="module")
def model(tiny_schema) -> SingleIntentEdgeDIPNs:
    model = variants.build_model("edgedipn_single", tiny_schema, units=4, num_hops=3, hidden_units=(6, 5))
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(scale=0.6, size=w.shape) for w in model.weights])
    return model


def test_logits_and_penalties_are_those_of_each_model(model, inputs, tiny_schema):
    logits = model(inputs)
    losses = [float(loss) for loss in model.losses]
    assert list(logits) == [intent.name for intent in tiny_schema.intents]
    for (name, own), loss in zip(model.models.items(), losses, strict=True):
        expected, penalty = own.logits_and_penalty(inputs)
        np.testing.assert_array_equal(logits[name], expected[name])
        assert loss == pytest.approx(0.01 * float(penalty))


def test_an_intent_moves_the_weights_of_its_model_only(model, inputs):
    name, own = next(iter(model.models.items()))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(inputs)[name])
    gradients = tape.gradient(loss, model.trainable_variables)
    moved = {w.path for w, g in zip(model.trainable_variables, gradients, strict=True) if g is not None}
    assert moved and moved <= {weight.path for weight in own.trainable_variables}


def test_saved_model_predicts_the_same(model, inputs, tmp_path):
    model.save(tmp_path / "model.keras")
    assert json.loads(json.dumps(model.get_config())) == model.get_config()
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for name, logits in loaded(inputs).items():
        np.testing.assert_array_equal(logits, model(inputs)[name])


def test_each_models_heads_are_scaled_on_its_own(tiny_schema, inputs):
    model = variants.build_model("edgedipn_single", tiny_schema, units=4, num_hops=3, hidden_units=(6, 5))
    before = {w.path: w.numpy() for w in model.weights}
    model.scale_category_heads(inputs)
    changed = [w.path for w in model.weights if not np.array_equal(w.numpy(), before[w.path])]
    owners = [name for name, own in model.models.items() if own.category_heads]
    assert len(owners) == 2 and len(changed) == 4
    assert all(sum(f"{name}_head/" in path for path in changed) == 2 for name in owners)
