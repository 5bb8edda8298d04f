"""TensorFlow without its start-up lines, so that a command's screen holds only what the command says."""

import os
import tempfile


def import_tensorflow() -> None:
    """Imports TensorFlow with standard error held back, and shows what was held only when the import fails.

    `TF_CPP_MIN_LOG_LEVEL` alone does not do: TensorFlow 2.21 writes lines before it reads the variable.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    standard_error = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            import tensorflow  # not at the top: the point of this function

            tensorflow.get_logger().setLevel("ERROR")
        except BaseException:
            held.seek(0)
            os.write(standard_error, held.read())
            raise
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
