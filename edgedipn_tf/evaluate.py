"""Command: the exact metrics of a trained model on a split of a dataset."""

import pathlib
import sys

from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.commands import InputError
from edgedipn_tf.quiet_start import import_tensorflow

DESCRIPTION = """
Evaluates the model of a finished training run. Per intent: exact AUC (ties as 1/2), AUC per user (GAUC), average
precision (PR-AUC), log-loss, Brier score and expected calibration error (ECE, 15 bins of equal mass), each with its
95 % interval from a bootstrap over users; the table shows the interval of AUC, the file all. What has no known labels
of both classes is "n/a".

  python -m edgedipn_tf.evaluate --workdir=workdir
  python -m edgedipn_tf.evaluate --workdir=workdir --data=other_dataset --split=train
  python -m edgedipn_tf.evaluate --workdir=workdir --explain=page.html --explain_samples=0,17,42

Writes metrics.json into --workdir for the evaluation split of its own dataset, metrics-train.json for the training
split, and metrics-SPLIT-FINGERPRINT.json for another dataset; --output chooses another file.
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of `evaluate`."""
    flags.DEFINE_string("workdir", None, "folder of a finished training run (edgedipn_tf.train)", flag_values=values)
    flags.DEFINE_string("data", None, "folder of the dataset; default: that of the training run", flag_values=values)
    flags.DEFINE_enum("split", "eval", ["eval", "train"], "samples to evaluate on", flag_values=values)
    flags.DEFINE_string("output", None, "file to write; default: in --workdir, see above", flag_values=values)
    flags.DEFINE_integer("batch_size", 256, "samples scored at once", 1, flag_values=values)
    flags.DEFINE_integer("bootstrap_draws", 200, "draws of the intervals; 0: no interval", 0, flag_values=values)
    flags.DEFINE_string(
        "explain",
        None,
        "instead of metrics, an HTML page: which actions and sources the model attends to in some samples",
        flag_values=values,
    )
    flags.DEFINE_list("explain_samples", ["0"], "positions of these samples in --split, from 0", flag_values=values)
    flags.mark_flags_as_required(["workdir"], values)


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Evaluates, or explains."""
    positions = _positions(values.explain_samples)
    import_tensorflow()
    from edgedipn_tf.evaluation import evaluate_run  # these load TensorFlow: --help and wrong flags do without it
    from edgedipn_tf.explanation import explain_run

    workdir, data = pathlib.Path(values.workdir), pathlib.Path(values.data) if values.data else None
    if values.explain:
        explain_run(workdir, data=data, split=values.split, page=pathlib.Path(values.explain), positions=positions)
        return
    evaluate_run(
        workdir,
        data=data,
        split=values.split,
        output=pathlib.Path(values.output) if values.output else None,
        batch_size=values.batch_size,
        num_draws=values.bootstrap_draws,
    )


def _positions(texts: list[str]) -> list[int]:
    wrong = [text for text in texts if not text.isdecimal()]
    if wrong or not texts:
        raise InputError(f"--explain_samples={','.join(texts)} must be positions from 0, separated by commas")
    return [int(text) for text in texts]


def cli() -> None:
    """Entry point."""
    sys.exit(commands.run(DESCRIPTION, define_flags, main))


if __name__ == "__main__":
    cli()
