"""The words of the project: one plain word for each thing, everywhere. CONTRIBUTING.md has the glossary."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("keras_gen", "tests", "benchmarks", "docs")

# What is not written → what is written instead.
SWAPS = {
    r"shall": "should, or the present tense",
    r"(held|holds?|holding) against": "compared with",
    r"judg(e[sd]?|ing|e?ments?)": "evaluate, score",
    r"none chosen": "uncurated",
    r"mend(s|ed|ing)?": "fix",
    r"numbers of (the|a) code": "dimensions",
    r"some (\d[\d,.]*|two|three|four|five|six|ten|twenty|thirty|forty|fifty|hundred)": "about",
    r"of (its|their|one's) own": "its own",
    r"(two|three|four|five|ten|\d+|times|steps|epochs) in a row": "consecutive",
    r"for who": "for anyone who",
    r"learn(s|ed|ing)? to look": "train a feature net",
    r"nets? that look": "feature net",
    r"out of the mouth": "as the Python model answers",
    r"slants?": "bias",
    r"learned badly": "learned poorly",
    r"the line is none": "no line",
    r"made up": "new, generated",
    r"the rest it installs": "installs everything else",
    r"more and more of": "more",
    r"for want of": "without",
    r"as it is meant": "as intended",
}

# Parts of names: what a network or a check does has a name in this field.
NAMES = {
    r"looks?|looked|looking": "extract, check",
    r"readers?": "classifier, runtime",
    r"discerners?": "classifier",
    r"tells?|told": "on_progress, message",
    r"silen(ce|t)": "on_progress",
    r"judged?|judging": "evaluate, scored",
}


def texts():
    """Every text that is ours: code, tests, documents, and what lies at the top."""
    kinds = ("*.py", "*.md", "*.toml", "*.cfg", "Makefile")
    at_the_top = [path for kind in kinds for path in ROOT.glob(kind)]
    below = [path for folder in FOLDERS for kind in kinds for path in (ROOT / folder).rglob(kind)]
    return [path for path in sorted(at_the_top + below) if path != Path(__file__)]


@functools.cache
def prose(path):
    """A text on one line, since sentences run over lines; without the glossary, which names both words."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"<!-- glossary -->.*?<!-- end of glossary -->", "", text, flags=re.DOTALL)
    return re.sub(r"\s*\n[\s#>]*", " ", text)


@functools.cache
def definitions(path):
    """The names that a file of Python defines."""
    return list(_definitions(path))


def _definitions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


@pytest.mark.parametrize(("pattern", "instead"), SWAPS.items())
def test_words(pattern, instead):
    found = []
    for path in texts():
        text = prose(path)
        for each in re.finditer(rf"\b({pattern})\b", text, flags=re.IGNORECASE):
            found.append(f"{path.relative_to(ROOT)}: …{text[max(0, each.start() - 40) : each.end() + 40]}…")
    assert not found, f"write: {instead}\n" + "\n".join(found)


@pytest.mark.parametrize(("pattern", "instead"), NAMES.items())
def test_names(pattern, instead):
    find = re.compile(rf"(^|_)({pattern})(_|$)", flags=re.IGNORECASE)
    paths = [path for path in texts() if path.suffix == ".py"]
    words = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in paths
        for name in (path.stem, *definitions(path))
        if find.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))
    }
    assert not words, f"write: {instead}\n" + "\n".join(sorted(words))


def test_a_sentence_that_runs_over_two_lines_is_read(tmp_path):
    (tmp_path / "a.py").write_text("# It is the model's, of\n    # its own.\n")
    assert re.search(r"\bof its own\b", prose(tmp_path / "a.py"))


def test_all_texts_are_read():
    found = {path.relative_to(ROOT).as_posix() for path in texts()}
    assert {"README.md", "setup.cfg", "Makefile", "train_gan.py", "docs/serving.md", "keras_gen/losses.py"} <= found
