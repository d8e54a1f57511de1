"""HTML pages for the results of a run or a score: one style, tables and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_TEMPLATE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
  img {{ max-width: 100%; image-rendering: pixelated; }}
  img.large {{ width: 36rem; }}
  table {{ border-collapse: collapse; }}
  td, th {{ text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; }}
  td.number {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
  .remark {{ border-left: .3rem solid #888; padding-left: 1rem; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def page(title: str, sections: Iterable[str]) -> str:
    """A whole page; empty sections are left out.

    Args:
        title: plain text.
        sections: HTML, one below the other.
    """
    text = _TEMPLATE.format(title=escape(title), body="\n".join(filter(None, sections)))
    return text.encode("utf-8", "backslashreplace").decode()  # file names need not be valid text


def heading(text: str) -> str:
    """A heading below the title."""
    return f"<h2>{escape(text)}</h2>"


def remark(text: str) -> str:
    """A sentence that readers must not miss."""
    return f'<p class="remark">{escape(text)}</p>'


def paragraph(text: str) -> str:
    """A sentence."""
    return f"<p>{escape(text)}</p>"


def picture(source: str, caption: str, style: str = "small") -> str:
    """A picture with its caption.

    Args:
        source: address relative to the page.
        caption: plain text.
        style: "small", or "large" to enlarge pictures of few pixels.
    """
    caption = escape(caption)
    return (
        f'<figure><img class="{style}" src="{escape(source)}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def facts(values: dict) -> str:
    """A table of names and values, without the unknown ones."""
    rows = (
        f"<tr><th>{escape(name.replace('_', ' '))}</th><td>{escape(str(value))}</td></tr>"
        for name, value in values.items()
        if value not in (None, "")
    )
    return f"<table>{''.join(rows)}</table>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts; every column between the first and the last holds numbers, aligned right.

    Example:
        >>> table(["metric", "value", "about"], [["recall", "0.9", "variety"]]).count('class="number"')
        1
    """

    def line(cells):
        last = len(cells) - 1
        styles = (' class="number"' if 0 < place < last else "" for place in range(len(cells)))
        return "".join(f"<td{style}>{escape(cell)}</td>" for style, cell in zip(styles, cells, strict=True))

    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line(row)}</tr>' for row in rows)}</table>"
