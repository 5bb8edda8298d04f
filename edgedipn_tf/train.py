"""Command: a dataset -> a trained model. Flags only; the work is in `training`."""

import os
import pathlib
import sys
import types

from absl import flags

from edgedipn_tf import commands, config
from edgedipn_tf.commands import InputError
from edgedipn_tf.models.catalog import VARIANTS, find_variant
from edgedipn_tf.quiet_start import import_tensorflow

DESCRIPTION = f"""
Trains a user-intent model on a dataset and evaluates it. The folder --workdir gets config.json, checkpoints/,
tensorboard/, model.keras (the weights of the best epoch), MODEL_CARD.md and, when all is done, metrics.json.

  python -m edgedipn_tf.train --data=dataset --workdir=workdir
  python -m edgedipn_tf.train --data=dataset --workdir=workdir --preset=edgedipn_paper --max_length=128
  python -m edgedipn_tf.train --data=tuesday --workdir=workdir_tuesday --initial_checkpoint=workdir_monday
  python -m edgedipn_tf.train --data=dataset --workdir=no_touch --model=dipn --sources=browse,history,profile
  tensorboard --logdir=workdir/tensorboard

Stopped by Ctrl-C, a crash or a full disk, the same command goes on from the last checkpoint and ends with the result of
an undisturbed run. A flag that is not given has the value of the preset.

On several machines start the same command on each, with --strategy=multi_worker and its own TF_CONFIG, --data and
--workdir on a disk that all of them see. A parameter server is not among the strategies: Keras 3 does not support it.

Models (--model):
{chr(10).join(f"  {name:31}{variant.description}" for name, variant in VARIANTS.items())}

A model that predicts some intents only is trained, evaluated and converted for these. The last four are no networks:
they leave a folder baseline/ (names of the counts, a file an intent) in place of model.keras, and are not converted.
"""

_DEFINE = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}


def define_flags(values: flags.FlagValues) -> None:
    """Defines one flag for each setting of `TrainingConfig`, and those that are not settings of the model."""
    flags.DEFINE_string("workdir", None, "folder of the run; the same run in it goes on", flag_values=values)
    flags.DEFINE_enum(
        "strategy",
        "mirrored",
        ["mirrored", "multi_worker"],
        "mirrored: all GPUs of this machine, or its CPU; multi_worker: this is one of the workers that TF_CONFIG names",
        flag_values=values,
    )
    flags.DEFINE_string("preset", "default", f"start from: {', '.join(config.PRESETS)}", flag_values=values)
    for name, kind in config.settings().items():
        default = "" if name == "data" else f"; default preset: {getattr(config.TrainingConfig, name)}"
        _DEFINE[kind](name, None, config.meaning(name) + default, flag_values=values)
    flags.mark_flags_as_required(["data", "workdir"], values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Trains."""
    given = {name: values[name].value for name in config.settings() if values[name].value is not None}
    folders = {name: os.path.abspath(given[name]) for name in ("data", "initial_checkpoint") if name in given}
    settings = config.resolve(values.preset, {**given, **folders})
    if find_variant(settings.model).is_baseline and values.strategy != "mirrored":
        raise InputError(f"--strategy={values.strategy} does nothing for --model={settings.model}: leave it out")
    import_tensorflow()
    _rooms(settings.model)[values.strategy].train_and_evaluate(settings, pathlib.Path(values.workdir))


def _rooms(model: str) -> dict[str, types.ModuleType]:
    """Returns the module that trains a model, by strategy; loads TensorFlow: --help and wrong flags do without it."""
    if find_variant(model).is_baseline:
        from edgedipn_tf import baseline_training

        return {"mirrored": baseline_training}
    from edgedipn_tf import multi_worker, training

    return {"mirrored": training, "multi_worker": multi_worker}


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
