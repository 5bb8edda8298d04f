"""Command: raw event tables -> a dataset of discretized samples (TFRecords, schema, vocabulary, counters).

Example:

    python -m beam_pipelines.discretize_events --logs=logs --output=dataset --evaluation_date=2026-03-14

reads logs/{swipe,tap,browse,profile,history}, whichever exist (Parquet, or JSON lines, plain or compressed). Each input
can be given on its own instead: --browse=browse.parquet --swipe='swipes/*.jsonl.gz'. Any option of Apache Beam may
follow, e.g. --direct_num_workers=2 --direct_running_mode=multi_processing. The default runner is FnApiRunner (this
machine, in memory). Same input, flags and seed give the same bytes, whatever the number of workers.
"""

import argparse
import difflib
import json
import logging
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from absl import flags
from apache_beam.options.pipeline_options import PipelineOptions

from beam_pipelines import description, options, reading, transforms
from beam_pipelines.encoding import Chunk
from beam_pipelines.heartbeat import heartbeat
from beam_pipelines.inputs import Input, inputs_of
from beam_pipelines.log_extent import resolve
from beam_pipelines.options import DiscretizeOptions
from edgedipn_tf import commands, publishing
from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import Schema, edgedipn_schema

INPUT_NAMES = ("swipe", "tap", "browse", "profile", "history")


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    text = flags.DEFINE_string
    text("output", None, "folder of the dataset; written whole, then published", required=True, flag_values=values)
    text("logs", None, "folder with one sub-folder an input: swipe, tap, browse, profile, history", flag_values=values)
    for name in INPUT_NAMES:
        meaning = f"{name} records: file, folder or glob, several separated by commas; instead of --logs/{name}"
        text(name, None, meaning, flag_values=values)
    flags.DEFINE_bool("overwrite", False, "replace a dataset that is there", flag_values=values)
    options.define_flags(values)


def main(values: flags.FlagValues, beam_arguments: list[str]) -> None:
    """Runs the job and publishes the dataset."""
    job = options.from_flags(values)
    beam_options = _beam_options(beam_arguments)
    schema = edgedipn_schema(values.timezone, job.local_time.version)
    inputs = inputs_of(schema)
    pieces = _find_pieces(values, inputs)
    with publishing.publish_folder(pathlib.Path(values.output), values.overwrite) as folder:
        (folder / "rejects").mkdir()
        print(f"discretizing {len({piece.path for piece in pieces})} files into {values.output}", flush=True)
        with heartbeat("discretizing"):
            _run(build_pipeline(beam_options, pieces, inputs, schema, job, folder))
        summary = description.publish_description(folder, schema, job, values.flag_values_dict())
    print(description.summary_text(summary), flush=True)


def _find_pieces(values: flags.FlagValues, inputs: dict[str, Input]) -> list[reading.Piece]:
    pieces: list[reading.Piece] = []
    for name in INPUT_NAMES:
        given: str | None = values[name].value
        if given is None and values.logs is not None:
            folder = pathlib.Path(values.logs) / name
            given = str(folder) if folder.exists() else None
        if given is not None:
            pieces.extend(reading.find_pieces(inputs[name], given.split(",")))
    if not any(piece.input_name in transforms.VIEW_NAMES for piece in pieces):
        where = f"--logs={values.logs} has no folder swipe, tap or browse" if values.logs else "no input given"
        raise InputError(f"{where}: give --logs=FOLDER, or --swipe, --tap, --browse")
    return pieces


