"""A real Flink session cluster on loopback without Docker: one job manager, and as many task managers as asked for.

The Flink jars come from PyPI's source distribution of apache-flink-libraries, which holds all but the shell scripts;
Beam's job server comes from Maven Central. Both are kept in a cache folder.

Source: the scripts of the Flink distribution (config.sh, jobmanager.sh, taskmanager.sh), whose steps are done here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FLINK = "2.2.0"
_MARK = "BASH_JAVA_UTILS_EXEC_RESULT:"
_LOG4J = """rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p %-40.40c %x - %m%n
"""


class Unavailable(Exception):
    """Something that the cluster needs cannot be had here."""


@dataclass(frozen=True, kw_only=True)
class Jars:
    """What the cluster runs.

    Attributes:
        flink: class path of Flink.
        shell_utils: the jar that works out a process's JVM flags.
        job_server: Beam's job server for this Flink version.
    """

    flink: str
    shell_utils: Path
    job_server: Path


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def fetch_flink(cache: Path) -> tuple[str, Path]:
    """The class path of Flink and the jar of its scripts' Java half, downloaded where they are not cached."""
    lib = cache / f"flink-{FLINK}"
    if not (lib / "complete").exists():
        shutil.rmtree(lib, ignore_errors=True)
        downloads = cache / "downloads"
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"),
                *("--no-build-isolation", "--dest", str(downloads), f"apache-flink-libraries=={FLINK}"),
            ],
            check=True,
        )
        lib.mkdir(parents=True)
        (archive,) = downloads.glob("apache*flink*libraries*.tar.gz")
        with tarfile.open(archive) as opened:
            for member in opened:
                name = Path(member.name).name
                if name.startswith(("flink-dist", "log4j", "bash-java-utils")) and name.endswith(".jar"):
                    source = opened.extractfile(member)
                    assert source is not None
                    with source, open(lib / name, "wb") as file:
                        shutil.copyfileobj(source, file)
        shutil.rmtree(downloads)
        (lib / "complete").touch()
    jars = [str(path) for path in sorted(lib.glob("*.jar")) if "bash-java-utils" not in path.name]
    return os.pathsep.join(jars), lib / "bash-java-utils.jar"


