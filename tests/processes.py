"""Running the project's commands as a user does: real processes in a folder of their own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(folder, *command, backend="tensorflow", timeout=900):
    """Runs `python <command>` in `folder`; scripts of the repository are named without their path."""
    script, *arguments = map(str, command)
    program = ["-m", "keras_gen"] if script == "keras-gen" else [ROOT / script]
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def succeed(folder, *command, **arguments):
    """As `run`, and shows the process' own words when it fails."""
    process = run(folder, *command, **arguments)
    assert process.returncode == 0, process.stdout + process.stderr
    return process


def fail(folder, *command, **arguments):
    """Runs a command that must end with one line on standard error and exit code 2; returns the line."""
    process = run(folder, *command, **arguments)
    assert process.returncode == 2, process.stdout + process.stderr
    lines = [line for line in process.stderr.splitlines() if not _is_chatter(line)]
    assert len(lines) == 1, process.stderr
    return lines[0]


def _is_chatter(line):
    """Notices of native libraries, such as `E0000 00:00:1700000000.000000 1234 cuda_platform.cc:52] …`."""
    return line[:1] in "IWE" and line[1:5].isdigit()
