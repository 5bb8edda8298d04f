"""Datasets that TensorFlow does not tune: there is nothing to tune, and it may stop their reader for a minute."""

import tensorflow as tf


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the dataset without TensorFlow's tuning of parallel calls and buffers, of which ours have none.

    A tuned iterator has a thread that sleeps between its looks at the pipeline: 10 ms, then twice as long each time, up
    to a minute. Who ends the iterator waits for that thread, which now and then misses that it is woken and sleeps on:
    1 of 200 iterators that were ended after 25 seconds took 14 seconds to end (TensorFlow 2.21, two cores), and a
    training that ends eight of them a pass stood still for up to 112 seconds. What is read does not change.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
