"""A program that trains the tiny model, for tests that need a process of their own.

Arguments: dataset, workdir, then setting=value. Besides the settings: `replicas` logical CPUs, and `kill=WHEN`, which
ends the process by SIGKILL in the middle of step N (`kill=step:N`), while checkpoint N is being written
(`kill=writing:N`), after it is published (`kill=saved:N`), or while the model is being saved (`kill=model:0`).
"""

import functools
import json
import os
import pathlib
import signal
import sys


def _kill_after(owner, name, count):
    """Replaces a function by one that ends the process after its call number `count` (from 0)."""
    function, calls = getattr(owner, name), []

    @functools.wraps(function)
    def killing(*args, **kwargs):
        result = function(*args, **kwargs)
        calls.append(1)
        if len(calls) > count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, killing)


def _arrange_kill(when: str) -> None:
    import keras
    import tensorflow as tf

    from edgedipn_tf import callbacks, checkpoints

    place, _, count = when.partition(":")
    owners = {
        "step": (callbacks.LiveLine, "on_train_batch_end"),
        "writing": (tf.train.Checkpoint, "write"),
        "saved": (checkpoints.Checkpoints, "save"),
        "model": (keras.Model, "save"),
    }
    _kill_after(*owners[place], int(count))


def main(data: str, workdir: str, *assignments: str) -> None:
    """Trains."""
    from edgedipn_tf.quiet_start import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    from edgedipn_tf import config, training
    from tests.edgedipn_tf.tiny_model import build_tiny_model

    values = {name: value for name, _, value in (a.partition("=") for a in assignments)}
    replicas, kill = int(values.pop("replicas", 1)), values.pop("kill", "")
    devices = [f"CPU:{i}" for i in range(replicas)]
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration() for _ in devices])
    training.build_model = functools.partial(build_tiny_model, dropout=float(values.pop("dropout", 0)))
    if kill:
        _arrange_kill(kill)
    settings = {name: json.loads(value) for name, value in values.items()}
    training.train_and_evaluate(
        config.resolve("smoke", {**settings, "data": data}),
        pathlib.Path(workdir),
        tf.distribute.MirroredStrategy(devices),
    )


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
    main(*sys.argv[1:])
