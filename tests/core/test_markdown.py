"""Markdown that people wrote: what is drawn of it, and what never is."""

import pytest

from core.markdown import PREVIEWED, markup, words


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("**bold** and `code`", "<p><strong>bold</strong> and <code>code</code></p>"),
        ("# Rooms", "<h3>Rooms</h3>"),
        ("###### Deep", "<h3>Deep</h3>"),
        ("# A\n\n### B\n\n## C", "<h3>A</h3>\n<h4>B</h4>\n<h4>C</h4>"),
        ("~~old~~", "<p><s>old</s></p>"),
        ("غرف **الدردشة**", '<p dir="auto">غرف <strong>الدردشة</strong></p>'),
        ("أسعار\n\n* price", '<p dir="auto">أسعار</p>\n<ul dir="auto">\n<li>price</li>\n</ul>'),
    ],
)
def test_marks_become_elements_below_the_headings_of_the_page(text: str, drawn: str) -> None:
    assert markup(text).strip() == drawn


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<a href='javascript:alert(1)'>x</a>",
        "![x](https://spy.test/pixel.png)",
        '[x](https://a.test "a\\" onmouseover=\\"alert(1)")',
        "<style>body{display:none}</style>",
        "```html\n<script>alert(1)</script>\n```",
    ],
)
def test_nothing_of_it_runs_or_calls_elsewhere(text: str) -> None:
    drawn = str(markup(text))
    for element in ("<script", "<img", "<style", "<iframe", 'href="javascript', 'href="data', '" onmouseover'):
        assert element not in drawn


def test_links_are_not_followed_by_search_engines() -> None:
    assert 'rel="nofollow noopener noreferrer"' in markup("[docs](https://docs.test)")


@pytest.mark.parametrize("piece", ["[", "[](", "*a ", "**a_ ", "> ", "![", "`a", "* a\n  ", "|a|b|\n|-|-|\n"])
def test_text_made_to_hurt_is_drawn_all_the_same(piece: str) -> None:
    assert isinstance(str(markup((piece * 32_766)[:32_766])), str)


def test_a_card_has_the_words_without_the_marks() -> None:
    assert words("# Rooms\n\n**Talk** to [everybody](https://a.test):\n\n* `here`\n* there") == (
        "Rooms Talk to everybody: here there"
    )
    assert len(words("word " * 30_000)) <= PREVIEWED
