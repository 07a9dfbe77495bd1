from __future__ import annotations

import json

import pytest

from ir_kit.record.markup import clean_html, figure_json, markdown_to_html, visible, without_escapes


def test_a_table_stays_a_table():
    table = '<table class="t"><thead><tr><th scope="col">a</th></tr></thead><tbody><tr><td>1 &lt; 2</td></tr></tbody></table>'
    assert clean_html(table) == table


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<iframe src=//evil>",
        "<math><mtext></mtext></math>",
        "<link rel=stylesheet href=//evil>",
        "<base href=//evil>",
        "<form action=//evil>",
        "<textarea><b>x</b></textarea>",
        "<!--<script>alert(1)</script>",
        "<!-- --!><img src=x onerror=alert(1)>",
    ],
)
def test_what_is_not_harmless_stands_as_text(hostile):
    cleaned = clean_html(hostile)
    assert "&lt;" in cleaned
    assert "<" not in cleaned.replace("<b>", "").replace("</b>", "")


@pytest.mark.parametrize(
    ("source", "cleaned"),
    [
        ('<td onclick="x()">a</td>', "<td>a</td>"),
        ('<td style="width: 3em; color: #a00">a</td>', '<td style="width: 3em; color: #a00">a</td>'),
        ('<td style="background: url(//evil)">a</td>', "<td>a</td>"),
        ('<td style="position: fixed">a</td>', "<td>a</td>"),
        ('<td style="color: \\75rl(x)">a</td>', "<td>a</td>"),
        ('<a href="https://evil">a</a>', "<a>a</a>"),
        ('<a href="javascript:x">a</a>', "<a>a</a>"),
        ('<a href="02_next.html">a</a>', '<a href="02_next.html">a</a>'),
        ('<td id="plotly" name="x" data-x="y">a</td>', "<td>a</td>"),
        ("<style>td { background: url(//evil) }</style><b>a</b>", "<b>a</b>"),
        ("</div></section><b>a", "<b>a</b>"),
        ("<td title='\"><script>'>a</td>", '<td title="&quot;&gt;&lt;script&gt;">a</td>'),
        ("<!-- <b>hidden</b> -->a", "a"),
        ("a<br/>b<i/>", "a<br>b<i></i>"),
    ],
)
def test_markup_is_balanced_and_carries_harmless_attributes_only(source, cleaned):
    row = "<table><tbody><tr>{}</tr></tbody></table>" if source.startswith("<td") else "{}"  # a cell is one in a table
    assert clean_html(row.format(source)) == row.format(cleaned)


def test_raw_html_in_markdown_stands_as_text():
    assert "&lt;img src=x onerror=alert(1)&gt;" in markdown_to_html("a <img src=x onerror=alert(1)> b")
    assert "&lt;script&gt;" in markdown_to_html("<script>\nalert(1)\n</script>")


@pytest.mark.parametrize(
    ("source", "page"),
    [
        ("[AWS](https://docs.aws.amazon.com/x)", "<p>AWS (https://docs.aws.amazon.com/x)</p>"),
        ("<https://docs.aws.amazon.com/x>", "<p>https://docs.aws.amazon.com/x</p>"),
        ("[next](02_key_activity.ipynb)", '<p><a href="02_key_activity.html">next</a></p>'),
        ("![tracker](https://evil/x.png)", "<p>tracker (https://evil/x.png)</p>"),
        ("[a](javascript:alert)", "<p>a (javascript:alert)</p>"),
    ],
)
def test_a_link_in_markdown_leads_nowhere_outside(source, page):
    assert markdown_to_html(source).strip() == page


def test_a_markdown_table_is_a_table():
    assert "<td>1</td>" in markdown_to_html("| a |\n| - |\n| 1 |\n")


def test_characters_that_hide_or_turn_text_are_shown():
    assert visible("a\u202eb\x00c\ud800d\r\n") == "a\\u202eb\\u0000c\\ud800d\n"
    assert clean_html("<b>\u202e</b>&#x202e;") == "<b>\\u202e</b>\\u202e"


def test_terminal_colours_and_commands_go():
    assert without_escapes("\x1b[31mred\x1b[0m \x1b]0;title\x07plain") == "red plain"


def test_a_trace_is_drawn_without_webgl():
    assert json.loads(figure_json({"data": [{"type": "scattergl"}, {}]}))["data"] == [{"type": "scatter"}] * 2


def test_a_figures_json_cannot_end_its_script_element_nor_carry_a_link():
    figure = {"data": [{"text": ["</script><script>", "<A href='//evil'>x</A>", "<b>b</b>"]}], "layout": {"title": "ü"}}
    text = figure_json(figure)
    assert "<" not in text and ">" not in text
    assert json.loads(text)["data"][0]["text"] == ["</script><script>", "&lt;A href='//evil'>x&lt;/A>", "<b>b</b>"]
