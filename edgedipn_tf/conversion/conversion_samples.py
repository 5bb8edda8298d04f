"""The samples of a dataset that a conversion needs: to calibrate, to choose the graph, to compare files with Keras."""

from collections.abc import Callable, Iterator, Mapping

import keras
import numpy as np

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion import scoring
from edgedipn_tf.conversion.graph_form import GraphForm, choose_graph
from edgedipn_tf.conversion.signatures import newest_steps
from edgedipn_tf.dataset import Dataset
from edgedipn_tf.finished_run import FinishedRun
from edgedipn_tf.tensorflow_errors import one_line_errors

_SPLIT = "eval"
_BATCH_SIZE = 128
_CALIBRATION_SPLIT = "train"
_CALIBRATION_SPREAD = 32  # one sample of so many: a user has many samples, one after another


class ConversionSamples:
    """The evaluation samples that files are compared with Keras on, and the training samples that calibrate.

    Args:
        dataset: where they are.
        workdir: the training run, whose length they get.
        num_parity: evaluation samples that files are compared on, spread over the split; 0 is all of them.
        num_benchmark: how many of them are kept for benchmarks.
        num_calibration: training samples that calibrated recipes measure ranges on, spread over the split.
    """

    def __init__(
        self, dataset: Dataset, workdir: FinishedRun, num_parity: int, num_benchmark: int, num_calibration: int
    ) -> None:
        self._dataset, self._workdir, self._num_calibration = dataset, workdir, num_calibration
        self.views = tuple(view.name for view in workdir.schema.views)
        self._total = dataset.num_samples(_SPLIT)
        self.selected = scoring.spread(self._total, num_parity)
        self._kept = self.selected[scoring.spread(len(self.selected), num_benchmark)]

    def newest(self, inputs: scoring.Arrays, length: int) -> scoring.Arrays:
        """Returns inputs with the newest `length` steps of each view."""
        return newest_steps(inputs, self.views, length)

    def calibration(self) -> scoring.Arrays:
        """Returns inputs of training samples: spread over the first so many that users differ, without a whole pass.

        Raises:
            InputError: when there are none.
        """
        total = min(self._dataset.num_samples(_CALIBRATION_SPLIT), _CALIBRATION_SPREAD * self._num_calibration)
        if not total:
            raise InputError(f"{self._dataset.path} has no training samples to calibrate with: use other recipes")
        selected = scoring.spread(total, self._num_calibration)
        batches = self._dataset.evaluation_batches(_CALIBRATION_SPLIT, self._workdir.max_length, _BATCH_SIZE)
        needed = batches.take(-(-total // _BATCH_SIZE)).as_numpy_iterator()
        with one_line_errors(self._dataset.path, self._workdir.path):
            parts = [inputs for _, (inputs, _, _) in scoring.select(needed, selected)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def choose_graph(self, model: keras.Model) -> GraphForm:
        """Returns the graph to export."""
        inputs = (batch[0] for _, batch in scoring.select(self._batches(), self.selected))
        with one_line_errors(self._dataset.path, self._workdir.path):
            return choose_graph(model, inputs)

    def score(
        self,
        model: keras.Model,
        runners: Mapping[int, Mapping[str, scoring.FileRunner]],
        report: Callable[[str], None],
    ) -> scoring.Scores:
        """Scores the evaluation samples with Keras and with files, given by length and name."""
        report(f"comparing with Keras on {len(self.selected)} of {self._total} evaluation samples")
        with one_line_errors(self._dataset.path, self._workdir.path):
            return scoring.score(model, self.views, runners, self._batches(), self.selected, self._kept, report)

    def _batches(self) -> Iterator[scoring.Batch]:
        return self._dataset.evaluation_batches(_SPLIT, self._workdir.max_length, _BATCH_SIZE).as_numpy_iterator()
