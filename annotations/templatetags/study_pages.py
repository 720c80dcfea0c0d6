"""The row of tabs that holds a study's pages together."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse

from annotations.models import Study

register = template.Library()


@register.filter
def pairs(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names and values of a mapping whose names are the data's own.

    A template would take `mapping.items` for the value under the name "items", where there is one.
    """
    return list(mapping.items())


# Name of the address, what the tab says. Floors above add theirs in settings.STUDY_PAGES.
_BEFORE = (("study", "Front page"), ("study-jurors", "Jurors"), ("study-ways-in", "Ways in"))
_AFTER = (
    ("study-results", "Results"),
    ("study-exports", "Exports"),
    ("study-preview", "Preview"),
    ("study-log", "Log"),
)


@register.inclusion_tag("annotations/studies/tabs.html")
def study_tabs(study: Study, current: str = "") -> dict[str, Any]:
    """Tabs of a study's pages; `current` is the name of the address of this one."""
    pages = (*_BEFORE, *settings.STUDY_PAGES, *_AFTER)
    return {
        "name": "Pages of this study",
        "tabs": [
            {
                "url": reverse(name, args=[study.public_id]),
                "label": label,
                "current": name == current,
            }
            for name, label in pages
        ],
    }
