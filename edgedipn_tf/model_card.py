"""The model card of a training run: what was trained on what, how well it does, and what it must not be used for.

Markdown, made of the artefacts alone, so that it says nothing that was not measured. After Mitchell et al., "Model
Cards for Model Reporting" (2019).
"""

from collections.abc import Iterator, Mapping
from typing import Any

FEW_POSITIVES = 100
"""Below so many positives of an intent the card warns."""
_SETTINGS = (
    "sources",
    "task_weights",
    "max_length",
    "num_hops",
    "penalty_weight",
    "embedding_range",
    "held_out_users",
    "global_batch_size",
    "num_epochs",
    "learning_rate",
    "learning_rate_decay",
    "cool_down",
    "epsilon",
    "seed",
)


def format_model_card(
    config: Mapping[str, Any], metrics: Mapping[str, Any], description: Mapping[str, Any], model: str
) -> str:
    """Returns the card.

    Args:
        config: content of the run's config.json.
        metrics: content of its metrics.json.
        description: content of the dataset's dataset.json.
        model: what the model is, in one line.
    """
    sections = (
        _head(config, metrics, model),
        _data(description),
        _labels(description, metrics),
        _results(metrics),
        _limits(metrics, description),
    )
    return "\n".join(line for section in sections for line in section) + "\n"


def _head(config: Mapping[str, Any], metrics: Mapping[str, Any], model: str) -> Iterator[str]:
    yield f"# Model card: {config['model']}"
    yield ""
    yield f"{model[:1].upper()}{model[1:]}."
    yield "It gives the probability of each intent below, for one user at one moment, on the phone."
    yield ""
    yield "| setting | value |"
    yield "|---|---|"
    for name in (name for name in _SETTINGS if config[name] != ""):
        yield f"| {name} | {config[name]} |"
    yield f"| epoch | {metrics['best_epoch']} of {len(metrics['history'])}, {_choice(metrics['selection'])} |"
    identities = (config[f"{what}_fingerprint"] for what in ("schema", "vocabulary", "dataset"))
    yield f"| schema, vocabulary, dataset | {', '.join(identities)} |"


def _choice(selection: Mapping[str, Any]) -> str:
    if selection["measure"] is None:
        return "the last one: no held-out training users could choose"
    return f"of the greatest mean AUC on {selection['num_samples']:,} samples of held-out training users"


def _data(description: Mapping[str, Any]) -> Iterator[str]:
    splits = description["splits"]
    yield ""
    yield "## Data"
    yield ""
    log = description.get("log")
    if log is None:
        yield "A log of unknown name; whether it is of real behaviour is not recorded."
    else:
        kind = "SIMULATED: nobody ever did what it tells" if log["is_simulated"] else "of real behaviour"
        yield f"Log `{log['name']}`, {kind}."
        yield from (f"- {caveat}" for caveat in log["caveats"])
    yield ""
    yield (
        f"{splits['train']['num_samples']:,} training and {splits['eval']['num_samples']:,} evaluation samples, "
        f"cut-offs from {description['first_cutoff_date']} to {description['last_cutoff_date']}; "
        f"candidates: {description['candidates']}."
    )


def _labels(description: Mapping[str, Any], metrics: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "| intent | training: positive | negative | unknown | evaluation: positive | negative | unknown |"
    yield "|---|---|---|---|---|---|---|"
    for intent in metrics["intents"]:
        counts = [description["labels"][split][intent] for split in ("train", "eval")]
        cells = [f"{count[state]:,}" for count in counts for state in ("positive", "negative", "unknown")]
        yield f"| {intent} | {' | '.join(cells)} |"


def _results(metrics: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "## Results on the evaluation split"
    yield ""
    yield "Nothing was chosen on it. 95 % intervals by bootstrap over users; n/a without known labels of both classes."
    yield ""
    yield "| intent | AUC | GAUC | PR-AUC | log-loss | Brier | ECE |"
    yield "|---|---|---|---|---|---|---|"
    for intent, values in metrics["intents"].items():
        names = ("auc", "gauc", "pr_auc", "log_loss", "brier", "calibration_error")
        yield f"| {intent} | {' | '.join(_estimate(values, name) for name in names)} |"


def _estimate(values: Mapping[str, Any], name: str) -> str:
    value, interval = values[name], values[f"{name}_interval"]
    if value is None:
        return "n/a"
    if interval["low"] is None:
        return f"{value:.4f}"
    return f"{value:.4f} ({interval['low']:.4f}-{interval['high']:.4f})"


def _limits(metrics: Mapping[str, Any], description: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "## Limits"
    yield ""
    log = description.get("log")
    if log is not None and log["is_simulated"]:
        yield "- Trained on simulated data: the figures say that the pipeline works, nothing about people."
    for intent, values in metrics["intents"].items():
        if values["auc"] is None:
            yield f"- {intent} was not judged: no known labels of both classes."
            continue
        if values["num_positives"] < FEW_POSITIVES:
            yield f"- {intent} was judged on {values['num_positives']} positives only."
        low, high = values["auc_interval"]["low"], values["auc_interval"]["high"]
        if low is not None and low <= 0.5 <= high:
            yield f"- {intent}: the interval of AUC holds 0.5, so it is not shown to be better than chance."
        elif low is not None and high < 0.5:
            yield f"- {intent}: it ranks worse than chance."
    yield "- Users, shops, phones and seasons other than those of the data: not measured."
    yield "- Latency: not measured here; see the report of android_bench."
    yield "- Scores are for the shop's own moments on the phone (a coupon, a reminder), not for prices,"
    yield "  nor for anything else about a person."
