"""TensorBoard on a real run in a real browser (Debian's `chromium`)."""

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.commands import succeed

CHROMIUM = shutil.which("chromium")


@pytest.fixture
def board(tmp_path):
    """The address of a TensorBoard that shows one short run."""
    command = (
        "train_gan.py",
        "--data",
        "digits",
        "--epochs",
        "3",
        "--sample-every",
        "1",
        "--no-score",
        "--run-dir",
        "runs/digits",
    )
    succeed(tmp_path, *command)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", tmp_path / "runs", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait_for(address, process):
    deadline = time.monotonic() + 60
    while True:
        try:
            # The tags appear once TensorBoard has read the event files.
            with urllib.request.urlopen(f"{address}/data/plugin/images/tags") as answer:
                if b"samples" in answer.read():
                    return
        except OSError:
            pass
        assert process.poll() is None, "TensorBoard ended"
        assert time.monotonic() < deadline, "TensorBoard did not read the run within a minute"
        time.sleep(0.2)


def browse(address, tmp_path):
    """Opens a page, waits until it is idle and returns its text and the addresses that it loaded."""
    network_log = tmp_path / "network.json"
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={network_log}"]
    command += ["--virtual-time-budget=30000", "--dump-dom", address]
    page = subprocess.run(command, capture_output=True, text=True, timeout=180).stdout
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL), network_log.read_text()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_the_browser_shows_scalars_and_images(board, tmp_path):
    page, _ = browse(f"{board}/#timeseries", tmp_path)
    assert "d_loss" in page
    assert "fake_logit" in page
    # The pictures' tab draws inside shadow roots, which the page's text leaves out: it must have fetched the PNGs.
    _, loaded = browse(f"{board}/#images", tmp_path)
    assert "/data/plugin/images/individualImage" in loaded
