"""Measures a converted bundle's latency on this host and on attached Android devices, and judges it by its p90.

The package knows files only: a bundle's manifest, its `.tflite` files and its samples. It imports neither TensorFlow
nor the other packages of the project, so it can be copied next to a bundle and used alone.
"""
