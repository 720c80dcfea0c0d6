"""Check a draw, with nothing but Python: python verify_draw.py RECORD.json SHA-256 [VALUE]

VALUE is what the record's source gave, or the file of the result; without it nobody is drawn.
"""

import hashlib
import hmac
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any


def number_of(digest: str, value: str, panels: int) -> int:
    """The panel: HMAC-SHA-256 of the value, keyed by the record's SHA-256; again if not fair."""
    fair, number, attempt = 2**64 - 2**64 % panels, 2**64, 0
    while number >= fair:
        mac = hmac.new(digest.encode(), f"{value}/{attempt}".encode(), "sha256").digest()
        number, attempt = int.from_bytes(mac[:8], "big"), attempt + 1
    return number % panels


def problems_of(record: dict[str, Any]) -> list[str]:
    """What is wrong with the panels and with the chances that are claimed of them."""
    people, panels, size = record["candidates"], record["panels"], record["size"]
    seats = Counter(place for panel in panels for place in panel)
    counted, found = record.get("counts_towards", []), []
    for number, panel in enumerate(panels):
        if not len(panel) == len(set(panel)) == size or not set(panel) <= set(range(len(people))):
            found.append(f"Panel {number} has not {size} different members.")
            continue
        for place, quota in enumerate(record["quotas"] if counted else []):
            if not quota["minimum"] <= sum(place in counted[i] for i in panel) <= quota["maximum"]:
                found.append(f"Panel {number} breaks the quota of {quota['traits']}.")
    for rule, due in (("must_sit", len(panels)), ("must_not_sit", 0)):
        found += [
            f"{who} stands under {rule} and is not on {due} panels."
            for who in record.get(rule, [])
            if who not in people or seats[people.index(who)] != due
        ]
    for i, who in enumerate(people):
        if seats[i] != record["chances"][i]:
            found.append(f"{who} sits on {seats[i]} panels, not on {record['chances'][i]}.")
        moved = abs(seats[i] / len(panels) - float(record["exact_chances"][i]))
        if moved > float(record["largest_shift"]) + 1e-8:
            found.append(f"The chance of {who} was moved further than the record says.")
    return found


def check(content: bytes, digest: str, value: str = "") -> tuple[list[str], list[str]]:
    """What is wrong, and the panel in words; `content` is the record as it was downloaded."""
    if hashlib.sha256(content).hexdigest() != digest:
        return ["The file's SHA-256 is not the published one."], []
    record = json.loads(content)
    if "panels" not in record or "chances" not in record:
        return ["This is the record of a draw with a seed: use verify_seeded_draw.py."], []
    found = problems_of(record)
    if json.dumps(record, sort_keys=True, separators=(",", ":")).encode() != content:
        found.append("The record is not written in the canonical form.")
    if found or not value:
        return found, ["No public value was given, so no panel was drawn."]
    result = json.loads(Path(value).read_bytes()) if value.endswith(".json") else {}
    words = " ".join(re.findall("[a-z0-9]+", result.get("public_value", value).lower()))
    number = number_of(digest, words, len(record["panels"]))
    members = [record["candidates"][i] for i in record["panels"][number]]
    if result and result != {**result, "record": digest, "panel": number, "members": members}:
        found.append(f"The value draws panel {number}, and the result says something else.")
    return found, [f"The value {words!r} draws panel {number}:", *members]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    wrong, drawn = check(Path(sys.argv[1]).read_bytes(), *sys.argv[2:4])
    print("\n".join(wrong or ["The record is sound.", *drawn]))  # noqa: T201 - its answer
    sys.exit(1 if wrong else 0)
