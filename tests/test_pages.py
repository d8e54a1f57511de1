"""Pages for people: whatever a file, a class or an error is called is text there and never a part of the page."""

import pytest

from keras_gen import pages

NAME = "<script>alert(\"1\")</script> & 'more'"
PARTS = {
    "heading": lambda: pages.heading(NAME),
    "remark": lambda: pages.remark(NAME),
    "paragraph": lambda: pages.paragraph(NAME),
    "picture": lambda: pages.picture("a.png", NAME),
    "facts": lambda: pages.facts({NAME: NAME}),
    "table": lambda: pages.table([NAME], [[NAME]]),
    "page": lambda: pages.page(NAME, []),
}


@pytest.mark.parametrize("part", PARTS)
def test_names_are_text(part):
    text = PARTS[part]()
    assert "<script" not in text
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#x27;more&#x27;" in text
