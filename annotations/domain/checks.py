"""What a query asks for that says what to answer: values by criterion, as text and as numbers."""

import math
import re


def parse_expected(text: str) -> dict[str, float]:
    """Values by the criterion's key, from "helpful = 2; fair = 1" or a line for each.

    Raises:
        ValueError: an entry has no "=", its value is no finite number, or a key stands twice.
    """
    expected: dict[str, float] = {}
    for entry in filter(None, (part.strip() for part in re.split(r"[;\n]", text))):
        key, sign, written = (part.strip() for part in entry.partition("="))
        try:
            value = float(written)
        except ValueError:
            value = math.nan
        if not sign or not key or not math.isfinite(value):
            raise ValueError(
                f"{entry!r} is no criterion with a value; write the criterion's key, “=” and a "
                "number, such as “helpful = 2”."
            )
        if key in expected:
            raise ValueError(f"{key!r} stands twice.")
        expected[key] = value
    return expected
