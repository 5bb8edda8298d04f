"""Command: every sample of a dataset as a plain `tf.train.Example`, for programs that cannot cut windows.

Example:

    python -m edgedipn_tf.materialize_dataset --data=dataset --output=plain

makes a folder that TensorFlow Datasets reads without a line of this project:

    import tensorflow_datasets as tfds
    train = tfds.builder_from_directory("plain").as_dataset(split="train")

It takes about ten times the space of the dataset, which stores each action once. The samples are those of
`edgedipn_tf.tfds_builder`, which reads the dataset as it is.
"""

import contextlib
import io
import pathlib
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from edgedipn_tf import commands, examples, publishing
from edgedipn_tf.quiet_start import import_tensorflow

COPIED_FILES = ("schema.json", "vocabulary.json")


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string("data", None, "dataset folder", required=True, flag_values=values)
    flags.DEFINE_string("output", None, "folder of the plain samples", required=True, flag_values=values)
    flags.DEFINE_bool("overwrite", False, "replace an output that is there", flag_values=values)
    flags.DEFINE_integer("max_length", 0, "actions of a view; 0: as many as the schema holds", 0, flag_values=values)
    flags.DEFINE_integer("num_shards", 8, "files of each split", 1, 100_000, flag_values=values)


def main(values: flags.FlagValues, _: list[str]) -> None:
    """Writes the samples and what TensorFlow Datasets needs to know of them."""
    import_tensorflow()
    import tensorflow_datasets as tfds  # loads TensorFlow: --help and wrong flags do without it

    from edgedipn_tf import tfds_builder
    from edgedipn_tf.dataset import open_dataset

    dataset = open_dataset(values.data)
    max_length = dataset.window_length(values.max_length)
    features = tfds_builder.sample_features(dataset.schema, max_length)
    tfds.disable_progress_bar()
    with publishing.publish_folder(pathlib.Path(values.output), values.overwrite) as folder:
        for split in dataset.description["splits"]:
            _write_split(dataset, split, max_length, features, folder, values.num_shards)
        for name in COPIED_FILES:
            shutil.copyfile(dataset.path / name, folder / name)
        with contextlib.redirect_stdout(io.StringIO()):  # TensorFlow Datasets prints what it counts
            # The sizes of the shards are counted in the files: wrong ones would be believed.
            split_infos = tfds.folder_dataset.compute_split_info_from_directory(data_dir=folder)
            tfds.folder_dataset.write_metadata(
                data_dir=folder,
                features=features,
                split_infos=split_infos,
                version=tfds_builder.VERSION,
                description=f"Samples of schema {dataset.schema.fingerprint}.",
            )
    print(f"written to {values.output}; tfds.builder_from_directory({values.output!r}) reads it")


def _write_split(
    dataset: Any, split: str, max_length: int, features: Any, folder: pathlib.Path, num_shards: int
) -> None:
    from edgedipn_tf import tfds_builder

    num_samples = dataset.num_samples(split)
    num_shards = max(1, min(num_shards, num_samples))
    samples = tfds_builder.samples(dataset, split, max_length).as_numpy_iterator()
    written = 0
    for shard in range(num_shards):
        last = num_samples * (shard + 1) // num_shards
        with open(folder / f"{tfds_builder.NAME}-{split}.tfrecord-{shard:05d}-of-{num_shards:05d}", "wb") as file:
            for _ in range(last - written):
                file.write(examples.frame(features.serialize_example(next(samples))))
        written = last
        print(f"\r{split}: {written:,} of {num_samples:,} samples", end="", flush=True)
    print()


def run(argv: Sequence[str] | None = None) -> int:
    """Runs the command with the given arguments; returns the exit code."""
    return commands.run(__doc__ or "", define_flags, main, argv)


def cli() -> None:
    """Entry point `edgedipn-materialize-dataset`."""
    sys.exit(run())


if __name__ == "__main__":
    cli()
