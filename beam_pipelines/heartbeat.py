"""A line every few seconds while something long runs, so that a person knows it is alive."""

import contextlib
import threading
import time
from collections.abc import Iterator


@contextlib.contextmanager
def heartbeat(what: str, interval_seconds: float = 10.0) -> Iterator[None]:
    """Prints `what` and the seconds passed, at each interval, until the block ends."""
    done = threading.Event()
    start = time.monotonic()

    def beat() -> None:
        while not done.wait(interval_seconds):
            print(f"{what}: {time.monotonic() - start:.0f} s", flush=True)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    print(f"{what}: done in {time.monotonic() - start:.0f} s", flush=True)
