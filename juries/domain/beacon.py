"""From a public random value to the number of a panel: nobody could have known it before.

The number is computed from the digest of the published record and a value that the world makes
later (a beacon's round, a public lottery, dice). How a value is spelled must not matter, so it is
normalised first; how the number is computed is the whole of `panel_number`, and of the verifier.
"""

import hashlib
import hmac
import re

LONGEST_VALUE = 400
"""Characters of a public value, after normalisation."""

_WORDS = re.compile("[a-z0-9]+")
_DIGEST = re.compile("[0-9a-f]{64}")


class UnusableValue(ValueError):
    """A public value that the number can't be computed from; the message says what to write."""


def normalised_value(text: str) -> str:
    """The one spelling of a public value: small letters and digits, one space between groups.

    Whatever else stands between letters and digits separates groups: "3, 17, 22", "3-17-22" and
    " 3 17 22 " are the same value. Raises UnusableValue where nothing is left, where it is too long
    or where it has characters beyond ASCII.
    """
    if not text.isascii():
        strange = next(letter for letter in text if not letter.isascii())
        raise UnusableValue(
            f"The value has the character {strange!r}; write it with digits and the letters A to Z."
        )
    value = " ".join(_WORDS.findall(text.lower()))
    if not value:
        raise UnusableValue("The value has no digit and no letter; write it as it was published.")
    if len(value) > LONGEST_VALUE:
        raise UnusableValue(
            f"The value has {len(value)} characters; at most {LONGEST_VALUE} are taken."
        )
    return value


def panel_number(*, record_digest: str, public_value: str, panels: int) -> int:
    """The number, 0 to panels - 1, that a normalised value picks; each is equally likely.

    Key: the record's SHA-256 as 64 hexadecimal characters. Message: the value, a slash and the
    attempt (0, 1, ...). The first 8 bytes of HMAC-SHA-256, big-endian, are taken modulo `panels`;
    where they are 2**64 - 2**64 % panels or more, which would favour low numbers, the next attempt
    counts. Raises ValueError for `panels` outside 1 to 2**64 or another kind of digest.
    """
    if not 1 <= panels <= 2**64:
        raise ValueError(f"There are {panels} panels; there must be 1 to 2**64.")
    if not _DIGEST.fullmatch(record_digest):
        raise ValueError(f"{record_digest!r} is not a SHA-256 in 64 small hexadecimal characters.")
    fair = 2**64 - 2**64 % panels
    attempt = 0
    while True:
        message = f"{public_value}/{attempt}".encode()
        digest = hmac.new(record_digest.encode(), message, hashlib.sha256).digest()
        number = int.from_bytes(digest[:8], "big")
        if number < fair:
            return number % panels
        attempt += 1
