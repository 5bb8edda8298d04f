"""Users part by part, for a runner that shuffles in memory: each part goes alone through the steps that hold events.

FnApiRunner copies the whole input of a step four times (buffer, stream, message, data). Of one round after another, it
copies that of one round. A round has whole shards of the dataset, so that no step has to bring rounds together but for
names, days and counts, and the same bytes are written however many rounds there are.
"""

import os
from collections.abc import Sequence
from typing import Any

import apache_beam as beam

from beam_pipelines import fit_vocabulary, log_files, transforms
from beam_pipelines.chunks import Chunk
from beam_pipelines.encoding import decode_name
from beam_pipelines.log_files import FileFormat
from beam_pipelines.options import DiscretizeOptions
from beam_pipelines.output_files import OutputFolder
from beam_pipelines.raw_batches import Piece
from edgedipn_tf.schema import Schema

ROUND_BYTES = 24 << 20
"""Bytes of the log's files that are worth a round: each adds three stages to what the runner sets up."""


def count_rounds(runner: str, pieces: Sequence[Piece], num_shards: int) -> int:
    """Returns in how many rounds users are put together: one, but on FnApiRunner more with the bytes of the files."""
    if runner.rpartition(".")[2] != "FnApiRunner":
        return 1
    num_bytes = sum(map(_size, {piece.path for piece in pieces if piece.format is not FileFormat.TABLE}))
    return min(num_shards, 1 + num_bytes // ROUND_BYTES)


def _size(path: str) -> int:
    with log_files.open_file(path) as file:
        return file.seek(0, os.SEEK_END)


def round_of(element: tuple[bytes, Chunk], num_rounds: int, num_shards: int) -> int:
    """Returns the round of a (user, chunk): that of the user's shard."""
    return transforms.shard_of(decode_name(element[0]), num_shards) % num_rounds


class PutLogsTogether(beam.PTransform):  # type: ignore[misc]
    """(user, chunk) of a round -> by name, packed logs and what is told of them: counts, capped users, names, facts."""

    def __init__(self, options: DiscretizeOptions):
        super().__init__()
        self._options = options

    def expand(self, chunks: Any) -> Any:
        users = (
            chunks
            | "Group by user" >> beam.GroupByKey()
            | "Order and deduplicate"
            >> beam.ParDo(transforms.AssembleUser(self._options)).with_outputs(
                transforms.COUNTS, transforms.CAPPED, transforms.PACKED, main="logs"
            )
        )
        return {
            "packed": users.packed,
            "counts": users.counts,
            "capped": users.capped,
            "names": users.logs | "Count names" >> beam.ParDo(fit_vocabulary.CountNames(self._options)),
            "facts": users.logs | "Note days" >> beam.Map(transforms.facts_of, self._options),
        }


class WriteSamples(beam.PTransform):  # type: ignore[misc]
    """Packed logs of a round -> the files of its shards; returns what is counted.

    Args:
        schema: what a sample is made of.
        options: settings of the job.
        folder: where the files go.
        fitted, resolved: the vocabularies and the extent of the log, of one element each.
    """

    def __init__(
        self, schema: Schema, options: DiscretizeOptions, folder: OutputFolder, fitted: Any, resolved: Any
    ) -> None:
        super().__init__()
        self._schema = schema
        self._options = options
        self._folder = folder
        self._side_inputs = (beam.pvalue.AsSingleton(fitted), beam.pvalue.AsSingleton(resolved))

    def expand(self, packed: Any) -> Any:
        samples = packed | "Cut samples" >> beam.ParDo(
            transforms.MakeRecords(self._schema, self._options), *self._side_inputs
        ).with_outputs(transforms.COUNTS, main="records")
        (
            samples.records
            | "Group by shard" >> beam.GroupByKey()
            | "Write shards" >> beam.ParDo(transforms.WriteShard(self._folder, self._options.num_shards))
        )
        return samples.counts
