"""What the README shows is run as written."""

import os
import re
import subprocess
import sys

from tests.processes import ROOT

README = (ROOT / "README.md").read_text()


def test_python_blocks_run_one_after_the_other(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 4
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "\n".join(blocks)]
    process = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "saved_models" / "digits" / "1" / "saved_model.pb").exists()
    assert len(list((tmp_path / "samples").glob("step_*.png"))) == 3


def test_every_linked_file_is_there():
    text = re.sub(r"`[^`\n]+`", "", README)  # an index and a call look like a link
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert "CONTRIBUTING.md" in links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
