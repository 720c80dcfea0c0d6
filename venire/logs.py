"""Structured logs: one JSON object a line, with what the caller passed as `extra`."""

import json
import logging
import re
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

# Addresses whose next part is a secret, such as a juror's personal link. Django itself logs the
# whole path of a refused request; whoever reads the logs must not get into a juror's seat.
SECRET_PATHS = ("/j/", "/in/", "/pools/confirm/", "/pools/leave/")
_SECRET = re.compile(rf"({'|'.join(map(re.escape, SECRET_PATHS))})[^/\s?#'\"\\<]+")
# What stands behind such an address says who came: panels put the ids of their members there.
_ASKED = re.compile(r"(\*\*\*[^\s?#'\"\\<]*)\?[^\s#'\"\\<]*")


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; unknown objects are written by `str`.

    Secrets of personal links are blotted out wherever they stand in the line, and so is what was
    asked of such an address.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of JSON."""
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry.update({k: v for k, v in vars(record).items() if k not in _STANDARD})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        line = json.dumps(entry, default=str, ensure_ascii=False)
        return _ASKED.sub(r"\1", _SECRET.sub(r"\1***", line))
