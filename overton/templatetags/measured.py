"""Numbers with their intervals, in the digits that a reader can use."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from annotations.domain.measured import Measured

register = template.Library()


@register.filter
def share(measured: Measured) -> SafeString | str:
    """A share as "34 % (20 to 50 %)"; where there is none, a word with its reason."""
    if measured.value is None:
        return _missing(measured)
    if measured.low is None or measured.high is None:
        return f"{100 * measured.value:.0f} %"
    return f"{100 * measured.value:.0f} % ({100 * measured.low:.0f} to {100 * measured.high:.0f} %)"


@register.filter
def number(measured: Measured) -> SafeString | str:
    """A number as "0.34 (0.20 to 0.50)"; where there is none, a word with its reason."""
    if measured.value is None:
        return _missing(measured)
    if measured.low is None or measured.high is None:
        return f"{measured.value:.2f}"
    return f"{measured.value:.2f} ({measured.low:.2f} to {measured.high:.2f})"


def _missing(measured: Measured) -> SafeString:
    return format_html(
        'none<span class="visually-hidden"> ({})</span>', measured.reason or "no reason given"
    )
