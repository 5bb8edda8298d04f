"""What the job tells about its dataset: counters, description, the summary on the screen, and errors."""

import json
import re
from collections.abc import Mapping
from typing import Any

from beam_pipelines import coverage, label_counts
from beam_pipelines.options import RECORD_ORDERS, SPLITS, DiscretizeOptions
from beam_pipelines.output_files import DESCRIPTION_FILE, OutputFolder, write_json
from edgedipn_tf import dataset_report, records
from edgedipn_tf.commands import InputError
from edgedipn_tf.schema import Schema
from edgedipn_tf.vocabulary import Vocabulary

COUNTS_FILE = "counts.partial.json"
EXTENT_FILE = "extent.partial.json"
CAPPED_FILE = "capped.partial.json"
_NOT_RECORDED = ("output", "overwrite", "validate_only", "validate_rows", "describe_only", "max_length")
"""Flags that say nothing about what a dataset holds, or what schema.json says."""
_PRINTED_USERS = 5


def publish_description(
    folder: OutputFolder,
    schema: Schema,
    job: DiscretizeOptions,
    flag_values: Mapping[str, Any],
    earlier: Vocabulary | None = None,
    log: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Checks what the workers counted and writes schema.json, counters.json and, last, dataset.json.

    Args:
        folder: where the workers wrote.
        schema: what a sample is made of.
        job: settings of the job.
        flag_values: the flags as given, for the record.
        earlier: vocabulary of an earlier run that the job went on with.
        log: name and caveats of the log, and whether it is simulated; None when nobody wrote that down.

    Returns:
        The description.

    Raises:
        InputError: when too many records are bad, the settings do not fit the log, or a split is empty.
    """
    counts = {tuple(name): count for name, count in json.loads(folder.read(COUNTS_FILE))}
    extent = json.loads(folder.read(EXTENT_FILE))
    counters = _counters(counts, schema, json.loads(folder.read(CAPPED_FILE)))
    _check(counters, extent, job)
    for name in (COUNTS_FILE, EXTENT_FILE, CAPPED_FILE):
        folder.delete(name)
    vocabulary = Vocabulary.from_json(json.loads(folder.read("vocabulary.json")), schema)
    write_json(folder, "schema.json", {**schema.to_json(), "fingerprint": schema.fingerprint})
    write_json(folder, "counters.json", counters)
    description = {
        "format_version": records.FORMAT_VERSION,
        "schema_fingerprint": schema.fingerprint,
        "vocabulary_fingerprint": vocabulary.fingerprint,
        "earlier_vocabulary_fingerprint": None if earlier is None else earlier.fingerprint,
        "splits": {split: _split(folder, split, counts, counters) for split in SPLITS},
        **_cutoff_dates(extent["extent"], job),
        "log_end_ms": extent["extent"]["log_end_ms"],
        "candidates": job.candidate_mix.name,
        "log": log,
        "flags": {name: value for name, value in sorted(flag_values.items()) if name not in _NOT_RECORDED},
        "labels": counters["labels"],
        "days": label_counts.by_day(counts, schema, SPLITS),
        "coverage": coverage.report(counts, vocabulary, earlier),
        "candidate_pairs": coverage.pairs_report(counts),
        "shuffle_bytes": {name: counts.get(("shuffle_bytes", name), 0) for name in ("events", "logs", "records")},
    }
    write_json(folder, DESCRIPTION_FILE, description)
    return {**description, "counters": counters}


def _check(counters: Mapping[str, Any], extent: Mapping[str, Any], job: DiscretizeOptions) -> None:
    """Raises InputError when too many records are bad, the settings do not fit the log, or a split is empty."""
    check_bad_fraction(counters["inputs"], job.max_bad_fraction)
    if extent["problem"]:
        raise InputError(extent["problem"])
    for split in SPLITS:
        if not counters["samples"][split]:
            raise InputError(_empty_split(split, counters, job))


def _split(
    folder: OutputFolder, split: str, counts: Mapping[tuple[str, ...], int], counters: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "num_samples": counters["samples"][split],
        "num_records": counts.get(("records", split), 0),
        "order": RECORD_ORDERS[split],
        "files": folder.names(f"{split}.tfrecord-"),
    }


def _cutoff_dates(extent: Mapping[str, Any], job: DiscretizeOptions) -> dict[str, str]:
    return {f"{end}_cutoff_date": job.local_time.date_text(extent[f"{end}_cutoff_day"]) for end in ("first", "last")}


def _counters(counts: Mapping[tuple[str, ...], int], schema: Schema, capped_users: list[Any]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for name in counts:
        if name[0] == "inputs" and name[1] not in inputs:
            read, duplicates = counts[("inputs", name[1], "read")], counts.get(("duplicates", name[1]), 0)
            rejected = {key[3]: n for key, n in counts.items() if key[:3] == ("inputs", name[1], "rejected")}
            accepted = read - duplicates - sum(rejected.values())
            inputs[name[1]] = {"read": read, "accepted": accepted, "duplicates": duplicates, "rejected": rejected}
    sample_kinds = (*SPLITS, label_counts.DROPPED, "other_split")
    return {
        "inputs": inputs,
        "surplus": {name[1]: count for name, count in counts.items() if name[0] == "surplus"},  # of the accepted
        "capped_users": capped_users,
        "profile_conflicts": counts.get(("profile_conflicts",), 0),
        "clamps": {name[1]: count for name, count in counts.items() if name[0] == "clamps"},
        "samples": {kind: counts.get(("samples", kind), 0) for kind in sample_kinds},
        "labels": label_counts.totals(counts, schema, SPLITS),
    }


def check_bad_fraction(inputs: Mapping[str, Any], max_bad_fraction: float) -> None:
    """Raises InputError with the counts when a larger share of an input's records is bad."""
    for name, counts in inputs.items():
        bad = sum(counts["rejected"].values())
        if bad > max_bad_fraction * counts["read"]:
            reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(counts["rejected"].items()))
            raise InputError(
                f"input {name}: {bad} of {counts['read']} records are bad ({reasons}), more than "
                f"--max_bad_fraction={max_bad_fraction:g}; mend the log, or raise the limit to see them in rejects/"
            )


