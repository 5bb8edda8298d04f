"""What the models have to be so that a phone can run them: fixed shapes and operators built into LiteRT."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from edgedipn_tf.models import variants
from edgedipn_tf.models.inputs import example_inputs, input_signature


@pytest.mark.parametrize("name", ["edgedipn_top64", "edgedipn_fastgrnnlr"])  # others: test_export_and_convert.py
def test_converts_at_batch_one_with_builtin_operators(tiny_schema, tmp_path, name):
    # One user and one category intent: the converter's time grows with the graph.
    schema = dataclasses.replace(tiny_schema, intents=tiny_schema.intents[1:3])
    model = variants.build_model(name, schema, units=4, num_hops=3, hidden_units=(6, 5))
    if name == "edgedipn_top64":
        for encoder in model.encoders.values():
            encoder.num_kept = 4  # fewer than the 9 steps here
    rng = np.random.default_rng(11)
    model.set_weights([rng.normal(scale=0.6, size=w.shape) for w in model.weights])
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "predict", lambda x: model.logits_and_penalty(x)[0], input_signature=[input_signature(schema, 9, 1)]
    )
    archive.write_out(str(tmp_path / "saved"), verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"), signature_keys=["predict"])
    # Preparing fails on any operator that is not built in: nothing else is linked.
    runner = Interpreter(model_content=converter.convert()).get_signature_runner("predict")
    inputs = example_inputs(schema, 9, 24, seed=3)
    expected = model(inputs)
    for i in range(24):
        outputs = runner(**{key: ids[i : i + 1] for key, ids in inputs.items()})
        assert set(outputs) == set(expected)
        for intent, logits in outputs.items():
            np.testing.assert_allclose(logits[0], expected[intent][i], atol=1e-5)
