"""Command: raw event tables -> a dataset of discretized samples (TFRecords, schema, vocabulary, counters).

Example:

    python -m beam_pipelines.discretize_events --logs=logs --output=dataset --evaluation_date=2026-03-14

reads logs/{swipe,tap,browse,profile,history}, whichever exist (Parquet, Avro, JSON lines, CSV). Each input can be given
on its own instead: --browse=browse.parquet --swipe='swipes/*.jsonl.gz'. A log with other names of columns and actions
is read with --log_config=names.toml:

    [browse.columns]      # our column = "theirs"
    user_id = "uid"
    [browse.actions]      # theirs = "our action"
    add_cart = "cart"

Daily retraining goes on with the ids of yesterday, --vocabulary=yesterday/dataset: names keep their ids for ever, new
names come after them, and yesterday's model still fits.

With --validate_only nothing is written: a sample of each input is read and described, with warnings and what would
make the job fail.

Any option of Apache Beam may follow, e.g. --direct_num_workers=2 --direct_running_mode=multi_processing. The default
runner is FnApiRunner (this machine, in memory); --runner=FlinkRunner and --runner=DataflowRunner run it on clusters.
Same input, flags and seed give the same bytes, whatever the runner and the number of workers.
"""

import contextlib
import logging
import pathlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from absl import flags

from beam_pipelines import (
    bigquery_tables,
    description,
    log_check,
    log_config,
    log_files,
    log_sample,
    options,
    output_files,
    reading,
    remote_files,
)
from beam_pipelines.heartbeat import heartbeat
from beam_pipelines.inputs import Input, inputs_of
from beam_pipelines.raw_log import read_provenance
from beam_pipelines.tracks import VIEW_NAMES
from edgedipn_tf import commands, schema_files
from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import Schema, edgedipn_schema
from edgedipn_tf.vocabulary import Vocabulary

INPUT_NAMES = ("swipe", "tap", "browse", "profile", "history")


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    text = flags.DEFINE_string
    text("output", None, "folder of the dataset; written whole, then published; needed", flag_values=values)
    text("logs", None, "folder with one sub-folder an input: swipe, tap, browse, profile, history", flag_values=values)
    for name in INPUT_NAMES:
        meaning = (
            f"{name} records: file, folder, glob or (on Dataflow) bq://PROJECT.DATASET.TABLE, several separated by "
            f"commas; instead of --logs/{name}"
        )
        text(name, None, meaning, flag_values=values)
    text("log_config", None, "TOML file that says what the log calls our columns and actions", flag_values=values)
    flags.DEFINE_bool("overwrite", False, "replace a dataset that is there", flag_values=values)
    meaning = (
        "write nothing: read a sample of each input, tell what it holds and whether the job would fail (exit code 2)"
    )
    flags.DEFINE_bool("validate_only", False, meaning, flag_values=values)
    meaning = "about how many rows of an input --validate_only reads, spread over its files"
    flags.DEFINE_integer("validate_rows", 200_000, meaning, 1, flag_values=values)
    meaning = "run nothing: describe, and so publish, what a Dataflow template with the same flags has written"
    flags.DEFINE_bool("describe_only", False, meaning, flag_values=values)
    options.define_flags(values)


def main(values: flags.FlagValues, beam_arguments: list[str]) -> None:
    """Runs the job and publishes the dataset, or tells how it would go."""
    if values.output is None and not values.validate_only:
        raise InputError("--output=FOLDER is missing: where the dataset goes")
    job = options.from_flags(values, needs_split=not values.validate_only)
    schema = edgedipn_schema(values.timezone, job.local_time.version, values.labels, values.max_length)
    earlier = _earlier_vocabulary(values, schema)
    if values.validate_only:
        if beam_arguments:
            _beam_options(beam_arguments, values)  # they are checked, not used
        _validate(values, job, schema)
        return
    beam_options = _beam_options(beam_arguments, values)
    if not values.describe_only:
        summary = _discretize(values, job, schema, earlier, beam_options)
    else:
        summary = _describe(output_files.unpublished(values.output), values, job, schema, earlier)
    if summary is not None:
        print(description.summary_text(summary), flush=True)


