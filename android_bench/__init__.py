"""Measures a converted bundle's latency on this host and on attached Android devices, and judges it by its p90.

The package knows files only: a bundle's manifest, its `.tflite` files and its samples. It loads no TensorFlow; of the
project it uses only how commands start and end and how files are published.
"""
