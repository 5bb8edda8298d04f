"""A converter that crashes, hangs, or refuses costs one line."""

import pathlib
import sys
import time

import pytest
import tensorflow as tf

from edgedipn_tf.commands import InputError
from edgedipn_tf.conversion.converter import convert, explain, run_conversion
from edgedipn_tf.conversion.recipes import FLOAT32

# What TensorFlow 2.21 says of a recurrent layer with an open batch, shortened in the middle.
OPEN_BATCH_ERROR = """<unknown>:0: error: loc(callsite(fused["TensorListReserve:", "m/gru/TensorArrayV2_1"])): \
'tf.TensorListReserve' op requires element_shape to be static during TF Lite transformation pass
<unknown>:0: note: loc(fused["StatefulPartitionedCall:", "StatefulPartitionedCall"]): called from
<unknown>:0: error: Lowering tensor list ops is failed. Please consider using Select TF ops and disabling \
`_experimental_lower_tensor_list_ops` flag in the TFLite converter object."""


def run_python(code: str, time_limit_s: float = 60) -> bytes:
    return run_conversion([sys.executable, "-c", code], "some_recipe", time_limit_s)


def refusal(code: str, time_limit_s: float = 60) -> str:
    with pytest.raises(InputError) as error:
        run_python(code, time_limit_s)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_file_is_what_the_process_writes() -> None:
    assert run_python("import sys; sys.stdout.buffer.write(b'model'); print('noise', file=sys.stderr)") == b"model"


# tensorflow/tensorflow#76672, #62281, #61370: the converter ends with a segmentation fault on some recurrent models.
def test_a_crash_is_one_line_with_the_signal() -> None:
    message = refusal("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert message == "recipe some_recipe: the converter crashed (SIGSEGV): choose another --recipe"


def test_a_process_killed_for_its_memory_says_so() -> None:
    assert "SIGKILL): free some memory" in refusal("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")


def test_a_hang_ends_at_the_time_limit() -> None:
    start = time.monotonic()
    message = refusal("import time; time.sleep(60)", time_limit_s=0.5)
    assert "stopped after 0.5 s" in message and "--time_limit" in message
    assert time.monotonic() - start < 30


def test_a_failure_before_the_conversion_tells_its_last_line() -> None:
    assert refusal("raise RuntimeError('no such thing')").endswith("RuntimeError: no such thing")
    assert "exit code 3" in refusal("raise SystemExit(3)")


def test_no_output_is_a_failure() -> None:
    assert "without a file" in refusal("pass")


# tensorflow/tensorflow#53333, #62849, #44378, #58668, #70502: RNNs that need TensorList and Flex operators.
def test_operators_that_are_not_built_in_are_named() -> None:
    assert "not built in (TensorListReserve)" in explain(OPEN_BATCH_ERROR)
    text = "Some ops are not supported by the native TFLite runtime\nTF Select ops: MatrixInverse, Qr\nCustom ops: Mine"
    assert "not built in (MatrixInverse, Mine, Qr)" in explain(text)


def test_any_other_error_is_its_start_on_one_line() -> None:
    assert explain("first\nsecond") == "the converter refused the model: first second"


def test_a_model_that_needs_flex_is_refused_by_the_real_converter(tmp_path: pathlib.Path) -> None:
    @tf.function(input_signature=[tf.TensorSpec([1, 2, 2], tf.float32, name="x")])
    def invert(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.linalg.inv(x)}

    tf.saved_model.save(tf.Module(), str(tmp_path), signatures={"predict": invert})
    with pytest.raises(InputError, match=r"^recipe float32: the model needs operators .*\(MatrixInverse\)"):
        convert(tmp_path, FLOAT32, ["predict"])
