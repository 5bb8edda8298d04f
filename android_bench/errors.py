"""The two ways in which a benchmark cannot go on for reasons outside the program."""


class InputError(Exception):
    """A flag or file given by the user is at fault: one line that names it and the remedy; exit code 2."""


class DeviceError(Exception):
    """A device or adb did not do what was asked: one line. It makes the measurements under way INVALID."""