def _empty_split(split: str, counters: Mapping[str, Any], job: DiscretizeOptions) -> str:
    dropped = counters["samples"][label_counts.DROPPED]
    reason = f"{dropped} cut-offs had every label unknown" if dropped else "no cut-off falls into it"
    if job.evaluation_users is not None and job.evaluation_day is None:
        return f"the {split} split is empty ({reason}): choose another --evaluation_users or --seed, or give more users"
    return (
        f"the {split} split is empty ({reason}): choose another --evaluation_date, --last_cutoff_date or "
        "--warmup_days; labels of 1 h need an hour of log after the cut-off"
    )


def worker_error(error: RuntimeError) -> Exception:
    """Returns the exception to raise for a failed run: one line when the user can mend it, else the error itself."""
    text = str(error)
    if "InputError" in text:
        message = re.findall(r"InputError: (.*?)(?: \[while running|\n|$)", text)
        return InputError(message[-1] if message else text.splitlines()[-1])
    if "No space left on device" in text:
        return InputError("no space left on the disk of --output: free some space and run again")
    return error


def summary_text(summary: Mapping[str, Any]) -> str:
    """Returns what a person wants to know of the new dataset."""
    counters = summary["counters"]
    lines = ["input      read       accepted   duplicates  bad"]
    for name, counts in counters["inputs"].items():
        bad = sum(counts["rejected"].values())
        lines.append(f"{name:9} {counts['read']:>10,} {counts['accepted']:>10,} {counts['duplicates']:>10,} {bad:>5,}")
    train, evaluation = (counters["samples"][split] for split in SPLITS)
    lines.append(
        f"samples: {train:,} for training, {evaluation:,} for evaluation; positive / negative / unknown labels:"
    )
    for intent, values in counters["labels"]["train"].items():
        other = counters["labels"]["eval"][intent]
        lines.append(
            f"  {intent:24}"
            + "   ".join(f"{v['positive']:>7,} / {v['negative']:>8,} / {v['unknown']:>8,}" for v in (values, other))
        )
    lines += dataset_report.coverage_lines(summary)
    return "\n".join([*lines, *_surplus_text(summary), _shuffle_text(summary)])


def _surplus_text(summary: Mapping[str, Any]) -> list[str]:
    counters = summary["counters"]
    surplus = sum(counters["surplus"].values())
    if not surplus:
        return []
    users = ", ".join(f"{user['user_id']} ({user['surplus']:,})" for user in counters["capped_users"][:_PRINTED_USERS])
    limit = summary["flags"]["max_actions_per_user_day"]
    return [f"{surplus:,} actions beyond --max_actions_per_user_day={limit} were left out, most of user {users}"]


def _shuffle_text(summary: Mapping[str, Any]) -> str:
    num_bytes = summary["shuffle_bytes"]
    num_events = sum(counts["read"] for counts in summary["counters"]["inputs"].values())
    num_samples = sum(summary["splits"][split]["num_samples"] for split in SPLITS)
    return (
        f"bytes through the shuffle: {num_bytes['events']:,} of events ({num_bytes['events'] / num_events:.1f} each), "
        f"{num_bytes['logs']:,} of them put in order ({num_bytes['logs'] / num_events:.1f}), "
        f"{num_bytes['records']:,} of records ({num_bytes['records'] / num_samples:.0f} a sample)"
    )
