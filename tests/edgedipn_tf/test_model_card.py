"""The model card says what the artefacts say, and warns where they give reason."""

import copy

import pytest

from edgedipn_tf.model_card import format_model_card

CONFIG = {
    "model": "edgedipn", "sources": "", "task_weights": "retention=2", "max_length": 64, "num_hops": 10,
    "penalty_weight": 0.01, "held_out_users": 0.2,
    "global_batch_size": 32, "num_epochs": 4, "learning_rate": 0.001, "learning_rate_decay": 0.9, "cool_down": 0.0,
    "embedding_range": 0.05, "epsilon": 1e-7, "seed": 3,
    "schema_fingerprint": "aaaa", "vocabulary_fingerprint": "bbbb", "dataset_fingerprint": "cccc",
}  # fmt: skip
NONE = {"low": None, "high": None, "num_undefined": 0}


def _values(auc, low, high, positives):
    interval = {"low": low, "high": high, "num_undefined": 0}
    others = {name: 0.25 for name in ("gauc", "pr_auc", "log_loss", "brier", "calibration_error")}
    return {
        "auc": auc, "auc_interval": interval, "num_positives": positives,
        **others, **{f"{name}_interval": NONE for name in others},
    }  # fmt: skip


METRICS = {
    "best_epoch": 2,
    "history": [{}, {}, {}],
    "selection": {"split": "held_out", "held_out_users": 0.2, "num_samples": 2345, "measure": "mean_auc"},
    "intents": {
        "realtime_purchase": _values(0.81234, 0.75, 0.86, 145),
        "retention": _values(None, None, None, 48),
        "realtime_cart": _values(0.52, 0.44, 0.6, 99),
        "longtime_purchase": _values(0.4, 0.31, 0.45, 300),
    },
}
COUNTS = {"positive": 1200, "negative": 34, "unknown": 5}
DESCRIPTION = {
    "splits": {"train": {"num_samples": 12345}, "eval": {"num_samples": 67}},
    "first_cutoff_date": "2021-03-03", "last_cutoff_date": "2021-03-14", "candidates": "edgedipn",
    "labels": {split: dict.fromkeys(METRICS["intents"], COUNTS) for split in ("train", "eval")},
    "log": {"name": "shop", "is_simulated": False, "caveats": ["browse view only"]},
}  # fmt: skip


@pytest.fixture
def card() -> str:
    return format_model_card(CONFIG, METRICS, DESCRIPTION, "the complete model")


def test_card_tells_settings_data_and_results(card):
    assert card.startswith("# Model card: edgedipn\n\nThe complete model.\n")
    assert (
        "| seed | 3 |" in card
        and "| epoch | 2 of 3, of the greatest mean AUC on 2,345 samples" in card
        and "aaaa, bbbb, cccc" in card
    )
    assert "| sources |" not in card and "| task_weights | retention=2 |" in card
    assert "Log `shop`, of real behaviour." in card and "- browse view only" in card
    assert "12,345 training and 67 evaluation samples, cut-offs from 2021-03-03 to 2021-03-14" in card
    assert "| retention | 1,200 | 34 | 5 | 1,200 | 34 | 5 |" in card
    assert "| realtime_purchase | 0.8123 (0.7500-0.8600) | 0.2500 | 0.2500 | 0.2500 | 0.2500 | 0.2500 |" in card


def test_card_warns_where_the_figures_give_reason(card):
    limits = card[card.index("## Limits") :]
    assert "realtime_purchase" not in limits and "simulated" not in limits
    assert "- retention was not judged" in limits and "on 48 positives" not in limits
    assert "- realtime_cart was judged on 99 positives only." in limits
    assert "- realtime_cart: the interval of AUC holds 0.5" in limits
    assert "- longtime_purchase: it ranks worse than chance." in limits


def test_simulated_data_is_called_so():
    description = copy.deepcopy(DESCRIPTION)
    description["log"]["is_simulated"] = True
    card = format_model_card(CONFIG, METRICS, description, "the complete model")
    assert "Log `shop`, SIMULATED: nobody ever did what it tells." in card
    assert "- Trained on simulated data" in card


def test_a_log_without_description_is_not_called_real():
    card = format_model_card(CONFIG, METRICS, {**DESCRIPTION, "log": None}, "the complete model")
    assert "whether it is of real behaviour is not recorded" in card
