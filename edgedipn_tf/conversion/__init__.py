"""From a trained Keras model to files for the phone: recipes, conversion, parity with Keras, the bundle."""
