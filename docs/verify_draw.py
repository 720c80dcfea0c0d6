"""Check a draw, with nothing but Python: python verify_draw.py RECORD.json SHA-256 [VALUE]

VALUE is the public value that the record's source gave, or the file of the result. Without it the
record alone is checked.
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
    fair, attempt = 2**64 - 2**64 % panels, 0
    while True:
        message = f"{value}/{attempt}".encode()
        number = int.from_bytes(hmac.new(digest.encode(), message, "sha256").digest()[:8], "big")
        if number < fair:
            return number % panels
        attempt += 1


def problems_of(record: dict[str, Any]) -> list[str]:
    """What is wrong with the panels and with the chances that are claimed of them."""
    people, size, panels = record["candidates"], record["size"], record["panels"]
    counted, problems = record.get("counts_towards", []), []
    seats = Counter(place for panel in panels for place in panel)
    for number, panel in enumerate(panels):
        if not len(panel) == len(set(panel)) == size or not set(panel) <= set(range(len(people))):
            problems.append(f"Panel {number} has not {size} different members.")
            continue
        for place, quota in enumerate(record["quotas"] if counted else []):
            count = sum(place in counted[one] for one in panel)
            if not quota["minimum"] <= count <= quota["maximum"]:
                problems.append(f"Panel {number} breaks the quota of {quota['traits']}.")
    for rule, held in (("must_sit", len(panels)), ("must_not_sit", 0)):
        problems += [
            f"{who} stands under {rule} and is not on {held} panels."
            for who in record.get(rule, [])
            if who not in people or seats[people.index(who)] != held
        ]
    for place, who in enumerate(people):
        held, exact = seats[place], float(record["exact_chances"][place])
        if held != record["chances"][place]:
            problems.append(f"{who} sits on {held} panels, not on {record['chances'][place]}.")
        if abs(held / len(panels) - exact) > float(record["largest_shift"]) + 1e-8:
            problems.append(f"The chance of {who} was moved further than the record says.")
    return problems


def check(content: bytes, digest: str, value: str = "") -> tuple[list[str], list[str]]:
    """What is wrong, and the panel in words; `content` is the record as it was downloaded."""
    if hashlib.sha256(content).hexdigest() != digest:
        return ["The file's SHA-256 is not the published one."], []
    record = json.loads(content)
    if "panels" not in record or "chances" not in record:
        return ["This is the record of a draw with a seed: use verify_seeded_draw.py."], []
    problems = problems_of(record)
    if json.dumps(record, sort_keys=True, separators=(",", ":")).encode() != content:
        problems.append("The record is not written in the canonical form.")
    if problems or not value:
        return problems, ["No public value was given, so no panel was drawn."]
    result = json.loads(Path(value).read_bytes()) if value.endswith(".json") else {}
    words = " ".join(re.findall("[a-z0-9]+", result.get("public_value", value).lower()))
    number = number_of(digest, words, len(record["panels"]))
    members = [record["candidates"][place] for place in record["panels"][number]]
    if result and (result["record"], result["panel"], result["members"]) != (
        digest,
        number,
        members,
    ):
        problems.append(f"The value draws panel {number}, and the result says something else.")
    return problems, [f"The value {words!r} draws panel {number}:", *members]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    wrong, drawn = check(Path(sys.argv[1]).read_bytes(), *sys.argv[2:4])
    print("\n".join(wrong or ["The record is sound.", *drawn]))  # noqa: T201 - its answer
    sys.exit(1 if wrong else 0)
