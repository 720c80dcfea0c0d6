"""Showing what stands on a Run."""

import json
from typing import Any

from django import template

register = template.Library()


@register.filter
def as_json(value: Any) -> str:
    """JSON-ready data as indented text, keys in order."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
