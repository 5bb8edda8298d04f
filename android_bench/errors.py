"""What a device does wrong; what a user does wrong is an `InputError` (edgedipn_tf.commands)."""


class DeviceError(Exception):
    """A device or adb did not do what was asked: one line. It makes the measurements under way INVALID."""
