"""Measures a file on this computer with ai-edge-litert. Its figures are a host's, never a phone's.

The graph of a signature runs through `Interpreter` (XNNPACK on, as on Android). Timed is its `invoke` alone, the same
span that benchmark_model times; copying the few kB of inputs stays outside. Inputs are the bundle's real samples, one
after another: random ids lie outside the embedding tables, and the model fails on them.
"""

import math
import time
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from android_bench.bundle import REMEDY, ModelFile, Samples, Tensor
from android_bench.cells import Cell, Findings, case_result
from android_bench.results import CaseResult, Parity, ProcessRun, Settings
from edgedipn_tf.commands import InputError


class LoadedModel:
    """One signature of a file ready to run: inputs and outputs are reached by its names for them.

    Raises:
        InputError: when LiteRT cannot load the file, or its signature is not what the manifest says.
    """

    def __init__(self, file: ModelFile, num_threads: int) -> None:
        start_ns = time.perf_counter_ns()
        try:
            self._interpreter = Interpreter(model_path=str(file.path), num_threads=num_threads)
            self._interpreter.allocate_tensors()  # also hands the graphs to XNNPACK
            if file.signature not in self._interpreter.get_signature_list():
                raise InputError(f"{file.path} has no signature {file.signature!r}: {REMEDY}")
            # The public call of a signature resizes, allocates and copies within one span, and `Interpreter.invoke`
            # runs the file's first graph only. What both of them stand on takes the number of a graph.
            self._graphs = self._interpreter._interpreter
            self._graph = self._graphs.GetSubgraphIndexFromSignature(file.signature)
            self._graphs.AllocateTensors(self._graph)
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{file.path}: LiteRT cannot load it ({_one_line(error)}): {REMEDY}") from None
        self.load_ms = (time.perf_counter_ns() - start_ns) / 1e6
        runner = self._interpreter.get_signature_runner(file.signature)
        self._input_details = runner.get_input_details()
        self._inputs = _indices(file, "inputs", file.inputs, self._input_details)
        self._outputs = _indices(file, "outputs", file.outputs, runner.get_output_details())

    def tensor_names(self) -> dict[str, str]:
        """Returns the graph's own name of each input by its signature's name, in the order of the graph."""
        in_order = sorted(self._inputs, key=self._inputs.__getitem__)  # a graph's inputs are its first tensors
        return {name: str(self._input_details[name]["name"]) for name in in_order}

    def run(self, feed: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], float]:
        """Returns the outputs by name and the latency of the inference in ms."""
        for name, index in self._inputs.items():
            self._graphs.SetTensor(index, feed[name], self._graph)
        start_ns = time.perf_counter_ns()
        self._graphs.Invoke(self._graph)
        latency_ms = (time.perf_counter_ns() - start_ns) / 1e6
        return {name: self._graphs.GetTensor(index, self._graph) for name, index in self._outputs.items()}, latency_ms


def measure_host(cell: Cell, settings: Settings) -> CaseResult:
    """Measures one file on this computer.

    Raises:
        InputError: when the file cannot be loaded or run.
    """
    file, samples = cell.file, cell.file.samples
    model = LoadedModel(file, cell.condition.num_threads)
    try:
        first, *warmup = (model.run(samples.feed(i))[1] for i in range(1 + settings.num_warmup_runs))
        parity = compare_outputs(model, samples)
        latencies = _timed_runs(model, samples, settings.num_runs, cell.condition.interval_ms)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{file.path}: LiteRT cannot run it ({_one_line(error)}): {REMEDY}") from None
    process = ProcessRun(
        order=0, samples_ms=tuple(latencies), first_ms=first, warmup_ms=tuple(warmup), load_ms=model.load_ms
    )
    return case_result(cell, None, Findings(processes=[process], parity=parity), settings)


def _timed_runs(model: LoadedModel, samples: Samples, num_runs: int, interval_ms: float) -> list[float]:
    """Returns the latencies of runs, each started `interval_ms` after the one before where that is not over yet."""
    latencies = []
    start_s = time.monotonic()
    for place in range(num_runs):
        time.sleep(max(0.0, start_s + place * interval_ms / 1000 - time.monotonic()))
        latencies.append(model.run(samples.feed(place))[1])
    return latencies


def compare_outputs(model: LoadedModel, samples: Samples) -> Parity:
    """Runs every sample and returns the largest difference of each intent from Keras' probabilities."""
    largest: dict[str, float | None] = dict.fromkeys(samples.expected, 0.0)
    for place in range(samples.num_samples):
        outputs, _ = model.run(samples.feed(place))
        for name, output in outputs.items():
            difference = float(np.max(np.abs(output[0] - samples.expected[name][place])))
            before = largest[name]
            largest[name] = max(before, difference) if before is not None and math.isfinite(difference) else None
    return Parity(samples.num_samples, largest)


def _indices(
    file: ModelFile,
    what: str,
    declared: tuple[Tensor, ...],
    details: dict[str, dict[str, Any]],
) -> dict[str, int]:
    """Returns the tensor index of each declared name, or refuses a file that does not have what is declared."""
    actual = {
        name: (np.dtype(detail["dtype"]).name, tuple(int(size) for size in detail["shape"]))
        for name, detail in details.items()
    }
    expected = {tensor.name: (tensor.dtype, tensor.shape) for tensor in declared}
    if actual != expected:
        odd = sorted(name for name in actual.keys() | expected.keys() if actual.get(name) != expected.get(name))[0]
        raise InputError(
            f"{file.path}: {what} {odd!r} is {actual.get(odd, 'absent')}, the manifest says "
            f"{expected.get(odd, 'nothing of it')}: {REMEDY}"
        )
    return {name: int(detail["index"]) for name, detail in details.items()}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
