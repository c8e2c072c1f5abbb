"""Rendering of untrusted Markdown as safe HTML: no raw HTML, no images, no scripts in links."""

from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.add_render_rule("table_open", lambda *_: _TABLE)
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


_TABLE = '<div class="scroll" role="group" aria-label="Table" tabindex="0"><table class="figures">\n'


def rendered(text: str) -> Markup:
    """The HTML of some CommonMark with tables; its headings are below the page's own."""
    parser = _parser()
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
        if "style" in token.attrs:  # a column's alignment; our Content-Security-Policy forbids inline styles
            token.attrs["class"] = "number" if "right" in str(token.attrs.pop("style")) else ""
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704
