"""What a device does wrong; what a user does wrong is an `InputError` (edgedipn_tf.commands)."""


def printable(text: str) -> str:
    """Returns foreign text as one line without control characters, which a terminal would obey."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


class DeviceError(Exception):
    """A device or adb did not do what was asked: one line. It makes the measurements under way INVALID."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class DeviceTimeout(DeviceError):
    """A call took longer than its limit."""
