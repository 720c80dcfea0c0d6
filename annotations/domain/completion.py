"""Where somebody from a panel is sent when she is done, and what the panel may call her.

Nothing that a visitor sends decides the host: addresses are written by a researcher, and what a
visitor brought is put in percent-encoded, behind the host.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import quote, urlsplit

PROLIFIC_RETURN = "https://app.prolific.com/submissions/complete?cc={code}"
PLACEHOLDERS = ("id", "status", "code")
MOST_CHARACTERS = 500

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,60}")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_PROLIFIC_ID = re.compile(r"[A-Za-z0-9]{24}")
_PANEL_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.~=+:@-]{0,79}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


class InvalidCompletion(ValueError):
    """An address or a code that can't be used; the message says what to write in its place."""


class Outcome(StrEnum):
    """How it ended; the values stand in the place of `{status}`."""

    COMPLETE = "complete"
    SCREENED_OUT = "screened_out"
    QUOTA_FULL = "quota_full"
    NO_CONSENT = "no_consent"


def is_prolific_id(text: str) -> bool:
    """Whether it has the form of a Prolific id: 24 letters and digits."""
    return _PROLIFIC_ID.fullmatch(text) is not None


def is_panel_id(text: str) -> bool:
    """Whether it can be a panel's id: up to 80 letters, digits and `_ - . ~ = + : @`."""
    return _PANEL_ID.fullmatch(text) is not None


def check_parameter(name: str) -> None:
    """Refuse a name that can't be that of a parameter in an address.

    Raises:
        InvalidCompletion: it is not made of letters, digits, "_", "-" and ".", or is too long.
    """
    if not _PARAMETER.fullmatch(name):
        raise InvalidCompletion(
            f"{name!r} can't be the name of a parameter: begin with a letter, then letters, "
            "digits, “_”, “-” and “.”, 40 at most, such as “participant_id”."
        )


def is_address(text: str) -> bool:
    """Whether it is meant as an address and not as a code."""
    return ":" in text or "/" in text


def check_code(text: str) -> None:
    """Refuse what is not a completion code.

    Raises:
        InvalidCompletion: other signs than letters, digits, "_" and "-", or more than 60.
    """
    if not _CODE.fullmatch(text):
        raise InvalidCompletion(
            f"{text!r} is no code: a code has letters, digits, “_” and “-”, 60 at most. An "
            "address begins with “https://”."
        )


def check_template(template: str, *, has_id: bool) -> None:
    """Refuse an address to which nobody should be sent.

    Args:
        template: an address with `{id}`, `{status}`, `{code}` behind the host.
        has_id: people come with an id, so that `{id}` means something.

    Raises:
        InvalidCompletion: not https, no plain host, a placeholder in the host or an unknown one.
    """
    if len(template) > MOST_CHARACTERS:
        raise InvalidCompletion(
            f"The address has {len(template)} characters; {MOST_CHARACTERS} are allowed."
        )
    if not template.isascii() or not template.isprintable() or " " in template or "\\" in template:
        raise InvalidCompletion(
            "The address has blanks, backslashes or signs beyond ASCII; write them "
            "percent-encoded, such as %20."
        )
    try:
        parts = urlsplit(template)
        port = parts.port
    except ValueError as problem:
        raise InvalidCompletion(f"{template!r} is no address: {problem}.") from None
    if parts.scheme != "https" or not template.startswith("https://"):
        raise InvalidCompletion("The address must begin with “https://”.")
    if not _HOST.fullmatch(parts.hostname or "") or "@" in parts.netloc or port == 0:
        raise InvalidCompletion(
            f"{parts.netloc!r} is no plain host name; write it out, such as "
            "“https://panel.example.org/done?id={id}”. Placeholders stand behind it."
        )
    allowed = PLACEHOLDERS if has_id else PLACEHOLDERS[1:]
    unknown = [name for name in _PLACEHOLDER.findall(template) if name not in allowed]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in allowed)
        raise InvalidCompletion(
            f"{{{unknown[0]}}} can't be filled in here; the address may hold {known}."
        )
    if set("{}") & set(_PLACEHOLDER.sub("", template)):
        raise InvalidCompletion("A brace { or } stands alone; write it as %7B or %7D.")


def fill_in(template: str, *, values: Mapping[str, str]) -> str:
    """The address with its placeholders filled in, percent-encoded.

    Args:
        template: passed `check_template`.
        values: of the placeholders; a missing one is left out.
    """
    return _PLACEHOLDER.sub(lambda found: quote(values.get(found[1], ""), safe=""), template)
