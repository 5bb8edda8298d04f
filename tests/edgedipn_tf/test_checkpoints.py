"""What a checkpoint restores, which ones stay, and how the history decides."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgedipn_tf.checkpoints import Checkpoints, History
from edgedipn_tf.commands import InputError
from edgedipn_tf.tensorflow_errors import one_line_errors


def _history(*means):
    history = History()
    history.epochs = [{"mean_auc": mean} for mean in means]
    return history


@pytest.mark.parametrize(
    ("means", "best"), [((0.5,), 0), ((0.5, 0.7, 0.6), 1), ((0.7, 0.7), 0), ((None, None), 1), ((0.1, 0.2), 1)]
)
def test_best_epoch_is_the_first_of_the_greatest_mean(means, best):
    assert _history(*means).best_epoch == best


@pytest.mark.parametrize(
    ("means", "patience", "is_over"),
    [
        ((), 1, False),
        ((0.7, 0.6), 2, False),
        ((0.7, 0.6, 0.7), 2, True),  # an equal epoch is no better
        ((0.7, 0.6, 0.8), 2, False),
        ((0.7, 0.6, 0.5, 0.4), 0, False),
        ((0.7, 0.6, 0.5, 0.4, 0.3), 0, True),  # all five are done
        ((None, None, None), 1, False),  # without a metric nothing says that it gets no better
    ],
)
def test_training_is_over_after_patience_or_all_epochs(means, patience, is_over):
    assert _history(*means).is_over(num_epochs=5, patience=patience) is is_over


def _model():
    """Two weights, and the seed state of a dropout, which `tf.train.Checkpoint(model=...)` would leave out."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5, seed=1), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.1), loss="mse")
    return model


def _train(model, steps):
    generator = np.random.default_rng(0)
    for _ in range(steps):
        inputs = generator.normal(size=(4, 2)).astype(np.float32)
        model.train_on_batch(inputs, inputs[:, :1])


def _state(model):
    return [np.array(v.numpy()) for v in [*model.variables, *model.optimizer.variables]]


def test_restored_state_is_the_saved_one_to_the_bit(tmp_path):
    saved, history = _model(), _history(0.5)
    checkpoints = Checkpoints(tmp_path, saved, history)
    _train(saved, 3)
    checkpoints.save()
    restored, empty = _model(), History()
    assert Checkpoints(tmp_path, restored, empty).restore_newest()
    assert empty.epochs == history.epochs
    for found, right in zip(_state(restored), _state(saved), strict=True):
        np.testing.assert_array_equal(found, right)
    assert len(_state(saved)) == 2 + 1 + 2 + 2 * 2  # weights, seed state, iterations and rate, moments


def test_nothing_to_restore_is_told(tmp_path):
    assert not Checkpoints(tmp_path, _model(), History()).restore_newest()


def test_newest_and_best_stay_and_the_best_weights_come_back(tmp_path):
    model, history = _model(), History()
    checkpoints = Checkpoints(tmp_path, model, history)
    weights = []
    for mean in (0.6, 0.9, 0.7, 0.8):
        _train(model, 1)
        history.epochs.append({"mean_auc": mean})
        checkpoints.save()
        weights.append(model.get_weights())
    assert {path.name for path in tmp_path.iterdir()} == {"epoch-00001", "epoch-00003"}
    checkpoints.restore_best_weights()
    for found, right in zip(model.get_weights(), weights[1], strict=True):
        np.testing.assert_array_equal(found, right)
    assert int(model.optimizer.iterations) == 4


def test_damaged_checkpoint_is_named_and_the_one_before_it_serves(tmp_path):
    model, history = _model(), History()
    checkpoints = Checkpoints(tmp_path, model, history)
    for mean in (0.9, 0.7):
        history.epochs.append({"mean_auc": mean})
        checkpoints.save()
    (tmp_path / "epoch-00001/state.index").write_bytes(b"x" * 100)
    with pytest.raises(InputError, match="epoch-00001 cannot be read .*: remove this folder to go on"):
        checkpoints.restore_newest()
    for path in (tmp_path / "epoch-00001").iterdir():
        path.unlink()
    (tmp_path / "epoch-00001").rmdir()
    assert checkpoints.restore_newest()
    assert len(history.epochs) == 1


def test_checkpoint_of_another_model_is_refused(tmp_path):
    Checkpoints(tmp_path, _model(), _history(0.5)).save()
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    other.compile(keras.optimizers.Adam(0.1), loss="mse")
    with pytest.raises(InputError, match="epoch-00000 cannot be read"):
        Checkpoints(tmp_path, other, History()).restore_newest()


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        RuntimeError("Can't decrement id ref count (unable to close file, errno = 28, error message = '...')"),
        tf.errors.ResourceExhaustedError(None, None, "/w/state.data; No space left on device"),
    ],
)
def test_full_disk_is_one_line_whoever_reports_it(error, tmp_path):
    with pytest.raises(InputError, match="no space left on device: free some space and run the same command again"):
        with one_line_errors(tmp_path, tmp_path):
            raise error


def test_other_errors_pass_as_they_are(tmp_path):
    with pytest.raises(OSError, match="Permission denied"), one_line_errors(tmp_path, tmp_path):
        raise OSError(13, "Permission denied")