def _discretize(
    values: flags.FlagValues,
    job: options.DiscretizeOptions,
    schema: Schema,
    earlier: Vocabulary | None,
    beam_options: Any,
) -> dict[str, Any] | None:
    """Runs the job and returns the description of its dataset; None when only a template of the job was made."""
    inputs, _ = _inputs(values, schema)
    from beam_pipelines import pipeline

    pieces = _find_pieces(values, inputs, pipeline.runner_name(beam_options))

    if pipeline.makes_template(beam_options) and not remote_files.is_remote(values.output):
        raise InputError(f"--output={values.output}: a template writes to a store that its workers share, e.g. gs://")
    with output_files.publish(values.output, values.overwrite) as folder:
        print(f"discretizing {len({piece.path for piece in pieces})} files into {values.output}", flush=True)
        graph = pipeline.build_pipeline(beam_options, pieces, inputs, schema, job, folder, earlier)
        with heartbeat("discretizing"):
            pipeline.run_pipeline(graph)
        if pipeline.makes_template(beam_options):
            print("the template is made; when its job has ended, add --describe_only to publish", flush=True)
            return None
        return _describe(folder, values, job, schema, earlier)


def _describe(
    folder: output_files.OutputFolder,
    values: flags.FlagValues,
    job: options.DiscretizeOptions,
    schema: Schema,
    earlier: Vocabulary | None,
) -> dict[str, Any]:
    # The config itself, not its path: what it says is part of what made the dataset.
    flag_values = {**values.flag_values_dict(), "log_config": _inputs(values, schema)[1]}
    log = None if values.logs is None else read_provenance(values.logs)
    return description.publish_description(folder, schema, job, flag_values, earlier, log)


def _earlier_vocabulary(values: flags.FlagValues, schema: Schema) -> Vocabulary | None:
    if values.vocabulary is None:
        return None
    remedy = "name the dataset folder of an earlier run, or leave --vocabulary out and train a new model"
    return schema_files.read_earlier_vocabulary(pathlib.Path(values.vocabulary), schema, remedy)


def _beam_options(arguments: list[str], values: flags.FlagValues) -> Any:
    with _quiet_import():
        from beam_pipelines import pipeline
    return pipeline.parse_beam_options(arguments, list(values))


def _validate(values: flags.FlagValues, job: options.DiscretizeOptions, schema: Schema) -> None:
    """Prints what a sample shows; raises InputError when the job would fail."""
    inputs, _ = _inputs(values, schema)
    pieces = _find_pieces(values, inputs, runner=None)
    samples = {}
    for name in INPUT_NAMES:
        if some := [piece for piece in pieces if piece.input_name == name]:
            samples[name] = log_sample.read_sample(inputs[name], some, values.validate_rows, job)
    text, problems = log_check.report(samples, job, schema)
    print(text, flush=True)
    if problems:
        raise InputError(problems[0])


def _inputs(values: flags.FlagValues, schema: Schema) -> tuple[dict[str, Input], dict[str, Any] | None]:
    """Returns the inputs as the log names them, and the config that says so, if any."""
    inputs = inputs_of(schema)
    if values.log_config is None:
        return inputs, None
    config = log_config.read_config(values.log_config)
    return log_config.apply_config(config, inputs, values.log_config), config


def _find_pieces(values: flags.FlagValues, inputs: dict[str, Input], runner: str | None) -> list[reading.Piece]:
    pieces: list[reading.Piece] = []
    for name in INPUT_NAMES:
        given: str | None = values[name].value
        if given is None and values.logs is not None:
            given = log_files.folder_of(values.logs, name)
        if given is not None:
            patterns = given.split(",")
            for table in filter(bigquery_tables.is_table, patterns):
                bigquery_tables.check_runner(table, runner)
            pieces.extend(reading.find_pieces(inputs[name], patterns))
    if not any(piece.input_name in VIEW_NAMES for piece in pieces):
        where = f"--logs={values.logs} has no folder swipe, tap or browse" if values.logs else "no input given"
        raise InputError(f"{where}: give --logs=FOLDER, or --swipe, --tap, --browse")
    return pieces


@contextlib.contextmanager
def _quiet_import() -> Iterator[None]:
    """Beam warns of optional Google libraries while it is imported; that is not the user's concern."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def run(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the given arguments; returns the exit code."""
    return commands.run(__doc__ or "", define_flags, main, argv, known_only=True)


def cli() -> None:
    """Entry point `edgedipn-discretize-events`."""
    sys.exit(run())


if __name__ == "__main__":
    cli()
