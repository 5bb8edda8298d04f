"""A Flink of several processes on this machine: one job manager, some task managers, and Python workers they start."""

import json
import pathlib
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from typing import Any, Self

from beam_pipelines.runners.flink_packages import OPENED_PACKAGES, FlinkPackages
from edgedipn_tf.commands import InputError

_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_ROOT = pathlib.Path(__file__).parents[2]
_START_SECONDS = 300
_POLL_SECONDS = 0.2
_STOP_SECONDS = 20
_HOST = "127.0.0.1"
_SETTINGS: dict[str, str | int] = {
    "jobmanager.rpc.address": _HOST,
    "jobmanager.bind-host": _HOST,
    "rest.address": _HOST,
    "rest.bind-address": _HOST,
    "taskmanager.host": _HOST,
    "taskmanager.bind-host": _HOST,
    # Flink's shell scripts compute these from the size of a process; without the scripts each must be said.
    "taskmanager.cpu.cores": 1,
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "128m",
    "taskmanager.memory.task.heap.size": "256m",
    "taskmanager.memory.task.off-heap.size": "32m",
    "taskmanager.memory.network.min": "128m",
    "taskmanager.memory.network.max": "128m",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.jvm-overhead.max": "64m",
    # A task manager that is gone is noticed in seconds, and what it did is done again elsewhere. Until then every
    # attempt asks it for data and fails, so that there must be enough of them.
    "heartbeat.interval": 1000,
    "heartbeat.timeout": 10_000,
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": 20,
    "restart-strategy.fixed-delay.delay": "1 s",
}
_WORKER_IDLE_MS = 60_000
"""How long a Python worker waits for more of its job: one start for all stages instead of one each."""
_TASK_MANAGER_HEAP = "-Xmx384m"
_JOB_MANAGER_HEAP = "-Xmx512m"


class FlinkCluster:
    """A job manager and task managers, each a process of this machine.

    Use it as a context: the processes end with it.

    Attributes:
        folder: keeps configuration and logs.
    """

    def __init__(
        self, packages: FlinkPackages, folder: pathlib.Path, num_task_managers: int = 2, slots: int = 1, port: int = 0
    ) -> None:
        """Prepares the cluster; nothing runs yet.

        Args:
            packages: Flink's jars.
            folder: keeps configuration and logs.
            num_task_managers: processes that work.
            slots: tasks at a time of each; every slot has Python workers of its own.
            port: of the job manager's REST service; 0: any that is free.
        """
        self._packages = packages
        self.folder = folder
        self._num_task_managers = num_task_managers
        self._num_slots = num_task_managers * slots
        self._port = port or _free_port()
        self._settings = _SETTINGS | {
            "rest.port": self._port,
            "jobmanager.rpc.port": _free_port(),
            "taskmanager.numberOfTaskSlots": slots,
            "io.tmp.dirs": str(folder / "tmp"),
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """Address of the job manager, for `--flink_master`."""
        return f"{_HOST}:{self._port}"

    def beam_flags(self) -> list[str]:
        """Returns the options of a Beam job that runs here, on every slot."""
        return [
            "--runner=FlinkRunner",
            f"--flink_master={self.url}",
            f"--flink_job_server_jar={self._packages.job_server_jar}",
            "--environment_type=PROCESS",
            f"--environment_options=process_command={self._worker_file}",
            f"--environment_cache_millis={_WORKER_IDLE_MS}",
            f"--parallelism={self._num_slots}",
        ]

    def __enter__(self) -> Self:
        for name in ("conf", "log", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        lines = [f"{name}: {value}\n" for name, value in sorted(self._settings.items())]
        (self.folder / "conf" / "flink-conf.yaml").write_text("".join(lines))
        self._write_worker_file()
        try:
            self._start("jobmanager", _JOB_MANAGER, _JOB_MANAGER_HEAP)
            for index in range(self._num_task_managers):
                self.start_task_manager(index)
            self._wait_for_task_managers()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends every process."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def start_task_manager(self, index: int) -> None:
        """Starts one task manager."""
        self._start(f"taskmanager-{index}", _TASK_MANAGER, _TASK_MANAGER_HEAP)

    def kill_task_manager(self, index: int) -> None:
        """Kills one task manager as a crash of its machine would: it cannot say goodbye."""
        process = self._processes.pop(f"taskmanager-{index}")
        process.kill()
        process.wait()

    def task_managers(self) -> list[str]:
        """Returns the names of the task managers that the job manager knows."""
        return [manager["id"] for manager in self.get("/taskmanagers")["taskmanagers"]]

    def get(self, path: str) -> Any:
        """Returns an answer of the job manager's REST service."""
        with urllib.request.urlopen(f"http://{self.url}{path}", timeout=_STOP_SECONDS) as response:
            return json.load(response)

    def _start(self, name: str, main_class: str, heap: str) -> None:
        opened = [f"--add-opens={package}=ALL-UNNAMED" for package in OPENED_PACKAGES]
        # Python does the work: compiling Java to the last costs more than it gains.
        options = [heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *opened]
        command = [self._packages.java, *options, "-cp", self._packages.cluster_class_path, main_class]
        command += ["--configDir", str(self.folder / "conf")]
        with open(self._log_file(name), "wb") as log:
            # A session of its own: Ctrl-C is for the program that owns the cluster, which then ends it in order.
            self._processes[name] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def _log_file(self, name: str) -> pathlib.Path:
        return self.folder / "log" / f"{name}.log"

    @property
    def _worker_file(self) -> pathlib.Path:
        return (self.folder / "conf" / "python_worker").absolute()

    def _write_worker_file(self) -> None:
        command = f"{shlex.quote(sys.executable)} -m beam_pipelines.runners.process_worker"
        self._worker_file.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(_ROOT))} exec {command} "$@"\n')
        self._worker_file.chmod(0o755)

    def _wait_for_task_managers(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    log = self._log_file(name)
                    raise InputError(f"Flink's {name} ended with code {process.returncode}: {log} says why")
            try:
                if len(self.task_managers()) >= self._num_task_managers:
                    return
            except OSError:
                pass  # it is still starting
            time.sleep(_POLL_SECONDS)
        raise InputError(f"Flink did not start in {_START_SECONDS} s: {self.folder / 'log'} says why")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((_HOST, 0))
        return int(found.getsockname()[1])
