"""Program of one training in a process of its own: trains once, judges on one dataset or several, writes a file each.

`python -m edgedipn_tf.experiments.one_run REQUEST.json` is what the suite's command starts; nobody types it. What a
person would type to train the same is recorded as the run's `command`.
"""

import os
import pathlib
import resource
import shlex
import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any

from absl import flags

from edgedipn_tf import commands, config
from edgedipn_tf.conversion.provenance import source_commit
from edgedipn_tf.experiments import bootstrap, run_files
from edgedipn_tf.models.catalog import find_variant
from edgedipn_tf.publishing import read_json, write_json
from edgedipn_tf.quiet_start import import_tensorflow

_BATCH_SIZE = 256


def main(values: flags.FlagValues, arguments: list[str]) -> None:
    """Trains and judges what the request says.

    Raises:
        InputError: when the dataset or the settings are at fault.
    """
    request = read_json(pathlib.Path(arguments[0]), "a request of edgedipn_tf.experiments", "run the suite again")
    started = _Clock()
    import_tensorflow()
    trained = _train(request)
    of_training = started.read()
    for judgement in request["judgements"]:
        began = _Clock()
        found = {**judgement["identity"], **trained, **_judge(request["workdir"], judgement)}
        used = {name: round(value + began.read()[name], 1) for name, value in of_training.items()}
        output = pathlib.Path(judgement["output"])
        output.parent.mkdir(parents=True, exist_ok=True)
        write_json(
            output,
            {
                "format_version": run_files.FORMAT_VERSION,
                "run": judgement["name"],
                "command": _command(request),
                "commit": source_commit(),
                **run_files.surroundings(),
                **found,
                **used,
                "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            },
        )
    shutil.rmtree(request["workdir"])  # tens of MB of checkpoints; `command` makes them again


class _Clock:
    """Seconds since it was made, of the wall and of the CPU."""

    def __init__(self) -> None:
        self._started = self._now()

    def read(self) -> dict[str, float]:
        """Returns the seconds by name."""
        return {name: value - self._started[name] for name, value in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {"wall_s": time.monotonic(), "cpu_s": time.process_time()}


def _train(request: Mapping[str, Any]) -> dict[str, Any]:
    """Trains and returns what is told of the training."""
    settings = config.resolve("default", {**request["settings"], "data": request["trained_on"]})
    workdir = pathlib.Path(request["workdir"])
    if find_variant(settings.model).is_baseline:
        from edgedipn_tf import baseline_training  # loads LightGBM

        baseline_training.train_and_evaluate(settings, workdir)
        return {"best_epoch": None}
    from edgedipn_tf import training  # loads TensorFlow

    report = training.train_and_evaluate(settings, workdir)
    return {"best_epoch": report["best_epoch"]}


def _judge(workdir: str, judgement: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the AUCs of what was trained, with their draws."""
    from edgedipn_tf import evaluation

    run, dataset = evaluation.open_run(pathlib.Path(workdir), pathlib.Path(judgement["judged_on"]))
    rows = evaluation.rows_of_run(run, dataset, "eval", _BATCH_SIZE)
    num_draws = judgement["identity"]["num_draws"]
    return {
        "intents": {name: bootstrap.draw_aucs(*of_intent, num_draws).to_json() for name, of_intent in rows.items()},
        "candidates": dataset.candidate_mix,
        "log": dataset.description.get("log"),
        "parameters": None if run.is_baseline else run.model.count_params(),
    }


def _command(request: Mapping[str, Any]) -> str:
    """Returns what a person types in the work folder to train the same, without a path of this machine."""
    settings = [f"--{name}={value}" for name, value in sorted(request["settings"].items())]
    data = "DATASET" if os.path.isabs(request["trained_on"]) else request["trained_on"]
    places = [f"--data={data}", f"--workdir={request['workdir']}"]
    return shlex.join(["python", "-m", "edgedipn_tf.train", *places, *settings])


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(__doc__ or "", lambda values: None, main, known_only=True))


if __name__ == "__main__":
    cli()
