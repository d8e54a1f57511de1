"""The road has one direction: no room imports a room further down. Promises of the README are checked too."""

import ast
from pathlib import Path

import keras_gen

PACKAGE = Path(keras_gen.__file__).parent

# From data to server. A room may import rooms on the same line and on the lines above it.
ROAD = [
    {"version", "registry", "presets", "files", "paths", "pages", "console"},
    {"data", "images", "latents", "losses", "likelihoods", "layers", "backend", "schedules", "corruptions", "masks"},
    {"inputs", "penalties", "terms", "augment", "priors", "conditional_mean", "linear_prediction", "style"},
    {"networks", "features"},
    {"models"},
    {"callbacks"},
    {"evaluation"},
    {"export"},
    {"repair", "worlds"},
    {"runs"},
    {"cli"},
    {"__main__"},
]
PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
PLACE = {room: place for place, rooms in enumerate(ROAD) for room in rooms}


def rooms():
    """Every source file with the room it belongs to."""
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room != "__init__":  # the list of public names imports from every room
            yield room, path


def imported_rooms(path):
    """The rooms that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "keras_gen":
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("keras_gen."))


def test_every_room_is_on_the_road():
    assert {room for room, _ in rooms()} == set(PLACE)


def test_no_room_imports_a_room_further_down():
    backwards = [
        f"{path.relative_to(PACKAGE)} imports {imported}"
        for room, path in rooms()
        for imported in imported_rooms(path)
        if PLACE[imported] > PLACE[room]
    ]
    assert backwards == []


def test_tensorflow_is_imported_only_where_intended():
    importers = {
        str(path.relative_to(PACKAGE))
        for _, path in rooms()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) and any(alias.name == "tensorflow" for alias in node.names)
    }
    in_export = {f"export/{file}.py" for file in ("formats", "runtimes", "signatures", "warm_up")}
    in_cli = {f"cli/{file}.py" for file in ("repairers", "sampling", "stylizers")}
    assert importers == {"backend/tensorflow.py", "data/native.py", *in_cli, *in_export}


def test_nothing_is_pickled():
    guilty = {
        str(path.relative_to(PACKAGE))
        for _, path in rooms()
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and {alias.name for alias in node.names} & PICKLES)
        or (isinstance(node, ast.ImportFrom) and node.module in PICKLES)
        or (isinstance(node, ast.keyword) and node.arg == "allow_pickle" and node.value.value is not False)
        or (isinstance(node, ast.keyword) and node.arg == "safe_mode" and node.value.value is not True)
    }
    assert guilty == set()


def test_public_names_are_listed_once_and_documented():
    assert len(set(keras_gen.__all__)) == len(keras_gen.__all__)
    undocumented = [
        name for name in keras_gen.__all__ if name != "__version__" and not getattr(keras_gen, name).__doc__
    ]
    assert undocumented == []
