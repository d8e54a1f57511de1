"""Running the project's commands as a user types them, in a given folder.

`call` runs a command in this process, which saves the seconds that TensorFlow takes to start. `spawn` starts a real
one, for what only a process shows: what it imports, signals, a closed pipe, a full disk, another backend.
"""

import contextlib
import io
import os
import runpy
import subprocess
import sys
import warnings
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from keras_gen import cli

ROOT = Path(__file__).resolve().parent.parent


class Ended(NamedTuple):
    """How a command ended, with the names of `subprocess.CompletedProcess`."""

    returncode: int
    stdout: str
    stderr: str


class _Stream(io.StringIO):
    """A stream of text that says, as a terminal does, in which encoding."""

    encoding = "utf-8"


def call(folder, *command):
    """Runs a command in this process; scripts of the repository are named without their path."""
    program, *arguments = map(str, command)
    script = program if program == "keras-gen" else str(ROOT / program)
    output, errors, code = _Stream(), _Stream(), 0
    with contextlib.ExitStack() as as_a_process:
        for each in (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
            mock.patch.object(sys, "argv", [script, *arguments]),
            mock.patch.dict(os.environ),
            warnings.catch_warnings(),
        ):
            as_a_process.enter_context(each)
        warnings.simplefilter("default")  # as in a process: the suite turns them into errors
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.showwarning = lambda *warning, **_: print(
            warnings.formatwarning(*warning[:4]), file=sys.stderr, end=""
        )
        try:
            cli.main() if program == "keras-gen" else runpy.run_path(script, run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
    return Ended(code, output.getvalue(), errors.getvalue())


def spawn(folder, *command, backend="tensorflow", variables=None):
    """Runs a command in a real process, on a backend, with further variables of the environment."""
    every = environment(backend, **(variables or {}))
    return subprocess.run(typed(*command), cwd=folder, env=every, capture_output=True, text=True, timeout=900)


def typed(*command):
    """The command line of a real process."""
    program, *arguments = map(str, command)
    return [sys.executable, *(["-m", "keras_gen"] if program == "keras-gen" else [str(ROOT / program)]), *arguments]


def environment(backend="tensorflow", **variables):
    """The variables of a real process, which finds this keras_gen."""
    # Pytest in a real process must not take itself for a worker of this session.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**ours, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), **variables}


def succeed(folder, *command, run=call, **arguments):
    """Runs a command that must end well; shows its own words when it fails."""
    ended = run(folder, *command, **arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


def fail(folder, *command, run=call, **arguments):
    """Runs a command that must end with one line on standard error and exit code 2; returns the line."""
    ended = run(folder, *command, **arguments)
    assert ended.returncode == 2, ended.stdout + ended.stderr
    lines = [line for line in ended.stderr.splitlines() if not _is_chatter(line)]
    assert len(lines) == 1, ended.stderr
    return lines[0]


def _is_chatter(line):
    """Notices of native libraries, such as `E0000 00:00:1700000000.000000 1234 cuda_platform.cc:52] …`."""
    return line[:1] in "IWE" and line[1:5].isdigit()
