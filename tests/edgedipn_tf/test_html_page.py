"""Pages: text is escaped, and what is between backticks is code."""

from edgedipn_tf import html_page


def test_text_is_escaped_and_backticks_are_code():
    assert html_page.paragraph("a < b: `run --x=<y>`, `z`") == (
        "<p>a &lt; b: <code>run --x=&lt;y&gt;</code>, <code>z</code></p>"
    )
    assert html_page.bullets(["`a`", "b & c"]) == "<ul><li><code>a</code></li><li>b &amp; c</li></ul>"


def test_a_single_backtick_stays_and_nothing_makes_no_list():
    assert html_page.paragraph("5` of it") == "<p>5` of it</p>"
    assert html_page.bullets([]) == ""
