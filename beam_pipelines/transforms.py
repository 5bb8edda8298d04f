"""The Beam side of the job: each transform wraps one plain module."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.transforms.window import GlobalWindows

from beam_pipelines import (
    bigquery_tables,
    coverage,
    dead_letters,
    description,
    encoding,
    packed_logs,
    reading,
    validation,
    vocabularies,
)
from beam_pipelines.chunks import MAX_GROUP_ROWS, WITHOUT_ORDER, Chunk, ChunkBuilder
from beam_pipelines.inputs import Input
from beam_pipelines.log_extent import LogFacts, Resolved
from beam_pipelines.options import BY_HASH, RECORD_ORDERS, DiscretizeOptions
from beam_pipelines.output_files import OutputFolder, write_json
from beam_pipelines.samples import SampleMaker
from beam_pipelines.tracks import VIEW_NAMES, DayLimit, UserLog, assemble, browse_action_code, day_bounds
from edgedipn_tf import examples, records
from edgedipn_tf.random_keys import key
from edgedipn_tf.schema import Schema

COUNTS = "counts"
REJECTS = "rejects"
CAPPED = "capped"
PACKED = "packed"
_TABLE_ROWS = 1 << 14
"""Rows of a table that are validated together."""

CountsElement = tuple[tuple[str, ...], int]
Facts = tuple[tuple[int, ...], int, int]
"""Local days with records, users with actions, purchases: the attributes of `LogFacts`, plain for Beam's coders."""


class ReadAndEncode(beam.DoFn):  # type: ignore[misc]
    """Piece of a file -> (user, chunk); side outputs: ((input, shard), block of rejects), counts."""

    def __init__(self, inputs: dict[str, Input], options: DiscretizeOptions):
        self._inputs = inputs
        self._options = options

    def process(self, piece: reading.Piece) -> Iterator[Any]:
        input = self._inputs[piece.input_name]
        builder = ChunkBuilder(input.name, piece.file_index)
        for raw in reading.read_batches(piece, input):
            yield from _encode(raw, input, self._options, builder)
        yield from _chunks(builder)


