"""Pick the response that a jury would like best, out of several (best of n).

Needs Python and nothing else. The candidates come from a file, or are asked of any endpoint that
speaks the OpenAI protocol; a study's reward model says what each juror would think of them; they
are ranked by the welfare of the jury.

    export API_TOKEN=...
    python best_of_n.py http://127.0.0.1:8000 STUDY_ID --criterion helpful --candidates texts.jsonl
    python best_of_n.py http://127.0.0.1:8000 STUDY_ID --criterion helpful --alpha inf \
        --endpoint http://127.0.0.1:8080/v1 --model NAME --n 8 --query "May a city ban cars?"

A file of candidates has a JSON object a line: {"query": "...", "response": "..."}. Candidates of
one query compete with each other. Exit: 0 done, 1 the site or the endpoint refused, 2 bad input.
"""

import argparse
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

AT_ONCE = 500
"""Texts that the site takes in one request."""

WAIT = 20
"""Seconds that one request may wait for the result."""

PATIENCE = 600
"""Seconds after which a result that has not come is given up."""

TRIES_AGAIN = 2
"""After a line that broke."""


class Refused(Exception):
    """The site or the endpoint said no; the message is what it said."""


class BadInput(Exception):
    """An argument or a line of the file can't be used; the message says which."""


def main(arguments: Sequence[str]) -> int:
    """Score the candidates, print the ranking of each query, and return the exit code."""
    options = _options(arguments)
    try:
        candidates = _candidates(options)
        answer = score(
            site=options.site,
            study=options.study,
            token=_token(),
            candidates=candidates,
            question={
                "criterion": options.criterion,
                "alpha": options.alpha,
                "seats": [_seat(text) for text in options.seats],
                "accept_unusable": options.accept_unusable,
                "jurors": False,
                "seed": options.seed,
            },
        )
        ranked = rank(candidates, answer["results"])
        if options.json:
            told = json.dumps({**answer, "results": ranked}, ensure_ascii=False) + "\n"
        else:
            told = report(ranked, answer, by=options.by)
    except BadInput as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    except Refused as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(told)
    return 0


def score(
    *,
    site: str,
    study: str,
    token: str,
    candidates: Sequence[Mapping[str, str]],
    question: Mapping[str, Any],
) -> dict[str, Any]:
    """What the study's jurors would say of the candidates, in the same order.

    Returns the site's answer about the model (`is_usable`, `held_out_error`, `rule`) with all
    `results`. Raises Refused.
    """
    told: dict[str, Any] = {}
    results: list[dict[str, Any]] = []
    for start in range(0, len(candidates), AT_ONCE):
        part = candidates[start : start + AT_ONCE]
        body = {
            **question,
            "items": [
                {"name": str(start + place), "query": own["query"], "response": own["response"]}
                for place, own in enumerate(part)
            ],
        }
        if not body["seats"]:
            del body["seats"]
        address = f"{site.rstrip('/')}/api/v1/studies/{study}/predictions/"
        key = f"best-of-n-{os.urandom(12).hex()}"
        told = _finished(site, token, f"{address}?wait={WAIT}", body, key)
        page = told
        results += page["results"]
        while page["next"]:
            page, _ = _call(page["next"], token=token)
            results += page["results"]
    kept = {name: told[name] for name in ("rule", "method", "is_usable", "held_out_error")}
    return {**kept, "results": results}