def fetch_job_server(cache: Path) -> Path:
    """Beam's job server for this Flink version.

    Raises:
        Unavailable: Maven cannot get it.
    """
    import apache_beam

    name = f"beam-runners-flink-{FLINK.rpartition('.')[0]}-job-server"
    jar = cache / f"{name}-{apache_beam.__version__}.jar"
    if not jar.exists():
        done = subprocess.run(
            [
                *("mvn", "-q", "-B", "-U", "org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy"),
                *(f"-Dartifact=org.apache.beam:{name}:{apache_beam.__version__}", f"-DoutputDirectory={cache}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not jar.exists():
            reason = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stderr)
            raise Unavailable(f"Maven cannot get org.apache.beam:{name}:{apache_beam.__version__}: {reason[:400]}")
    return jar


@dataclass(kw_only=True)
class Cluster:
    """A cluster that runs until it is stopped.

    Attributes:
        classpath: of Flink.
        shell_utils: see `Jars`.
        folder: for its configuration, logs and temporary files.
        slots: of each task manager.
    """

    classpath: str
    shell_utils: Path
    folder: Path
    slots: int = 2
    rest_port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def master(self) -> str:
        """Address of the REST interface."""
        return f"127.0.0.1:{self.rest_port}"

    def start(self, task_managers: int, *, timeout_seconds: float = 120) -> None:
        """Start everything and wait until all slots are there."""
        (self.folder / "conf").mkdir(parents=True, exist_ok=True)
        for name in ("tmp", "upload"):
            (self.folder / name).mkdir(exist_ok=True)
        settings = {
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.rpc.port": free_port(),
            "jobmanager.bind-host": "127.0.0.1",
            "jobmanager.memory.process.size": "1100m",
            "blob.server.port": free_port(),
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": self.rest_port,
            "web.upload.dir": self.folder / "upload",
            "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.host": "127.0.0.1",
            "taskmanager.memory.process.size": "1100m",
            "taskmanager.memory.network.min": "64m",
            "taskmanager.memory.network.max": "64m",
            "taskmanager.memory.managed.size": "64m",
            "taskmanager.numberOfTaskSlots": self.slots,
            # Else both slots of a small job come from one task manager.
            "taskmanager.load-balance.mode": "SLOTS",
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": 10,
            "restart-strategy.fixed-delay.delay": "2 s",
            "heartbeat.interval": "2000",
            "heartbeat.timeout": "10000",
            "io.tmp.dirs": self.folder / "tmp",
            # Beam's coders are its own; Flink's generic types are not asked for.
            "env.log.dir": self.folder,
        }
        lines = "".join(f"{key}: {value}\n" for key, value in settings.items())
        (self.folder / "conf" / "config.yaml").write_text(lines)
        (self.folder / "conf" / "log4j.properties").write_text(_LOG4J)
        self._start(
            "job-manager",
            "GET_JM_RESOURCE_PARAMS",
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            [],
        )
        for number in range(task_managers):
            self.start_task_manager(f"tm-{number}")
        self._wait_for(task_managers * self.slots, timeout_seconds)

    def start_task_manager(self, name: str) -> None:
        """Start one task manager more."""
        self._start(
            name,
            "GET_TM_RESOURCE_PARAMS",
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            ["-D", f"taskmanager.resource-id={name}"],
        )

    def kill(self, name: str) -> None:
        """End a process as a lost machine would."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def stop(self) -> None:
        """End all that is left."""
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
        for process in self.processes.values():
            process.wait()

    def ask(self, path: str) -> Any:
        """What the REST interface answers."""
        with urllib.request.urlopen(f"http://{self.master}/v1/{path}", timeout=10) as answer:
            return json.load(answer)

    def log(self, name: str) -> str:
        """What a process has written."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _start(self, name: str, resources: str, entry: str, arguments: list[str]) -> None:
        conf = str(self.folder / "conf")
        java = "java"
        answer = subprocess.run(
            [
                *(java, "-cp", os.pathsep.join([str(self.shell_utils), self.classpath])),
                *("org.apache.flink.runtime.util.bash.BashJavaUtils", resources, "--configDir", conf),
                *arguments,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        found = [line.partition(_MARK)[2] for line in answer.stdout.splitlines() if _MARK in line]
        flags = found[0].split()
        sizes = found[1].split() if len(found) > 1 else []
        log4j = f"-Dlog4j.configurationFile=file:{conf}/log4j.properties"
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen(
                [
                    *(java, *flags, "-XX:+UseSerialGC", *_OPENS, log4j, "-cp", self.classpath, entry),
                    *("--configDir", conf, *sizes, *arguments),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_for(self, slots: int, timeout_seconds: float) -> None:
        end = time.monotonic() + timeout_seconds
        while time.monotonic() < end:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} has ended with {process.returncode}: {self.log(name)[-3000:]}")
            try:
                if self.ask("overview")["slots-total"] >= slots:
                    return
            except OSError:
                pass
            time.sleep(0.5)
        raise TimeoutError(f"the cluster had not {slots} slots after {timeout_seconds:g} s")


# What Flink's own configuration opens to itself on Java 17 (env.java.opts.all of its distribution).
_OPENS = [
    option
    for package in (
        "java.base/java.lang",
        "java.base/java.net",
        "java.base/java.io",
        "java.base/java.nio",
        "java.base/sun.nio.ch",
        "java.base/java.lang.reflect",
        "java.base/java.text",
        "java.base/java.time",
        "java.base/java.util",
        "java.base/java.util.concurrent",
        "java.base/java.util.concurrent.atomic",
        "java.base/java.util.concurrent.locks",
    )
    for option in ("--add-opens", f"{package}=ALL-UNNAMED")
]
