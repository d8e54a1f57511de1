"""What a run was made of."""

import shutil
import subprocess

import pytest

from keras_gen.runs import provenance
from tests.commands import ROOT


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout")
def test_the_commit_of_a_checkout():
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert provenance._git_commit() == head.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_an_installed_package_has_no_commit_though_it_lies_in_a_checkout_of_something_else(tmp_path, monkeypatch):
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    for command in (["init", "--quiet"], [*who, "commit", "--quiet", "--allow-empty", "-m", "theirs"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    installed = tmp_path / "provenance.py"
    shutil.copy(provenance.__file__, installed)
    monkeypatch.setattr(provenance, "__file__", str(installed))
    assert provenance._git_commit() is None
