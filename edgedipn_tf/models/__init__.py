"""Networks made of `edgedipn_tf.layers`. Variants are configurations: see `edgedipn_tf.models.variants`."""
