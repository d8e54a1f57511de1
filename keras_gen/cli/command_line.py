"""What all commands of the project share: parsing, errors in one line, no start-up messages of TensorFlow."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tyro

from keras_gen.runs import hardware

# No "None" among the values of an option, and no --no-flag beside the flag of what is off anyway.
STYLE = (tyro.conf.DisallowNone, tyro.conf.FlagCreatePairsOff)

# How NumPy, Python, TensorFlow, JAX and PyTorch say that something does not fit.
OUT_OF_MEMORY = ("MemoryError", "ResourceExhausted", "RESOURCE_EXHAUSTED", "OutOfMemory")


def parse(options, description: str):
    """Reads the command line into a dataclass, or a union of dataclasses for subcommands.

    `--help` comes from the dataclass and its fields. A wrong value ends the program with one line on standard error
    and exit code 2.

    Args:
        options: the dataclass.
        description: first paragraphs of `--help`.

    Returns:
        An object of the dataclass.
    """
    # Before anything imports TensorFlow. What it logs, even as errors, does not concern the user of a command, such as
    # a graph optimization that it tried in vain. Real errors are raised as well.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # On processors without AVX-512 TensorFlow leaves oneDNN out, whose convolutions are faster (docs/performance.md).
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    messages = io.StringIO()
    with one_line_errors(()):
        try:
            with contextlib.redirect_stderr(messages):
                return tyro.cli(options, prog=_program(), description=description, config=STYLE)
        except SystemExit as exit:
            if exit.code == 2:
                _fail(_in_one_line(messages.getvalue()))
            raise


@contextlib.contextmanager
def one_line_errors(kinds=(ValueError, OSError, ImportError)) -> Iterator[None]:
    """Ends the program with one line and exit code 2 for what the user can fix: bad options, bad data, a full disk.

    Put the preparation inside. For the training, catch `OSError` alone: any other error is a defect and deserves its
    traceback. Running out of memory always ends in one line.

    When the output is a closed pipe, as after `head`, the program ends without a message, with the exit code 141 that
    shells use for it.

    Args:
        kinds: the exception or exceptions that the user can fix.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # here, or Python does it where nothing catches the error
    except (BrokenPipeError, SystemExit) as error:
        if not any(isinstance(each, BrokenPipeError) for each in (error, error.__context__)):
            raise
        # rich turns it into a SystemExit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except kinds as error:
        _fail(_said_by(error))
    except Exception as error:
        if not any(words in f"{type(error).__name__}: {error}" for words in OUT_OF_MEMORY):
            raise
        _fail(f"not enough memory: a smaller --image-size, --batch-size or --width may fit ({_said_by(error)[:200]})")
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # what a shell expects of an interrupted command


def start_keras() -> None:
    """Imports Keras and its backend and lets it find its devices, without the notices that come with that.

    First it settles what the process does with the memory that training frees at each step.

    TensorFlow starts with lines about the processor and missing GPUs, written before its log level is known. They are
    shown if the start fails, or if the environment asks for them with TF_CPP_MIN_LOG_LEVEL=0 or 1.
    """
    hardware.keep_freed_memory()
    standard_error = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        if os.environ.get("TF_CPP_MIN_LOG_LEVEL") not in ("0", "1"):
            os.dup2(held_back.fileno(), 2)
        try:
            import keras

            keras.ops.zeros(())
        except BaseException:
            held_back.seek(0)
            os.write(standard_error, held_back.read())
            raise
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)


def _said_by(error: Exception) -> str:
    """The error in one line; for a file as in a shell: the path and what is wrong with it, without a number."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _fail(message: str) -> None:
    print(f"{_program()}: error: {message}", file=sys.stderr)
    raise SystemExit(2)


def _program() -> str:
    program = Path(sys.argv[0]).name
    return "keras-gen" if program == "__main__.py" else program


def _in_one_line(box: str) -> str:
    """The message inside tyro's box, up to the first blank line, and what it proposes instead, without the frame."""
    title, *lines = box.splitlines()
    lines = [line.strip("│╭╮╰╯").rstrip() for line in lines]
    if not title.startswith("╭"):  # a terminal that is not UTF-8: a rule below the title, and one more blank
        lines = [line[1:] for line in lines[1:]]
    message, *parts = re.split("─+|-{10,}", "\n".join(lines))
    said = " ".join(re.split(r"\n *\n", message.strip())[0].split())
    said = re.sub(r" \(applied to [^)]*\)", ",", said.replace(" or misplaced", "")).rstrip(",")
    sentences, typed, meant = [said], set(re.findall(r"--[\w-]+", said)), set()
    # Lines that are indented further than an option are its help, which may name other options.
    proposed = "".join(part for part in parts if "Perhaps you meant:" in part or "Arguments similar to" in part)
    for option in re.split(r"^ {5}(?=--)", proposed, flags=re.MULTILINE)[1:]:
        names = set(re.findall(r"--[\w-]+", option.splitlines()[0]))
        if lacking := ", ".join(sorted(names & typed)):  # others have it, of which tyro lists the first
            commands = ", ".join(re.findall(r"^ +in .*?([\w-]+) --help", option, flags=re.MULTILINE))
            sentences.append(f"{lacking} is an option of {commands}{' …' if '[...]' in option else ''}")
        else:
            meant |= names
    if meant:
        sentences.append(f"Perhaps you meant {', '.join(sorted(meant))}")  # tyro's order varies
    sentences += [" ".join(part.split()) for part in parts if "Available subcommands:" in part]
    return ". ".join(sentence.rstrip(".") for sentence in [*sentences, f"See {_program()} --help"])
