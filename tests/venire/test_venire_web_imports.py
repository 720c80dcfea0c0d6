"""A web process stays light: it never loads the libraries that only workers need."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.venire.conftest import House

SERVE = """
import json, sys
from venire.wsgi import application
from django.test import Client
from django.urls import get_resolver

def walk(patterns):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            walk(pattern.url_patterns)
        else:
            pattern.callback

walk(get_resolver().url_patterns)
client = Client(headers={"host": "localhost"})
answers = [client.get(path).status_code for path in ("/", "/admin/login/", "/no/such/page/")]
heavy = ["torch", "transformers", "sentence_transformers", "tokenizers"]
print(json.dumps({"answers": answers, "loaded": [name for name in heavy if name in sys.modules]}))
"""


def test_the_web_server_never_loads_torch(
    house: "House", put_migrated: Callable[[Path], None]
) -> None:
    put_migrated(house.folder / "var" / "venire.sqlite3")
    done = house.python(SERVE)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"answers": [200, 200, 404], "loaded": []}
