"""What the README and the pages show is run as written, and every link leads somewhere."""

import contextlib
import re

import pytest

from tests.commands import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


def python_blocks(page):
    """The blocks of Python on a page, in order."""
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), flags=re.DOTALL | re.MULTILINE)


def run_blocks(page, folder, and_then=""):
    """Runs the blocks of a page as one program in a folder."""
    with contextlib.chdir(folder):
        exec("\n".join([*python_blocks(page), and_then]), {"__name__": page})


def test_the_readme_trains_and_publishes_and_its_gan_is_inverted(tmp_path):  # 30 s: two epochs of the default
    """One training for two pages: docs/latents.md is shown the GAN of the README as a run."""
    assert len(python_blocks("README.md")) == len(python_blocks("docs/latents.md")) == 1
    saved = "from keras_gen.models import saving; saving.save(gan, 'runs/RUN'); assert threes.shape == (64, 28, 28, 1)"
    found = "assert found.images.shape == (8, 28, 28, 1) and distances.shape == indices.shape == (8,)"
    run_blocks("README.md", tmp_path, "\n".join([saved, *python_blocks("docs/latents.md"), found]))
    assert (tmp_path / "saved_models" / "digits" / "1" / "saved_model.pb").exists()
    assert len(list((tmp_path / "samples").glob("step_*.png"))) == 3


def test_the_page_of_autoencoders_encodes_and_makes_new_images(tmp_path):
    shown = "assert codes.shape == (1000, 32) and images.shape == (1000, 28, 28, 1) and new.shape == (64, 28, 28, 1)"
    assert len(python_blocks("docs/autoencoders.md")) == 3
    run_blocks("docs/autoencoders.md", tmp_path, shown)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().split()) <= 900


def links(page):
    """The targets of the links of a page. What stands in code is none: an index and a call look like one."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "", text))


def anchors(page):
    """What GitHub makes of the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page):
    for link in links(page):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), f"{page.name}: no file {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: no heading {link}"


def test_the_readme_leads_to_every_page():
    assert {f"docs/{page.name}" for page in PAGES if page.parent.name == "docs"} <= set(links(ROOT / "README.md"))
    assert "CONTRIBUTING.md" in links(ROOT / "README.md")
