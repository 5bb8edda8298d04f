"""The settings of one training run: a frozen value, its presets, and the flags and checks derived from it."""

import dataclasses
import difflib
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from edgedipn_tf.commands import InputError
from edgedipn_tf.models.catalog import SOURCES, find_variant
from edgedipn_tf.task_weights import parse_task_weights


def _setting(default: Any, meaning: str, is_valid: Callable[[Any], bool], requirement: str) -> Any:
    metadata = {"meaning": meaning, "is_valid": is_valid, "requirement": requirement}
    return dataclasses.field(default=default, metadata=metadata)


def _count(default: int, meaning: str, minimum: int = 1) -> Any:
    return _setting(default, meaning, lambda value: value >= minimum, f"at least {minimum}")


def _fraction(default: float, meaning: str) -> Any:
    return _setting(default, meaning, lambda value: 0 <= value < 1, "at least 0 and below 1")


def _positive(default: float, meaning: str) -> Any:
    return _setting(default, meaning, lambda value: 0 < value <= 1, "above 0, at most 1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Everything that decides the result of a training run, besides the dataset's content.

    The meaning of each setting stands beside it; the flags of `edgedipn_tf.train` are made from these fields. The
    defaults are the preset `default`.

    Raises:
        InputError: naming the setting, when a value is out of range or contradicts another.
    """

    data: str = _setting("", "folder of the dataset, made by beam_pipelines.discretize_events", bool, "given")
    model: str = _setting("edgedipn", "name of a model, see above", bool, "given")
    sources: str = _setting(
        "",
        f"what the model looks at instead of its own sources: any of {','.join(SOURCES)}, e.g. "
        "--model=dipn --sources=browse,history; an edgedipn always has history and profile",
        lambda value: True,
        "sources joined by commas",
    )
    task_weights: str = _setting(
        "",
        "factors of the tasks' losses, e.g. realtime_purchase=2,retention=0.5 (others: 1), or `uncertainty`: learned "
        "(Kendall et al. 2018)",
        lambda value: True,
        "weights joined by commas",
    )
    max_length: int = _count(256, "newest actions of a view that the model sees; at most the schema's max_length")
    initial_checkpoint: str = _setting(
        "",
        "folder of a finished run of the same model to start from, for retraining on newer logs; its vocabulary has to "
        "be the start of the dataset's",
        lambda value: True,
        "a folder",
    )
    num_hops: int = _count(10, "hops of the multi-level attention")
    penalty_weight: float = _setting(
        0.01,
        "lambda of the penalty on alike hops (EdgeDIPN Eq. 9)",
        lambda value: 0 <= value < float("inf"),
        "at least 0",
    )
    embedding_range: float = _positive(
        0.05,
        "tables of the features start uniformly between minus and plus this; more lets few steps tell categories "
        "apart, and learns rare ids by heart where users are few",
    )
    held_out_users: float = _fraction(
        0.2,
        "share of the training users, by a hash of --seed and the user, that are not trained on but choose the best "
        "epoch (of a baseline: trees or penalty); 0: none, the last epoch is taken",
    )
    global_batch_size: int = _count(256, "samples of a step, over all replicas")
    batch_by_length: bool = _setting(
        False,
        "whether samples of like lengths make a batch, cut to its longest: a step then costs what its actions cost, "
        "not what max_length would, but batches are less mixed; does nothing for models that flatten their steps",
        lambda value: True,
        "true or false",
    )
    num_epochs: int = _count(10, "most epochs to train")
    steps_per_epoch: int = _count(
        0, "steps from one evaluation and checkpoint to the next; 0 is one pass over the training split", minimum=0
    )
    patience: int = _count(
        2, "epochs without a better mean AUC of the held-out users before training stops; 0 never stops", minimum=0
    )
    learning_rate: float = _positive(1e-3, "Adam's learning rate in the first pass")
    learning_rate_decay: float = _positive(0.9, "factor of the learning rate after each pass")
    cool_down: float = _fraction(
        0.0,
        "share of all steps, the last ones, over which the learning rate falls to zero in a straight line; 0: none; "
        "for runs of a known number of steps: pass --patience=0 too, or training may stop before",
    )
    beta_1: float = _fraction(0.9, "Adam's decay of the first moment")
    beta_2: float = _fraction(0.999, "Adam's decay of the second moment")
    epsilon: float = _positive(1e-7, "Adam's epsilon; with 1e-3, the paper's, rare embedding rows barely move")
    seed: int = _setting(
        0,
        "of the initial weights and of the order of the samples",
        lambda value: 0 <= value < 2**31,
        "at least 0 and below 2**31",
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not field.metadata["is_valid"](value):
                raise InputError(f"--{field.name}={value!r} must be {field.metadata['requirement']}")
        parse_task_weights(self.task_weights)
        if find_variant(self.model, self.sources).takes("num_hops") and self.num_hops > self.max_length:
            raise InputError(
                f"--num_hops={self.num_hops} contradicts --max_length={self.max_length}: "
                "the penalty is for sequences with at least as many steps as hops; lower the hops"
            )

    @property
    def are_batches_alike(self) -> bool:
        """Whether batches hold samples of like lengths."""
        return self.batch_by_length and find_variant(self.model).takes_any_length

    def to_json(self) -> dict[str, Any]:
        """Returns the settings as plain values."""
        return dataclasses.asdict(self)


PRESETS: dict[str, dict[str, Any]] = {
    # 2.4 GB and 300 samples a second on two cores; batches of 64 to 1024 train equally fast.
    "default": {},
    # EdgeDIPN 5.1; 6.2 GB.
    "edgedipn_paper": {"global_batch_size": 1024, "epsilon": 1e-3},
    # DIPN 6.1; the paper names neither batch nor number of epochs.
    "dipn_paper": {"model": "dipn", "epsilon": 1e-3},
    # Seconds: shows that everything runs, learns next to nothing.
    "smoke": {"max_length": 16, "num_hops": 4, "global_batch_size": 32, "num_epochs": 1},
}
"""What a preset sets differently from the defaults, by name."""


def settings() -> dict[str, type]:
    """Returns the type of each setting by name."""
    return typing.get_type_hints(TrainingConfig)


def meaning(name: str) -> str:
    """Returns what a setting means, for the help of its flag."""
    return next(str(f.metadata["meaning"]) for f in dataclasses.fields(TrainingConfig) if f.name == name)


def resolve(preset: str, changes: Mapping[str, Any]) -> TrainingConfig:
    """Returns a preset with some settings changed.

    Args:
        preset: a name of `PRESETS`.
        changes: settings by name.

    Raises:
        InputError: when the preset or a setting is unknown (naming the nearest), a value is of another type, out of
            range or contradictory, or a changed setting does nothing for the model.
    """
    if preset not in PRESETS:
        raise InputError(f"--preset={preset}: {_unknown('preset', preset, PRESETS)}")
    values = {**PRESETS[preset], **changes}
    types = settings()
    for name, value in values.items():
        if name not in types:
            raise InputError(_unknown("setting", name, types))
        values[name] = _typed(name, value, types[name])
    config = TrainingConfig(**values)
    _refuse_idle_settings(config.model, changes)
    return config


def _refuse_idle_settings(model: str, names: Iterable[str]) -> None:
    variant = find_variant(model)
    idle = [name for name in names if not variant.takes(name)]
    if idle:
        taken = ", ".join(f"--{name}" for name in settings() if variant.takes(name))
        raise InputError(f"--{idle[0]} does nothing for --model={model}, which takes {taken}: leave it out")


def _typed(name: str, value: Any, kind: type) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and is_number:
        return float(value)
    if type(value) is not kind:
        raise InputError(f"--{name}={value!r} must be of type {kind.__name__}")
    return value


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)[0]
    return f"unknown {what} {name!r}: did you mean {nearest!r}?"
