"""Mappings with keys that people choose: `mapping.items` would be an entry of that name."""

from collections.abc import ItemsView, Mapping, ValuesView
from typing import Any

from django import template

register = template.Library()


@register.filter
def pairs(mapping: Mapping[str, Any]) -> ItemsView[str, Any]:
    """Each name with its value, in order."""
    return mapping.items()


@register.filter
def every_value(mapping: Mapping[str, Any]) -> ValuesView[Any]:
    """The values, in order."""
    return mapping.values()
