"""Markdown that strangers wrote, as HTML that can do no harm.

Two walls: the parser takes no HTML and makes no pictures, and what it writes passes an allow-list
that knows no style, link, meta, base, script, form or picture. Headings begin at the third level,
under the page's own.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import nh3
from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

register = template.Library()

TAGS = frozenset(
    {
        *("p", "br", "hr", "em", "strong", "s", "del", "blockquote", "code", "pre", "a", "span"),
        *("ul", "ol", "li", "h3", "h4", "h5", "h6"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
)
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = frozenset({"http", "https", "mailto"})
# The page's title is the first level, the parts of the page the second.
FIRST_HEADING = 3
CACHED_TEXTS = 1024


def _picture(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return f"<span>[picture: {escape(tokens[index].content or 'no description')}]</span>"


def new_parser() -> MarkdownIt:
    """A parser that takes no HTML and makes no pictures."""
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": False})
    parser.enable(["table", "strikethrough"])
    parser.add_render_rule("image", _picture)
    return parser


_PARSER = new_parser()


@lru_cache(maxsize=CACHED_TEXTS)
def render_markdown(text: str) -> SafeString:
    """The text as HTML of the allow-list. Kept by content: jurors read the same responses."""
    return safe_html(tokens=_PARSER.parse(text), parser=_PARSER, attributes=ATTRIBUTES)


def safe_html(
    *, tokens: Sequence[Token], parser: MarkdownIt, attributes: Mapping[str, set[str]]
) -> SafeString:
    """What the parser writes of its tokens: tags of the allow-list, with these attributes."""
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) - 1 + FIRST_HEADING, 6)}"
    clean = nh3.clean(
        parser.renderer.render(tokens, parser.options, {}),
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in attributes.items()},
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={
            "a": {"target": "_blank"},
            # What can be wider than the screen scrolls by itself, also by keyboard.
            "pre": {"tabindex": "0"},
            "table": {"tabindex": "0"},
        },
    )
    return mark_safe(clean)  # noqa: S308 - cleaned by the allow-list just above


@register.filter
def safe_markdown(text: str | None) -> SafeString:
    """Markdown as safe HTML."""
    return render_markdown(text or "")
