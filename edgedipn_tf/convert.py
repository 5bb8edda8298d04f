"""Command: a trained model -> a bundle of TFLite files, each compared with Keras. Flags only; the work is elsewhere."""

import pathlib
import sys

from absl import flags

from edgedipn_tf import commands
from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion import bundle
from edgedipn_tf.conversion.recipes import DEFAULT_RECIPES, MAX_AUC_DROP, MAX_FLIPS, RECIPES, find_recipes, with_limits
from edgedipn_tf.conversion.signatures import parse_lengths
from edgedipn_tf.quiet_start import import_tensorflow

DESCRIPTION = f"""
Converts the model of a finished training run to TFLite files, compares each with Keras on the evaluation samples, and
publishes them as a bundle: manifest, files, schema, vocabulary, parity, samples to measure with.

  python -m edgedipn_tf.convert --workdir=workdir --output=bundle
  python -m edgedipn_tf.convert verify bundle

Recipes:
{chr(10).join(f"  {recipe.name:14}{recipe.when_to_choose}" for recipe in RECIPES.values())}

A file farther from Keras than its recipe tolerates is refused (exit code 2, nothing published): parity.json has the
AUC, rank correlation, calibration error, flipped decisions and worst samples of each file.
"""
VERIFY_DESCRIPTION = """
Checks that a bundle is whole: every hash, the fingerprints of the schema and of the vocabulary.

  python -m edgedipn_tf.convert verify bundle
"""


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of `convert`."""
    flags.DEFINE_string("workdir", None, "Folder of a finished training run (edgedipn_tf.train).", flag_values=values)
    flags.DEFINE_string("output", None, "Folder of the bundle to publish.", flag_values=values)
    flags.DEFINE_string(
        "data", None, "Folder of the dataset; by default the one the model was trained on.", flag_values=values
    )
    flags.DEFINE_bool("overwrite", False, "Replace a bundle that is there.", flag_values=values)
    flags.DEFINE_float(
        "time_limit",
        600.0,
        "Seconds after which one conversion is stopped.",
        lower_bound=1.0,
        flag_values=values,
    )
    _define_functions(values)
    _define_samples(values)
    _define_gate(values)
    flags.mark_flags_as_required(["workdir", "output"], values)


def _define_functions(values: flags.FlagValues) -> None:
    """Defines which files there are, and what they do."""
    flags.DEFINE_list("recipe", list(DEFAULT_RECIPES), "Recipes, separated by commas: a file each.", flag_values=values)
    flags.DEFINE_list(
        "lengths",
        None,
        "Steps of a view that files have a signature for, e.g. 64,128,256, the longest as trained; a phone runs the "
        "shortest that holds its actions. By default 32, 64, 128, 256, 512 up to the length trained on.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "predict_raw",
        False,
        "Also make the signature predict_raw_LENGTH: it takes times, pixels and ids of names as an app logs them, and "
        "discretizes in the graph (in float32 and dynamic_int8 files; others round its constants or share no weights).",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "calibrate",
        False,
        "Scale the logits of each intent (slope and bias, in the files) as the training users that were held out from "
        "training fit best: probabilities come closer to shares, ranks and AUC stay.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "encode",
        False,
        "Add the signatures encode_64 and so on, the model without its candidates, and score_categories: for an app "
        "that scores more categories than one call of predict takes. Not with --calibrate.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "scored_categories",
        0,
        "With --encode: candidates that one call of score_categories takes; 0 is as many as samples have.",
        lower_bound=0,
        flag_values=values,
    )


def _define_samples(values: flags.FlagValues) -> None:
    """Defines how many samples are taken."""
    flags.DEFINE_integer(
        "parity_samples",
        0,
        "Evaluation samples that files are compared with Keras on, spread over the split; 0 is all of them.",
        lower_bound=0,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "benchmark_samples",
        64,
        "How many of them the bundle holds to measure latency with.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "calibration_samples",
        512,
        "Training samples that a calibrated recipe measures ranges on, spread over the split.",
        lower_bound=1,
        flag_values=values,
    )


def _define_gate(values: flags.FlagValues) -> None:
    """Defines how far from Keras a file may be."""
    flags.DEFINE_float(
        "max_auc_drop",
        MAX_AUC_DROP,
        "How much less the AUC of an intent may be than that of Keras; on small logs one user more or less is as much.",
        lower_bound=0.0,
        flag_values=values,
    )
    flags.DEFINE_float(
        "max_flips",
        MAX_FLIPS,
        "Share of decisions at the thresholds 0.2, 0.3, 0.4 that may differ from those of Keras.",
        lower_bound=0.0,
        upper_bound=1.0,
        flag_values=values,
    )
    flags.DEFINE_bool(
        "allow_degraded",
        False,
        "Publish a file although it is farther from Keras than tolerated; the manifest marks it.",
        flag_values=values,
    )


def main(values: flags.FlagValues, rest: list[str]) -> None:
    """Converts."""
    found = find_recipes(values.recipe)
    recipes = tuple(with_limits(recipe, values.max_auc_drop, values.max_flips) for recipe in found)
    for recipe in recipes:
        if recipe.warning is not None:
            print(f"warning: {recipe.warning}", file=sys.stderr, flush=True)
    lengths = parse_lengths(values.lengths) if values.lengths is not None else None
    import_tensorflow()
    from edgedipn_tf.conversion.build_bundle import Settings, build_bundle  # --help and `verify` do without TensorFlow

    settings = Settings(
        recipes=recipes,
        lengths=lengths,
        predict_raw=values.predict_raw,
        calibrate=values.calibrate,
        has_encode=values["encode"].value,
        scored_categories=values.scored_categories,
        parity_samples=values.parity_samples,
        benchmark_samples=values.benchmark_samples,
        calibration_samples=values.calibration_samples,
        overwrite=values.overwrite,
        allow_degraded=values.allow_degraded,
        time_limit_s=values.time_limit,
    )
    data = pathlib.Path(values.data) if values.data else None
    build_bundle(pathlib.Path(values.workdir), pathlib.Path(values.output), data, settings, _report)


def verify(values: flags.FlagValues, rest: list[str]) -> None:
    """Checks one bundle."""
    if len(rest) != 1 or rest[0].startswith("-"):
        raise InputError("name one bundle: python -m edgedipn_tf.convert verify BUNDLE")
    found = bundle.read_bundle(pathlib.Path(rest[0]))
    degraded = [file["name"] for file in found.manifest["files"] if file["is_degraded"]]
    print(
        f"{found.path} is whole: {found.manifest['model']}, {found.manifest['graph']['form']} graph, "
        f"{len(found.manifest['files'])} files ({', '.join(found.recipes)}), "
        f"schema {found.manifest['schema_fingerprint']}"
        + (f"; beyond tolerance: {', '.join(degraded)}" if degraded else "")
    )


def _report(line: str) -> None:
    print(line, flush=True)


def run(arguments: list[str]) -> int:
    """Runs `convert`, or `verify` when it is the first argument, and returns the exit code."""
    if arguments[:1] == ["verify"]:
        return commands.run(VERIFY_DESCRIPTION, lambda values: None, verify, arguments[1:], known_only=True)
    return commands.run(DESCRIPTION, define_flags, main, arguments)


def cli() -> None:
    """Entry point."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    cli()
