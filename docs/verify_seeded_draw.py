"""Check a draw with a seed: python verify_seeded_draw.py RECORD.json SHA-256. Only Python."""

import hashlib
import hmac
import json
import sys
from pathlib import Path


def ticket_of(seed: str, total: int) -> int:
    """The winning ticket: HMAC-SHA-256 of the seed, tried again where it would not be fair."""
    fair, attempt = 2**64 - 2**64 % total, 0
    while True:
        digest = hmac.new(seed.encode(), str(attempt).encode(), hashlib.sha256).digest()
        value = int.from_bytes(digest[:8], "big")
        if value < fair:
            return value % total
        attempt += 1


def problems_of(content: bytes, expected_digest: str) -> list[str]:
    """All that is wrong with a record; empty if it can be trusted."""
    record = json.loads(content)
    people, panels, tickets = record["candidates"], record["panels"], record["tickets"]
    problems = []
    if expected_digest and hashlib.sha256(content).hexdigest() != expected_digest:
        problems.append("The file's SHA-256 is not the published one.")
    if sum(tickets) != record["tickets_total"] or min(tickets) < 0:
        problems.append("The tickets of the panels don't add up.")
    if any(len(set(panel)) != record["size"] for panel in panels):
        problems.append("A panel has not the jury's size.")
    ticket, end, number = ticket_of(record["seed"], record["tickets_total"]), 0, -1
    while end <= ticket:
        number += 1
        end += tickets[number]
    drawn = [people[place] for place in panels[number]]
    if record["drawn"] != {"ticket": ticket, "panel": number, "candidates": drawn}:
        problems.append(f"The seed draws panel {number} (ticket {ticket}), not the recorded one.")
    held = dict.fromkeys(range(len(people)), 0)
    for panel, share in zip(panels, tickets):  # noqa: B905 - runs on old Pythons too
        for place in panel:
            held[place] += share
    for rule, due in (("must_sit", record["tickets_total"]), ("must_not_sit", 0)):
        problems += [
            f"{who} stands under {rule}, and a panel doesn't keep to it."
            for who in record.get(rule, [])
            if (held[people.index(who)] if who in people else 0) != due
        ]
    seated = [share / record["tickets_total"] for share in held.values() if share]
    if record["smallest_chance"] and abs(min(seated) - record["smallest_chance"]) > 1e-9:
        problems.append(f"The smallest chance is {min(seated)}, not {record['smallest_chance']}.")
    return problems


if __name__ == "__main__":
    found = problems_of(Path(sys.argv[1]).read_bytes(), sys.argv[2] if len(sys.argv) > 2 else "")
    print("\n".join(found) or "The record is sound: the seed draws the recorded panel.")  # noqa: T201 - its answer
    sys.exit(1 if found else 0)
