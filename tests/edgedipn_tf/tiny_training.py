"""Trains the tiny model on the tiny dataset, in this process or, as a program, in one of its own.

Arguments of the program: dataset, workdir, then setting=value. Besides the settings: `replicas` logical CPUs, and
`kill=PLACE:N`, which ends the process by SIGKILL after that call number N (from 0): of a step (`step`), of the writing
of a checkpoint before it is published (`writing`), of its publication (`saved`), of the saving of the model (`model`),
of a step of one worker (`worker_step`); `is_worker=true`: as the worker that TF_CONFIG names.
"""

import contextlib
import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SETTINGS = {
    "max_length": 8,
    "global_batch_size": 24,
    "num_epochs": 4,
    "patience": 0,
    "learning_rate": 0.05,
    "steps_per_epoch": 3,
    "seed": 5,
    "batch_by_length": True,
}
"""Four epochs of 3 steps. Of the 160 samples of the tiny dataset 36 are of held-out users; a pass over the others has 5
steps."""


def train_tiny(
    data: pathlib.Path, workdir: pathlib.Path, dropout: float = 0.3, strategy: Any = None, **changes: Any
) -> dict[str, Any]:
    """Trains with the settings above, some changed, and returns the metrics."""
    from edgedipn_tf import training

    with tiny_models(dropout):
        return training.train_and_evaluate(_settings(data, changes), workdir, strategy)


def _settings(data: pathlib.Path, changes: Mapping[str, Any]) -> Any:
    from edgedipn_tf import config

    return config.resolve("smoke", {**SETTINGS, **changes, "data": str(data)})


@contextlib.contextmanager
def tiny_models(dropout: float) -> Iterator[None]:
    """Has training build the tiny model in place of any other."""
    from edgedipn_tf import training
    from tests.edgedipn_tf.tiny_model import build_tiny_model

    original = training.build_model
    training.build_model = functools.partial(build_tiny_model, dropout=dropout)
    try:
        yield
    finally:
        training.build_model = original


def run_program(data: pathlib.Path, workdir: pathlib.Path, **arguments: Any) -> subprocess.CompletedProcess[str]:
    """Runs this file as a program."""
    return subprocess.run(command(data, workdir, arguments), capture_output=True, text=True, check=False, timeout=280)


def run_workers(
    data: pathlib.Path, workdir: pathlib.Path, arguments: Sequence[Mapping[str, Any]]
) -> list[tuple[int, str]]:
    """Runs this file as one program a worker, side by side; returns exit code and output of each.

    Args:
        data: folder of the dataset.
        workdir: folder of the run.
        arguments: of each worker.
    """
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in arguments]
        workers = [f"127.0.0.1:{server.getsockname()[1]}" for server in sockets]
    processes = []
    for index, own in enumerate(arguments):
        task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(task)}
        line = command(data, workdir, {**own, "is_worker": "true"})
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        processes.append(subprocess.Popen(line, env=environment, **pipe))
    try:
        outputs = [process.communicate(timeout=280)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, output) for process, output in zip(processes, outputs, strict=True)]


def command(data: pathlib.Path, workdir: pathlib.Path, arguments: Mapping[str, Any]) -> list[str]:
    """Returns the command line that runs this file as a program."""
    assignments = [f"{name}={value}" for name, value in arguments.items()]
    return [sys.executable, __file__, str(data), str(workdir), *assignments]


def _kill_after(owner: Any, name: str, count: int) -> None:
    function, calls = getattr(owner, name), []

    @functools.wraps(function)
    def killing(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        calls.append(1)
        if len(calls) > count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, killing)


def _arrange_kill(place: str, count: int) -> None:
    import keras
    import tensorflow as tf

    from edgedipn_tf import callbacks, checkpoints

    places = {
        "step": (callbacks.LiveLine, "on_train_batch_end"),
        "writing": (tf.train.Checkpoint, "write"),
        "saved": (checkpoints.Checkpoints, "save"),
        "model": (keras.Model, "save"),
        "worker_step": (keras.callbacks.CallbackList, "on_train_batch_end"),
    }
    _kill_after(*places[place], count)


def _train_as_worker(data: pathlib.Path, workdir: pathlib.Path, values: dict[str, str]) -> None:
    from edgedipn_tf import commands, multi_worker

    changes = {name: json.loads(value) for name, value in values.items()}
    with tiny_models(changes.pop("dropout", 0.3)):
        settings = _settings(data, changes)
        sys.exit(
            commands.run("", lambda values: None, lambda *_: multi_worker.train_and_evaluate(settings, workdir), [])
        )


def main(data: str, workdir: str, *assignments: str) -> None:
    """Trains as the arguments say."""
    from edgedipn_tf.quiet_start import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    values = {name: value for name, _, value in (a.partition("=") for a in assignments)}
    if "kill" in values:
        place, _, count = values.pop("kill").partition(":")
        _arrange_kill(place, int(count))
    if values.pop("is_worker", ""):
        _train_as_worker(pathlib.Path(data), pathlib.Path(workdir), values)
        return
    devices = [f"CPU:{i}" for i in range(int(values.pop("replicas", 1)))]
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration() for _ in devices])
    changes = {name: json.loads(value) for name, value in values.items()}
    strategy = tf.distribute.MirroredStrategy(devices)
    train_tiny(pathlib.Path(data), pathlib.Path(workdir), strategy=strategy, **changes)


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
    main(*sys.argv[1:])
