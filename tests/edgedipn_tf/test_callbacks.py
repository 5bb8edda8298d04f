"""The live line under a clock of our own, and an epoch whose loss is not finite."""

import pytest

from edgedipn_tf import callbacks
from edgedipn_tf.checkpoints import History
from edgedipn_tf.commands import InputError
from tests.edgedipn_tf.tiny_dataset import tiny_schema


@pytest.fixture
def clock(monkeypatch):
    """Seconds since the start, to be set by the test."""
    now = [0.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    return now


def _run_steps(line, clock, seconds, steps):
    for step in range(steps):
        clock[0] += seconds
        line.on_train_batch_end(step, {"loss": 1.5})


def test_live_line_tells_step_loss_last_mean_auc_and_time_left(clock, monkeypatch, capsys):
    monkeypatch.setattr(callbacks.sys.stdout, "isatty", lambda: True, raising=False)
    history = History()
    history.epochs.append({"mean_auc": 0.61239})
    line = callbacks.LiveLine(num_epochs=2, steps_per_epoch=100, history=history)
    line.on_epoch_begin(1)
    _run_steps(line, clock, seconds=2.0, steps=40)
    shown = capsys.readouterr().out.split("\r")[-1].rstrip()
    # 60 steps are left in the last epoch, at 2 s each.
    assert shown == "epoch 2/2  step 40/100  loss 1.5000  AUC 0.6124  at most 0:02:00 left"


def test_first_step_does_not_count_because_it_traces_the_graph(clock, monkeypatch, capsys):
    monkeypatch.setattr(callbacks.sys.stdout, "isatty", lambda: True, raising=False)
    line = callbacks.LiveLine(num_epochs=1, steps_per_epoch=12, history=History())
    line.on_epoch_begin(0)
    clock[0] = 1000.0
    line.on_train_batch_end(0, {"loss": 1.5})
    _run_steps(line, clock, seconds=1.0, steps=2)
    assert "at most 0:00:10 left" in capsys.readouterr().out


def test_a_log_file_gets_whole_lines_once_a_minute(clock, capsys):
    line = callbacks.LiveLine(num_epochs=1, steps_per_epoch=1000, history=History())
    line.on_epoch_begin(0)
    _run_steps(line, clock, seconds=1.0, steps=200)
    shown = capsys.readouterr().out
    assert shown.count("\n") == 3 and "\r" not in shown  # after 61, 121 and 181 s


def test_epoch_with_a_loss_that_is_not_finite_ends_the_run_and_is_not_saved():
    history = History()
    end = callbacks.EpochEnd(dict, tiny_schema(), history, checkpoints=None, curves=None, num_epochs=3, patience=0)
    with pytest.raises(InputError, match="the loss is nan in epoch 2: choose a lower --learning_rate"):
        end.on_epoch_end(1, {"loss": float("nan")})
    assert history.epochs == []
