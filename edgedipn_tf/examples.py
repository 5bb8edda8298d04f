"""`tf.train.Example` and TFRecord framing without TensorFlow, which costs a Beam worker 2.5 CPU-seconds to import.

The messages are declared in a private descriptor pool, so that a later import of TensorFlow does not clash. Field
numbers are those of tensorflow/core/example/{example,feature}.proto; the framing is that of TFRecord: length, masked
CRC-32C of the length, content, masked CRC-32C of the content.
"""

import functools
import struct
from collections.abc import Mapping
from typing import Any

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Value = bytes | list[bytes] | list[int]
"""A feature: raw bytes, several byte strings, or integers."""

_Field = descriptor_pb2.FieldDescriptorProto


def serialize(features: Mapping[str, Value]) -> bytes:
    """Returns the bytes of a `tf.train.Example`; equal features give equal bytes."""
    example = _example_class()()
    for name, value in features.items():
        feature = example.features.feature[name]
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        elif value and isinstance(value[0], bytes):
            feature.bytes_list.value.extend(value)
        elif value:
            feature.int64_list.value.extend(value)
        # An empty list has no kind: it is read back as whatever the reader expects.
    content: bytes = example.SerializeToString(deterministic=True)
    return content


def frame(content: bytes) -> bytes:
    """Returns one record of a TFRecord file."""
    length = struct.pack("<Q", len(content))
    return b"".join((length, _masked_crc(length), content, _masked_crc(content)))


def _masked_crc(content: bytes) -> bytes:
    crc: int = google_crc32c.value(content)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


@functools.cache
def _example_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="edgedipn/example.proto", package="edgedipn.tensorflow", syntax="proto3"
    )
    _add_message(file, "BytesList", ("value", 1, _Field.TYPE_BYTES, "", True))
    _add_message(file, "FloatList", ("value", 1, _Field.TYPE_FLOAT, "", True))
    _add_message(file, "Int64List", ("value", 1, _Field.TYPE_INT64, "", True))
    feature = _add_message(
        file,
        "Feature",
        ("bytes_list", 1, _Field.TYPE_MESSAGE, "BytesList", False),
        ("float_list", 2, _Field.TYPE_MESSAGE, "FloatList", False),
        ("int64_list", 3, _Field.TYPE_MESSAGE, "Int64List", False),
    )
    feature.oneof_decl.add(name="kind")
    for field in feature.field:
        field.oneof_index = 0
    features = _add_message(file, "Features", ("feature", 1, _Field.TYPE_MESSAGE, "Features.FeatureEntry", True))
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    _add_field(entry, "key", 1, _Field.TYPE_STRING, "", False)
    _add_field(entry, "value", 2, _Field.TYPE_MESSAGE, "Feature", False)
    _add_message(file, "Example", ("features", 1, _Field.TYPE_MESSAGE, "Features", False))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("edgedipn.tensorflow.Example"))


def _add_message(file: Any, name: str, *fields: tuple[str, int, int, str, bool]) -> Any:
    message = file.message_type.add(name=name)
    for field in fields:
        _add_field(message, *field)
    return message


def _add_field(message: Any, name: str, number: int, kind: int, type_name: str, is_repeated: bool) -> None:
    field = message.field.add(name=name, number=number, type=kind)
    field.label = _Field.LABEL_REPEATED if is_repeated else _Field.LABEL_OPTIONAL
    if type_name:
        field.type_name = f".edgedipn.tensorflow.{type_name}"
    if is_repeated and kind in (_Field.TYPE_INT64, _Field.TYPE_FLOAT):
        field.options.packed = True
