"""Small filters of the juror's pages."""

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def of(values: Mapping[str, str] | None, name: str) -> str:
    """What a mapping holds for a name that the template has in a variable; "" where nothing."""
    return values.get(name, "") if values else ""
