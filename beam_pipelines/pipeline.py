"""The graph of the discretization job: one readable chain from pieces of files to shards of records."""

import argparse
import difflib
import logging
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, StandardOptions

from beam_pipelines import bigquery_tables, description, reading, rounds, transforms
from beam_pipelines.fit_vocabulary import FitVocabulary
from beam_pipelines.inputs import Input
from beam_pipelines.log_extent import resolve
from beam_pipelines.options import DiscretizeOptions
from beam_pipelines.output_files import OutputFolder
from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import Schema
from edgedipn_tf.vocabulary import Vocabulary

MAX_NAMED_USERS = 20
"""Most users that are named for having too many actions."""


def parse_beam_options(arguments: list[str], own_flags: Sequence[str]) -> PipelineOptions:
    """Returns Beam's own options.

    Args:
        arguments: what is left of the command line.
        own_flags: names of the command's flags, to find the nearest name of a misspelled one.

    Raises:
        InputError: for an unknown flag, which Beam would drop with a warning.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for group in PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    unknown = [a for a in parser.parse_known_args(arguments)[1] if a.startswith("-")]
    if unknown:
        name = unknown[0].split("=")[0].lstrip("-")
        near = difflib.get_close_matches(name, [*own_flags, "runner"], 1)
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
    folder: OutputFolder,
    earlier: Vocabulary | None = None,
) -> beam.Pipeline:
    """Builds the job: read and encode, group by user, fit the vocabularies, cut the samples, write.

    Args:
        beam_options: runner and its settings.
        pieces: parts of files, the unit of parallel reading.
        inputs: columns of each input.
        schema: what a sample is made of.
        job: settings of the discretization.
        folder: where the files go.
        earlier: vocabulary of an earlier run, to go on with.
    """
    pipeline = beam.Pipeline(options=beam_options)
    chunks, counts, rejects = _read(pipeline, pieces, inputs, job)
    num_rounds = rounds.count_rounds(runner_name(beam_options), pieces, job.num_shards)
    parts = _joined("All chunks", chunks) | "Part users" >> beam.Partition(rounds.round_of, num_rounds, job.num_shards)
    users = [part | f"Users, round {n}" >> rounds.PutLogsTogether(job) for n, part in enumerate(parts)]
    fitted, names = _joined("All names", [part["names"] for part in users]) | "Fit vocabularies" >> FitVocabulary(
        schema, job, earlier
    )
    resolved = (
        _joined("All facts", [part["facts"] for part in users])
        | "Gather facts of the log" >> beam.CombineGlobally(transforms.GatherFacts())
        | "Settle its extent" >> beam.Map(resolve, job)
    )
    samples = [
        part["packed"] | f"Samples, round {n}" >> rounds.WriteSamples(schema, job, folder, fitted, resolved)
        for n, part in enumerate(users)
    ]
    (
        _joined("All capped", [part["capped"] for part in users])
        | "Find the most capped" >> beam.combiners.Top.Largest(MAX_NAMED_USERS)
        | "Write capped users" >> beam.Map(transforms.write_capped, folder)
    )
    (
        _joined("All rejects", rejects)
        | "Group rejects by shard" >> beam.GroupByKey()
        | "Write rejects" >> beam.ParDo(transforms.WriteRejects(folder, job.num_shards))
    )
    _write_counts([*counts, *(part["counts"] for part in users), names, *samples], folder)
    fitted | "Write vocabulary" >> beam.Map(transforms.write_vocabulary, folder)
    resolved | "Write extent" >> beam.Map(transforms.write_extent, folder)
    return pipeline


def _read(
    pipeline: beam.Pipeline, pieces: Sequence[reading.Piece], inputs: dict[str, Input], job: DiscretizeOptions
) -> tuple[list[Any], list[Any], list[Any]]:
    """Returns (user, chunk), counts and rejects: of all files together, and of each table."""
    files = [piece for piece in pieces if piece.format is not reading.FileFormat.TABLE]
    tables = [piece for piece in pieces if piece.format is reading.FileFormat.TABLE]
    tags = (transforms.COUNTS, transforms.REJECTS)
    outputs = [
        pipeline
        | "List pieces" >> beam.Create(files)
        | "Spread pieces" >> beam.Reshuffle()
        | "Read, validate, encode"
        >> beam.ParDo(transforms.ReadAndEncode(inputs, job)).with_outputs(*tags, main="chunks")
    ]
    for table in tables:
        encode = beam.ParDo(transforms.EncodeRows(table, inputs[table.input_name], job))
        name = f"{table.input_name} from {table.path.rpartition('/')[2]}"
        rows = pipeline | f"Read {name}" >> bigquery_tables.read_rows(table.path, table.columns)
        outputs.append(rows | f"Validate, encode {name}" >> encode.with_outputs(*tags, main="chunks"))
    return [each.chunks for each in outputs], [each.counts for each in outputs], [each.rejects for each in outputs]


def _joined(label: str, parts: list[Any]) -> Any:
    """Returns some collections as one; one alone as it is, because FnApiRunner copies what it flattens."""
    return parts[0] if len(parts) == 1 else parts | label >> beam.Flatten()


def _write_counts(counts: list[Any], folder: OutputFolder) -> None:
    (
        counts
        | "Gather counts" >> beam.Flatten()
        | "Sum counts" >> beam.CombinePerKey(sum)
        | "List counts" >> beam.combiners.ToList()
        | "Write counts" >> beam.Map(transforms.write_counts, folder)
    )


def runner_name(options: PipelineOptions) -> str:
    """Returns the runner as the user named it."""
    name: str = options.view_as(StandardOptions).runner
    return name


def makes_template(options: PipelineOptions) -> bool:
    """Whether running the job only makes a template of it, which Dataflow runs when nobody waits for it."""
    return options.view_as(GoogleCloudOptions).template_location is not None


def run_pipeline(pipeline: beam.Pipeline) -> None:
    """Runs the job to its end, or makes a template of it.

    Raises:
        InputError: when a worker met something that the user can mend.
    """
    # Beam logs the whole worker traceback before it raises; the one line of the exception is enough for a person.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    logging.getLogger().setLevel(logging.ERROR)  # it is to the root that Beam says it waits for a job server
    try:
        result = pipeline.run()
        if not makes_template(pipeline.options):
            result.wait_until_finish()
    except RuntimeError as error:
        raise description.worker_error(error) from error