class EncodeRows(beam.DoFn):  # type: ignore[misc]
    """Rows of a table -> what `ReadAndEncode` makes of files; the rows of a bundle are put together."""

    def __init__(self, piece: reading.Piece, input: Input, options: DiscretizeOptions):
        self._piece = piece
        self._input = input
        self._options = options

    def start_bundle(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._builder = ChunkBuilder(self._input.name, self._piece.file_index)

    def process(self, row: dict[str, Any]) -> Iterator[Any]:
        self._rows.append(row)
        if len(self._rows) >= _TABLE_ROWS:
            yield from self._take()

    def finish_bundle(self) -> Iterator[Any]:
        """Yields what is left of the bundle."""
        for output in (*self._take(), *_chunks(self._builder)):
            if isinstance(output, beam.pvalue.TaggedOutput):
                yield beam.pvalue.TaggedOutput(output.tag, GlobalWindows.windowed_value(output.value))
            else:
                yield GlobalWindows.windowed_value(output)

    def _take(self) -> Iterator[Any]:
        if self._rows:
            raw = bigquery_tables.batch(self._piece, self._input, self._rows)
            self._rows = []
            yield from _encode(raw, self._input, self._options, self._builder)


def _encode(raw: reading.RawBatch, input: Input, options: DiscretizeOptions, builder: ChunkBuilder) -> Iterator[Any]:
    batch, rejects = validation.validate(raw, input, options.min_time_ms, options.max_time_ms)
    yield _count(("inputs", input.name, "read"), len(batch) + len(rejects))
    for reason, count in Counter(str(reject.reason) for reject in rejects).items():
        yield _count(("inputs", input.name, "rejected", reason), count)
    if rejects:
        block = dead_letters.pack_rejects(rejects)
        yield beam.pvalue.TaggedOutput(REJECTS, ((input.name, block.shard(options.num_shards)), tuple(block)))
    if len(batch):
        is_table = raw.piece.format is reading.FileFormat.TABLE
        first_record = WITHOUT_ORDER if is_table else int(batch.record_numbers[0])
        builder.add(encoding.encode(batch, options.local_time.hour), first_record)
    if builder.num_rows >= MAX_GROUP_ROWS:
        yield from _chunks(builder)


def _chunks(builder: ChunkBuilder) -> Iterator[Any]:
    num_bytes = 0
    for user_id, chunk in builder.take():
        num_bytes += len(user_id) + len(chunk.row_hashes) + len(chunk.body)
        yield user_id, tuple(chunk)  # a plain tuple: Beam's coder is quick on it
    yield _count(("shuffle_bytes", "events"), num_bytes)


def _count(name: tuple[str, ...], count: int) -> Any:
    return beam.pvalue.TaggedOutput(COUNTS, (name, count))


class AssembleUser(beam.DoFn):  # type: ignore[misc]
    """(user, chunks) -> UserLog; side outputs: the same packed; duplicates, surplus, clamps; (surplus, user)."""

    def __init__(self, options: DiscretizeOptions):
        self._options = options

    def process(self, element: tuple[bytes, Iterable[Chunk]]) -> Iterator[Any]:
        user_id, parts = element
        limit = DayLimit(self._options.local_time, self._options.max_actions_per_user_day)
        log = assemble(encoding.decode_name(user_id), (Chunk(*part) for part in parts), limit)
        for name, count in log.counts.items():
            yield _count(name, count)
        surplus = sum(count for name, count in log.counts.items() if name[0] == "surplus")
        if surplus:
            yield beam.pvalue.TaggedOutput(CAPPED, (surplus, log.user_id))
        packed = packed_logs.pack(log)
        yield _count(("shuffle_bytes", "logs"), packed_logs.num_bytes(packed))
        yield beam.pvalue.TaggedOutput(PACKED, packed)
        yield log


def facts_of(log: UserLog, options: DiscretizeOptions) -> Facts:
    """Returns what one user adds to the facts of the log."""
    days = set()
    for view in VIEW_NAMES:
        view_days, bounds = day_bounds(log.timestamps(view), options.local_time)
        days |= set(view_days[np.diff(bounds) > 0].tolist())
    has_purchase = (log.tables["browse"].rows["action"] == browse_action_code("purchase")).any()
    return tuple(sorted(days)), int(bool(days)), int(has_purchase)


class GatherFacts(beam.CombineFn):  # type: ignore[misc]
    """Facts of users -> LogFacts."""

    def create_accumulator(self) -> Facts:
        return (), 0, 0

    def add_input(self, accumulator: Facts, facts: Facts) -> Facts:
        return self.merge_accumulators([accumulator, facts])

    def merge_accumulators(self, accumulators: Iterable[Facts]) -> Facts:
        merged, num_users, num_purchases = set[int](), 0, 0
        for days, users, purchases in accumulators:
            merged.update(days)
            num_users, num_purchases = min(2, num_users + users), min(1, num_purchases + purchases)
        return tuple(sorted(merged)), num_users, num_purchases

    def extract_output(self, accumulator: Facts) -> LogFacts:
        return LogFacts(*accumulator)


class MakeRecords(beam.DoFn):  # type: ignore[misc]
    """Packed log -> ((split, shard), (sort keys, serialized record)); side output: what is counted."""

    def __init__(self, schema: Schema, options: DiscretizeOptions):
        self._schema = schema
        self._options = options
        self._counts: Counter[tuple[str, ...]] = Counter()

    def start_bundle(self) -> None:
        self._counts = Counter()

    def process(self, packed: packed_logs.PackedLog, fitted: vocabularies.Fitted, resolved: Resolved) -> Iterator[Any]:
        if resolved.extent is None:
            return
        log = packed_logs.unpack(packed)
        maker = SampleMaker(self._schema, self._options, fitted.vocabulary, fitted.popular, resolved.extent)
        coverage.count_coverage(log, self._options, fitted.vocabulary, self._counts)
        shard = shard_of(log.user_id, self._options.num_shards)
        for split, record in maker.user_days(log, self._counts):
            content = records.serialize(record, self._schema)
            yield (split, shard), (*_place(split, record.user_id, int(record.t0_ms[0])), content)
            self._counts["records", split] += 1
            self._counts["shuffle_bytes", "records"] += len(content)

    def finish_bundle(self) -> Iterator[Any]:
        """Yields the counts once a bundle: by intent and day, those of one user alone are hundreds."""
        for name, count in self._counts.items():
            yield beam.pvalue.TaggedOutput(COUNTS, GlobalWindows.windowed_value((name, count)))


def _place(split: str, user_id: bytes, t0_ms: int) -> tuple[bytes, int]:
    """Returns what the records of a file are sorted by: the same whatever the runner."""
    if RECORD_ORDERS[split] == BY_HASH:
        return key("order", user_id.hex(), t0_ms).to_bytes(8, "big"), t0_ms
    return user_id, t0_ms


def shard_of(user_id: str, num_shards: int) -> int:
    """Returns in which files of the dataset the records of a user are."""
    return key(user_id) % num_shards


def shard_name(split: str, shard: int, num_shards: int) -> str:
    """Returns the name of a TFRecord file, as `tensorflow_datasets` spells it."""
    return f"{split}.tfrecord-{shard:05d}-of-{num_shards:05d}"


class WriteShard(beam.DoFn):  # type: ignore[misc]
    """((split, shard), records) -> one TFRecord file, its records in the order of their split whatever the runner."""

    def __init__(self, folder: OutputFolder, num_shards: int):
        self._folder = folder
        self._num_shards = num_shards

    def process(self, element: tuple[tuple[str, int], Iterable[tuple[bytes, int, bytes]]]) -> Iterator[None]:
        (split, shard), unordered = element
        with self._folder.whole_file(shard_name(split, shard, self._num_shards)) as file:
            for _, _, content in sorted(unordered):
                file.write(examples.frame(content))
        yield from ()


class WriteRejects(beam.DoFn):  # type: ignore[misc]
    """((input, shard), blocks of rejects) -> a Parquet file in rejects/, ordered by place."""

    def __init__(self, folder: OutputFolder, num_shards: int):
        self._folder = folder
        self._num_shards = num_shards

    def process(self, element: tuple[tuple[str, int], Iterable[dead_letters.RejectBlock]]) -> Iterator[None]:
        (input_name, shard), blocks = element
        name = f"rejects/{input_name}-{shard:05d}-of-{self._num_shards:05d}.parquet"
        with self._folder.whole_file(name) as file:
            dead_letters.write_rejects(file, (dead_letters.RejectBlock(*block) for block in blocks))
        yield from ()


def write_counts(counts: list[CountsElement], folder: OutputFolder) -> None:
    """Writes the summed counts as a JSON list of [name parts, count], for the program that started the job."""
    write_json(folder, description.COUNTS_FILE, sorted([list(name), count] for name, count in counts))


def write_capped(users: list[tuple[int, str]], folder: OutputFolder) -> None:
    """Writes the users with the most surplus actions as JSON, for the program that started the job."""
    values = [{"user_id": user_id, "surplus": surplus} for surplus, user_id in users]
    write_json(folder, description.CAPPED_FILE, values)


def write_vocabulary(fitted: vocabularies.Fitted, folder: OutputFolder) -> None:
    """Writes the vocabulary as readable JSON."""
    with folder.whole_file("vocabulary.json") as file:
        file.write((json.dumps(fitted.vocabulary.to_json(), indent=1) + "\n").encode())


def write_extent(resolved: Resolved, folder: OutputFolder) -> None:
    """Writes the extent of the log, for the program that started the job."""
    write_json(folder, description.EXTENT_FILE, resolved.to_json())
