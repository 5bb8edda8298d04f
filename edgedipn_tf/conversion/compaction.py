"""A TFLite file in fewer bytes: what the converter writes once a tensor and no runtime reads is left out.

The converter gives each activation an empty buffer and empty quantization parameters of its own, and a constant another
name in each signature: a twentieth of a file of five lengths. Operators and constants stay, and so every output.
"""

import flatbuffers
from ai_edge_litert import schema_py_generated as tflite

_FILE_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # of constants in a mapped file, by TFLite's schema (force_align), which its Python classes do not keep
_NO_BUFFER = 0  # the buffer of what has no constant values, by TFLite's schema


def compact(file: bytes) -> bytes:
    """Returns a file that gives the same outputs, bit for bit."""
    model = tflite.ModelT.InitFromPackedBuf(file, 0)
    _drop_empty_buffers(model)
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if tensor.quantization is not None and _is_empty(tensor.quantization):
                tensor.quantization = None
    _name_constants_once(model)
    builder = _SharingBuilder(len(file))
    builder.Finish(model.Pack(builder), file_identifier=_FILE_IDENTIFIER)
    return bytes(builder.Output())


def _drop_empty_buffers(model: tflite.ModelT) -> None:
    kept: list[tflite.BufferT] = [_AlignedBuffer(None)]
    places = {_NO_BUFFER: _NO_BUFFER}
    holders = [tensor for graph in model.subgraphs for tensor in graph.tensors] + list(model.metadata or [])
    for holder in holders:
        data = model.buffers[holder.buffer].data
        if data is None or not len(data):
            places[holder.buffer] = _NO_BUFFER
        elif holder.buffer not in places:
            places[holder.buffer] = len(kept)
            kept.append(_AlignedBuffer(bytes(data)))
        holder.buffer = places[holder.buffer]
    model.buffers = kept


def _is_empty(found: tflite.QuantizationParametersT) -> bool:
    return all(values is None for values in (found.scale, found.zeroPoint, found.min, found.max, found.details))


def _name_constants_once(model: tflite.ModelT) -> None:
    """Names a constant in every graph as in the first that has it, so that the name is stored once."""
    names: dict[int, bytes] = {}
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if tensor.buffer != _NO_BUFFER:
                tensor.name = names.setdefault(tensor.buffer, tensor.name)


class _AlignedBuffer(tflite.BufferT):
    """A buffer whose values start at a multiple of `_ALIGNMENT` in the file.

    Args:
        values: None of what has no values.
    """

    def __init__(self, values: bytes | None) -> None:
        super().__init__()
        self._values = values

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802, the name is TFLite's
        """Writes it and returns where."""
        place = None
        if self._values is not None:
            builder.StartVector(1, len(self._values), _ALIGNMENT)
            builder.head -= len(self._values)
            builder.Bytes[builder.head : builder.head + len(self._values)] = self._values
            place = builder.EndVector()
        tflite.BufferStart(builder)
        if place is not None:
            tflite.BufferAddData(builder, place)
        return tflite.BufferEnd(builder)


class _SharingBuilder(flatbuffers.Builder):
    """Stores equal texts once."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._texts: dict[bytes, int] = {}

    def CreateString(self, s: bytes, encoding: str = "utf-8", errors: str = "strict") -> int:  # noqa: N802
        """Writes a text, unless it is there, and returns where."""
        if s not in self._texts:
            self._texts[s] = super().CreateString(s, encoding, errors)
        return self._texts[s]
