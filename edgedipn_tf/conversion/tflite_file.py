"""What a TFLite file is made of, read from its bytes: operators, weights. Refuses a file that a phone cannot run.

TFLite quantizes no weight of fewer than 1024 elements, so small tables stay float32 in an int8 file.
"""

import dataclasses
import math
from collections.abc import Mapping

from ai_edge_litert import schema_py_generated as tflite

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.recipes import Recipe

QUANTIZED_FROM_ELEMENTS = 1024
_MAX_FLOAT_SHARE = 0.1
_VARIABLE_OPERATORS = {"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"}
_OPERATOR_NAMES = {v: k for k, v in vars(tflite.BuiltinOperator).items() if not k.startswith("_")}
_TYPE_NAMES = {v: k.lower() for k, v in vars(tflite.TensorType).items() if not k.startswith("_")}


@dataclasses.dataclass(frozen=True, order=True)
class Operator:
    """A built-in operator and the newest version of it that a file uses; a runtime knows versions up to its own."""

    name: str
    version: int


@dataclasses.dataclass(frozen=True)
class Weight:
    """A constant tensor of a file."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def num_elements(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


Tensors = tuple[tuple[str, str, tuple[int, ...]], ...]
"""Name, type and shape of each, sorted."""


@dataclasses.dataclass(frozen=True)
class TfliteContent:
    """What a file is made of.

    Attributes:
        operators: the built-in operators it uses, sorted by name.
        foreign_operators: names of the operators that are not built in (Flex, custom), sorted.
        weights: its constant tensors; tensors that share their bytes count once.
        minimum_runtime: the release of TFLite since which all of its operators are there, as the converter noted it;
            None where it did not.
        signatures: inputs and outputs by the name of the signature.
    """

    operators: tuple[Operator, ...]
    foreign_operators: tuple[str, ...]
    weights: tuple[Weight, ...]
    minimum_runtime: str | None = None
    signatures: Mapping[str, tuple[Tensors, Tensors]] = dataclasses.field(default_factory=dict)

    def num_elements(self, *dtypes: str) -> int:
        """Returns the number of constant values of the given types."""
        return sum(weight.num_elements for weight in self.weights if weight.dtype in dtypes)


def read_content(file: bytes) -> TfliteContent:
    """Reads what a TFLite file is made of."""
    model = tflite.ModelT.InitFromPackedBuf(file, 0)
    foreign = sorted(code.customCode.decode() for code in model.operatorCodes if code.customCode is not None)
    versions: dict[str, int] = {}
    for code in model.operatorCodes:
        name = _OPERATOR_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        versions[name] = max(code.version, versions.get(name, 1))
    versions.pop("CUSTOM", None)
    tensors = {}  # by buffer
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            data = model.buffers[tensor.buffer].data
            if data is not None and len(data):
                tensors[tensor.buffer] = Weight(tensor.name.decode(), _TYPE_NAMES[tensor.type], _shape(tensor))
    operators = tuple(Operator(name, version) for name, version in sorted(versions.items()))
    return TfliteContent(
        operators, tuple(foreign), tuple(tensors.values()), _minimum_runtime(model), _signatures(model)
    )


def operator_names(file: bytes) -> list[str]:
    """Returns the name of each operator: that of its first output, which holds the names of what was fused into it."""
    model = tflite.ModelT.InitFromPackedBuf(file, 0)
    return [graph.tensors[op.outputs[0]].name.decode() for graph in model.subgraphs for op in graph.operators]


def _shape(tensor: tflite.TensorT) -> tuple[int, ...]:
    return () if tensor.shape is None else tuple(int(size) for size in tensor.shape)


def _signatures(model: tflite.ModelT) -> dict[str, tuple[Tensors, Tensors]]:
    found = {}
    for signature in model.signatureDefs or []:
        tensors = model.subgraphs[signature.subgraphIndex].tensors
        inputs, outputs = (
            tuple(
                (each.name.decode(), _TYPE_NAMES[tensors[each.tensorIndex].type], _shape(tensors[each.tensorIndex]))
                for each in sorted(side, key=lambda each: each.name)
            )
            for side in (signature.inputs, signature.outputs)
        )
        found[signature.signatureKey.decode()] = (inputs, outputs)
    return found


def _minimum_runtime(model: tflite.ModelT) -> str | None:
    for metadata in model.metadata or []:
        if metadata.name == b"min_runtime_version":
            return bytes(model.buffers[metadata.buffer].data).rstrip(b"\0").decode() or None
    return None


def check_content(content: TfliteContent, recipe: Recipe, num_parameters: int) -> None:
    """Refuses a file that a phone cannot run, or that lacks the weights the model has.

    Args:
        content: what the file is made of.
        recipe: how it was made.
        num_parameters: number of weights of the Keras model.

    Raises:
        InputError: in one line, naming the recipe and what is wrong with the file.
    """
    what = f"recipe {recipe.name}"
    if content.foreign_operators:
        raise InputError(
            f"{what}: the file needs operators that TFLite has not built in ({', '.join(content.foreign_operators)}): "
            "replace the layers they come from"
        )
    found = content.num_elements("float32", "float16", "int8")
    variables = _VARIABLE_OPERATORS.intersection(operator.name for operator in content.operators)
    if variables or found < num_parameters / 2:
        raise InputError(
            f"{what}: the file is without weights ({found} constant values for {num_parameters} parameters"
            + (f", read by {', '.join(sorted(variables))}" if variables else "")
            + "): the variables of the model were not exported"
        )
    large = [w for w in content.weights if w.dtype == "float32" and w.num_elements >= QUANTIZED_FROM_ELEMENTS]
    if recipe.weights != "float32" and sum(w.num_elements for w in large) > _MAX_FLOAT_SHARE * num_parameters:
        names = ", ".join(w.name for w in sorted(large, key=lambda w: -w.num_elements)[:3])
        raise InputError(
            f"{what}: weights that should be {recipe.weights} stayed float32 (largest: {names}): use the recipe float32"
        )