def rank(
    candidates: Sequence[Mapping[str, str]], results: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The candidates with their scores, best first within each query; equals in the order given."""
    order = list(dict.fromkeys(own["query"] for own in candidates))
    rows = [
        {**result, "query": own["query"], "response": own["response"]}
        for own, result in zip(candidates, results, strict=True)
    ]
    return sorted(rows, key=lambda row: (order.index(row["query"]), -row["welfare"]))


def report(ranked: Sequence[Mapping[str, Any]], answer: Mapping[str, Any], *, by: str) -> str:
    """The ranking of each query as a table, and which response is picked."""
    lines = []
    if answer["is_usable"] is not True:
        lines.append(
            "NOT USABLE: the reward model did not pass its gate. Take these numbers for a try-out, "
            "and don't choose or train by them."
        )
    error = answer["held_out_error"]
    lines.append(
        f"Predicted by {answer['method']}, said by nobody; {answer['rule']}; on responses held out "
        + ("the error was not measured." if error is None else f"it is off by {error:.2f} points.")
    )
    for query in dict.fromkeys(row["query"] for row in ranked):
        rows = [row for row in ranked if row["query"] == query]
        lines += ["", f"Query: {_short(query, 90)}", *_table(rows, by), ""]
        lines.append(f"Best of {len(rows)}: {rows[0]['response']}")
        if len(rows) > 1 and rows[1]["high"] >= rows[0]["low"]:
            lines.append("Its interval overlaps that of the next: the choice is not certain.")
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Mapping[str, Any]], by: str) -> list[str]:
    features = list(dict.fromkeys(group["feature"] for group in rows[0]["groups"]))
    if by and by not in features:
        raise BadInput(f"There is no trait {by!r}; there are: {', '.join(features) or 'none'}.")
    feature = by or (features[0] if features else "")
    groups = [own for own in rows[0]["groups"] if own["feature"] == feature]
    heads = ["welfare", "5-95 %", *(f"{feature}: {own['value']}" for own in groups), "response"]
    cells = [heads]
    for row in rows:
        means = [own["mean_utility"] for own in row["groups"] if own["feature"] == feature]
        cells.append(
            [
                f"{row['welfare']:.3f}",
                f"{row['low']:.2f}-{row['high']:.2f}",
                *(f"{mean:.2f}" for mean in means),
                _short(row["response"], 60),
            ]
        )
    widths = [max(len(line[place]) for line in cells) for place in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 3] + "..."


# --- Talking to the site --------------------------------------------------------------------------


def _finished(site: str, token: str, url: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Ask, and go on asking until the Run has ended."""
    end = time.monotonic() + PATIENCE
    answer, headers = _call(url, token=token, body=body, headers={"Idempotency-Key": key})
    while answer["run"]["state"] in ("queued", "running"):
        if time.monotonic() > end:
            silent = answer["run"]["worker_is_silent"]
            raise Refused(
                f"No result after {PATIENCE} seconds; "
                + ("no worker answers: start one." if silent else "the worker is still at it.")
            )
        location = f"{site.rstrip('/')}{headers['Location']}?wait={WAIT}"
        answer, headers = _call(location, token=token)
    if answer["run"]["state"] != "succeeded":
        raise Refused(f"The site could not answer: {answer['run']['error']}")
    return answer


def _call(
    url: str,
    *,
    token: str,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    scheme: str = "Token",
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """One request; waits where the site asks for it, and tries again where the line breaks."""
    if not url.startswith(("http://", "https://")):
        raise BadInput(f"{url!r} is no address; it must begin with http:// or https://.")
    sent = {"Content-Type": "application/json", **(headers or {})}
    if token:
        sent["Authorization"] = f"{scheme} {token}"
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        url, data=None if body is None else json.dumps(body).encode(), headers=sent
    )
    breaks = 0
    while True:
        try:
            with urllib.request.urlopen(request, timeout=WAIT + 40) as answer:  # noqa: S310 - as above
                return json.load(answer), dict(answer.headers)
        except urllib.error.HTTPError as problem:
            told = problem.read().decode(errors="replace")
            if problem.code == 429:
                time.sleep(float(problem.headers.get("Retry-After", "5")))
                continue
            raise Refused(f"{url}: {problem.code} {_detail(told)}") from problem
        except (OSError, ValueError) as problem:
            breaks += 1
            if breaks <= TRIES_AGAIN and not isinstance(problem, ValueError):
                # Safe: under the same idempotency key the same request is not done twice.
                time.sleep(breaks)
                continue
            raise Refused(f"{url} does not answer as it should: {problem}") from problem


def _detail(told: str) -> str:
    """What a refusal says, with the place of each error."""
    try:
        read = json.loads(told)
    except ValueError:
        return _short(told, 300)
    errors = [
        f"{own.get('pointer') or own.get('parameter')}: {own['detail']}"
        for own in read.get("errors", ())
    ]
    return "; ".join(errors) or str(read.get("detail", told))


# --- Candidates and arguments ---------------------------------------------------------------------


def _candidates(options: argparse.Namespace) -> list[dict[str, str]]:
    if options.candidates:
        return _read(Path(options.candidates))
    if not (options.endpoint and options.model and options.query):
        raise BadInput(
            "Name a file with --candidates; or --endpoint, --model and --query to have them made."
        )
    found = []
    for _ in range(options.n):
        body = {
            "model": options.model,
            "messages": [{"role": "user", "content": options.query}],
            "temperature": options.temperature,
        }
        answer, _headers = _call(
            f"{options.endpoint.rstrip('/')}/chat/completions",
            token=os.environ.get("OPENAI_API_KEY", ""),
            body=body,
            scheme="Bearer",
        )
        try:
            text = str(answer["choices"][0]["message"]["content"])
        except (KeyError, IndexError, TypeError) as problem:
            raise Refused(f"{options.endpoint} answered without a choice: {answer}") from problem
        found.append({"query": options.query, "response": text})
    return found


def _read(path: Path) -> list[dict[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"{path} can't be read: {problem}") from problem
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            own = {"query": row["query"], "response": row["response"]}
        except (ValueError, KeyError, TypeError) as problem:
            raise BadInput(
                f'{path}, line {number} is no {{"query": "...", "response": "..."}}: {problem!r}'
            ) from problem
        if not all(isinstance(text, str) and text.strip() for text in own.values()):
            raise BadInput(f"{path}, line {number}: query and response are texts, not empty.")
        found.append(own)
    if not found:
        raise BadInput(f"{path} holds no candidates.")
    return found


def _seat(text: str) -> dict[str, Any]:
    """`age=65+,gender=woman:3` as the site wants it."""
    found = re.fullmatch(r"(?P<traits>.*):(?P<seats>\d+)", text)
    pairs = [own.split("=", 1) for own in found["traits"].split(",") if own] if found else [[""]]
    if found is None or any(len(pair) != 2 for pair in pairs):
        raise BadInput(f"{text!r} is no seat. Write TRAIT=VALUE,TRAIT=VALUE:NUMBER, or :NUMBER.")
    return {"traits": dict(pairs), "seats": int(found["seats"])}


def _token() -> str:
    token = os.environ.get("API_TOKEN", "")
    if not token:
        raise BadInput("Put the token of your account into the variable API_TOKEN.")
    return token


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("site", help="address of the site, such as http://127.0.0.1:8000")
    parser.add_argument("study", help="id of the study whose jurors are asked")
    parser.add_argument("--criterion", required=True, help="key of the criterion")
    parser.add_argument("--alpha", default="0", help='0: the mean; "inf": only the worst-off')
    parser.add_argument(
        "--seats",
        action="append",
        default=[],
        metavar="TRAIT=VALUE:NUMBER",
        help="seats of another jury; may be given several times",
    )
    parser.add_argument("--by", default="", help="trait whose groups stand in the table")
    parser.add_argument("--candidates", help="file of candidates, JSON lines")
    parser.add_argument("--endpoint", help="an OpenAI-compatible endpoint that makes candidates")
    parser.add_argument("--model", help="model of the endpoint")
    parser.add_argument("--query", help="what the endpoint is asked")
    parser.add_argument("--n", type=int, default=4, help="how many candidates to make")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0, help="of drawn juries and intervals")
    parser.add_argument(
        "--accept-unusable", action="store_true", help="also ask a model that failed its gate"
    )
    parser.add_argument("--json", action="store_true", help="the ranking as JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
