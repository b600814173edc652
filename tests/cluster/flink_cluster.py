"""A real Flink session cluster on loopback without Docker: one job manager, and as many task managers as asked for.

The Flink jars come from PyPI's source distribution of apache-flink-libraries, which holds all but the shell scripts.
Beam's job server comes from Maven Central: the one of the installed Beam for the newest Flink where it is there, else
one put together from an older runner and its dependencies (job_server/pom.xml). All is kept in a cache folder.

Source: the scripts of the Flink distribution (config.sh, jobmanager.sh, taskmanager.sh), whose steps are done here.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
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

_OFFICIAL_FLINK = "2.2.0"
_ASSEMBLED_FLINK = "1.19.3"
_ASSEMBLED_BEAM = "2.62.0"
_ASSEMBLY = Path(__file__).parent / "job_server" / "pom.xml"
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


class NoJava(Unavailable):
    """Java or Maven is not installed."""


@dataclass(frozen=True, kw_only=True)
class Jars:
    """What the cluster runs.

    Attributes:
        classpath: of Flink.
        shell_utils: the jar that works out a process's JVM flags.
        job_server: Beam's job server for this Flink version.
        versions: of both, in words.
    """

    classpath: str
    shell_utils: Path
    job_server: Path
    versions: str


def free_port() -> int:
    """A port of the loopback that nobody listens on, below those that the kernel gives to connections meanwhile."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
    raise Unavailable("of a hundred ports of the loopback none is free")


def fetch_jars(cache: Path) -> Jars:
    """All jars, downloaded where they are not cached.

    Raises:
        Unavailable: they cannot be had here.
    """
    import apache_beam

    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise NoJava(f"there is no {program} in PATH (Debian: openjdk-17-jre-headless, maven)")
    cache.mkdir(parents=True, exist_ok=True)
    try:
        job_server, beam, flink = _official_job_server(cache), apache_beam.__version__, _OFFICIAL_FLINK
    except Unavailable as error:
        job_server, beam, flink = _assembled_job_server(cache), _ASSEMBLED_BEAM, _ASSEMBLED_FLINK
        print(f"{error}; so Beam's runner {beam} for Flink {flink}, put together from its parts", flush=True)
    lib = _flink(cache, flink)
    jars = [str(path) for path in sorted(lib.glob("*.jar")) if "bash-java-utils" not in path.name]
    return Jars(
        classpath=os.pathsep.join(jars),
        shell_utils=lib / "bash-java-utils.jar",
        job_server=job_server,
        versions=f"Flink {flink}, Beam's Java runner {beam}, Beam's Python workers {apache_beam.__version__}",
    )


def _flink(cache: Path, version: str) -> Path:
    """The folder of Flink's jars and of its scripts' Java half."""
    lib = cache / f"flink-{version}"
    if (lib / "complete").exists():
        return lib
    shutil.rmtree(lib, ignore_errors=True)
    downloads = cache / "downloads"
    shutil.rmtree(downloads, ignore_errors=True)
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"),
        *("--no-build-isolation", "--dest", str(downloads), f"apache-flink-libraries=={version}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        output = done.stderr.strip() or done.stdout.strip() or "no reason is given"
        # Without a network pip's last line says that there is no such version.
        broken = re.search(r"connection broken by '\w+\(.*?>: (.*?)'", output)
        reason = broken[1] if broken else output.splitlines()[-1]
        raise Unavailable(f"pip cannot fetch apache-flink-libraries {version}: {reason[:160]}")
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
    return lib


def _official_job_server(cache: Path) -> Path:
    import apache_beam

    name = f"beam-runners-flink-{_OFFICIAL_FLINK.rpartition('.')[0]}-job-server"
    jar = cache / f"{name}-{apache_beam.__version__}.jar"
    if not jar.exists():
        artifact = f"org.apache.beam:{name}:{apache_beam.__version__}"
        _maven(
            "org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy",
            *(f"-Dartifact={artifact}", f"-DoutputDirectory={cache}"),
            what=artifact,
        )
    return jar


def _assembled_job_server(cache: Path) -> Path:
    jar = cache / f"beam-runners-flink-{_ASSEMBLED_BEAM}-assembled.jar"
    if not jar.exists():
        build = cache.resolve() / "assembly"
        _maven(
            *("--file", str(_ASSEMBLY), f"-DbuildDirectory={build}", f"-Dbeam={_ASSEMBLED_BEAM}", "package"),
            what=f"Beam's Flink runner {_ASSEMBLED_BEAM}",
        )
        (build / "job-server.jar").replace(jar)
        shutil.rmtree(build)
    return jar


def _maven(*arguments: str, what: str) -> None:
    """Run Maven.

    Raises:
        Unavailable: it fails.
    """
    command = ["mvn", "-q", "-B", "-U", "-Dstyle.color=never", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        output = (done.stdout or done.stderr).splitlines()
        reason = next((line for line in output if "ERROR" in line), " ".join(output))
        causes = re.findall(r"Could not find artifact \S+|(?<=transfer failed for )\S+: .*", reason)
        cause = (causes or [reason])[-1].partition(" -> [Help")[0]
        raise Unavailable(f"Maven cannot fetch {what}: {cause[:240]}")


@dataclass(kw_only=True)
class Cluster:
    """A cluster that runs until it is stopped.

    Attributes:
        jars: that it runs.
        folder: for its configuration, logs and temporary files.
        slots: of each task manager.
    """

    jars: Jars
    folder: Path
    slots: int = 2
    rest_port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def master(self) -> str:
        """Address of the REST interface."""
        return f"127.0.0.1:{self.rest_port}"

    def start(self, task_managers: int, *, timeout_seconds: float = 240) -> None:
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
            "taskmanager.memory.process.size": "1500m",
            # Every stage of the graph may be up at once, with buffers for each of its inputs and outputs.
            "taskmanager.memory.network.min": "256m",
            "taskmanager.memory.network.max": "256m",
            "taskmanager.network.sort-shuffle.min-buffers": 32,
            "taskmanager.memory.managed.size": "128m",
            "taskmanager.numberOfTaskSlots": self.slots,
            # Else both slots of a small job come from one task manager.
            "taskmanager.load-balance.mode": "SLOTS",
            "cluster.evenly-spread-out-slots": "true",
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": 10,
            "restart-strategy.fixed-delay.delay": "2 s",
            # One that is killed is missed by its closed connections; a busy machine may keep others silent for long.
            "heartbeat.interval": "2000",
            "heartbeat.timeout": "90000",
            "io.tmp.dirs": self.folder / "tmp",
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
                *(java, "-cp", os.pathsep.join([str(self.jars.shell_utils), self.jars.classpath])),
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
                    *(java, *flags, "-XX:+UseSerialGC", *_OPENS, log4j, "-cp", self.jars.classpath, entry),
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
                    raise RuntimeError(
                        f"{name} has ended with {process.returncode}: {self.log(name)[-3000:]}"
                    )
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
