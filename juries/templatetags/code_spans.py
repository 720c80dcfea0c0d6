"""Plain sentences in which `backticks` mark what is typed."""

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def code_spans(text: str) -> SafeString:
    """Escape a text and set what stands between backticks as code."""
    parts = [str(escape(part)) for part in str(text).split("`")]
    if len(parts) % 2 == 0:  # a backtick without its other half stays one
        parts[-2:] = ["`".join(parts[-2:])]
    return mark_safe(  # noqa: S308 # every part has been escaped above
        "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
    )