def _beam_options(arguments: list[str]) -> PipelineOptions:
    """Beam's own options; it would drop a misspelled one with a warning, we refuse it."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for group in PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    unknown = [a for a in parser.parse_known_args(arguments)[1] if a.startswith("-")]
    if unknown:
        name = unknown[0].split("=")[0].lstrip("-")
        near = difflib.get_close_matches(name, [*options.flag_names(), *INPUT_NAMES, "output", "logs", "runner"], 1)
        raise InputError(f"unknown flag --{name}" + (f": did you mean --{near[0]}?" if near else "; see --help"))
    if not any(a.split("=")[0] == "--runner" for a in arguments):
        # DirectRunner would try to download another runner first, so the same command could run two engines.
        arguments = ["--runner=FnApiRunner", *arguments]
    return PipelineOptions(arguments)


def build_pipeline(
    beam_options: PipelineOptions,
    pieces: Sequence[reading.Piece],
    inputs: dict[str, Input],
    schema: Schema,
    job: DiscretizeOptions,
    folder: pathlib.Path,
) -> beam.Pipeline:
    """Builds the job: read and encode, group by user, fit the vocabularies, cut the samples, write.

    Args:
        beam_options: runner and its settings.
        pieces: parts of files, the unit of parallel reading.
        inputs: columns of each input.
        schema: what a sample is made of.
        job: settings of the discretization.
        folder: where the files go.
    """
    pipeline = beam.Pipeline(options=beam_options)
    outputs = (
        pipeline
        | "List pieces" >> beam.Create(list(pieces))
        | "Spread pieces" >> beam.Reshuffle()
        | "Read, validate, encode"
        >> beam.ParDo(transforms.ReadAndEncode(inputs, job)).with_outputs(
            transforms.COUNTS, transforms.REJECTS, main="chunks"
        )
    )
    users = (
        outputs.chunks.with_output_types(tuple[bytes, Chunk])
        | "Group by user" >> beam.GroupByKey()
        | "Order and deduplicate" >> beam.ParDo(transforms.AssembleUser()).with_outputs(transforms.COUNTS, main="logs")
    )
    fitted = users.logs | "Fit vocabularies" >> transforms.FitVocabulary(schema, job)
    resolved = (
        users.logs
        | "Gather facts of the log" >> beam.CombineGlobally(transforms.GatherFacts(job))
        | "Settle its extent" >> beam.Map(resolve, job)
    )
    samples = users.logs | "Cut samples" >> beam.ParDo(
        transforms.MakeRecords(schema, job), beam.pvalue.AsSingleton(fitted), beam.pvalue.AsSingleton(resolved)
    ).with_outputs(transforms.COUNTS, main="records")
    _write(outputs, users, fitted, resolved, samples, job, folder)
    return pipeline


def _write(
    outputs: Any, users: Any, fitted: Any, resolved: Any, samples: Any, job: DiscretizeOptions, folder: pathlib.Path
) -> None:
    (
        samples.records
        | "Group by shard" >> beam.GroupByKey()
        | "Write shards" >> beam.ParDo(transforms.WriteShard(folder, job.num_shards))
    )
    (
        outputs.rejects
        | "Group rejects by input" >> beam.GroupByKey()
        | "Write rejects" >> beam.ParDo(transforms.WriteRejects(folder / "rejects"))
    )
    (
        (outputs.counts, users.counts, samples.counts)
        | "Gather counts" >> beam.Flatten()
        | "Sum counts" >> beam.CombinePerKey(sum)
        | "List counts" >> beam.combiners.ToList()
        | "Write counts" >> beam.Map(transforms.write_counts, folder / description.COUNTS_FILE)
    )
    fitted | "Write vocabulary" >> beam.Map(
        lambda fitted, path: transforms.write_vocabulary(fitted.vocabulary, path), folder / "vocabulary.json"
    )
    resolved | "Write extent" >> beam.Map(
        lambda resolved, path: path.write_text(json.dumps(resolved.to_json())), folder / description.EXTENT_FILE
    )


def _run(pipeline: beam.Pipeline) -> None:
    # Beam logs the whole worker traceback before it raises; the one line of the exception is enough for a person.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    try:
        pipeline.run().wait_until_finish()
    except RuntimeError as error:
        raise description.worker_error(error) from error


def run(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the given arguments; returns the exit code."""
    return commands.run(__doc__ or "", define_flags, main, argv, known_only=True)


def cli() -> None:
    """Entry point `edgedipn-discretize-events`."""
    sys.exit(run())


if __name__ == "__main__":
    cli()
