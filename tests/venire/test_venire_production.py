"""The site as a server runs it: debug off, static files collected, HTTPS behind a proxy."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.venire.conftest import House

PRODUCTION = {
    "VENIRE_DEBUG": "false",
    "VENIRE_SECRET_KEY": "kept-long-and-random-only-in-this-test-0123456789-abcdefghijkl",
    "VENIRE_ALLOWED_HOSTS": "venire.example.org",
    "VENIRE_BEHIND_PROXY": "true",
}
SERVE = """
import json, pathlib, posixpath, re, sys
from django.conf import settings
settings.STATIC_ROOT = pathlib.Path(sys.argv[1])
import django
django.setup()
from django.core.management import call_command
call_command("collectstatic", "--noinput", verbosity=0)
call_command("migrate", "--skip-checks", verbosity=0)
from venire.wsgi import application
from django.test import Client

plain = Client(headers={"host": "venire.example.org"})
proxied = Client(headers={"host": "venire.example.org", "x-forwarded-proto": "https"})
seen = {}
for page in ("/", "/admin/login/", "/no/such/page/"):
    response = proxied.get(page)
    seen[page] = response.status_code
    for address in re.findall(r'(?:src|href)="(/static/[^"#]+)', response.content.decode()):
        answer = proxied.get(address)
        seen[address] = answer.status_code
        body = b"".join(answer) if answer.streaming else answer.content
        if address.endswith(".css"):
            for inner in re.findall(r"url\\(['\\"]?([^'\\")]+)", body.decode()):
                if not inner.startswith(("data:", "#")):
                    path = posixpath.normpath(posixpath.join(posixpath.dirname(address), inner))
                    seen[path] = proxied.get(path.partition("#")[0]).status_code
first = plain.get("/")
answer = proxied.get("/admin/login/")
print(json.dumps({
    "seen": seen,
    "plain": [first.status_code, first.headers["Location"]],
    "hsts": answer.headers["Strict-Transport-Security"],
    "cookies": [bool(c["secure"]) for c in answer.cookies.values()],
    "other_host": Client(headers={"host": "evil.example.org"}).get("/").status_code,
}))
"""


def test_a_server_answers_as_it_should(house: "House") -> None:
    done = house.python(SERVE, str(house.folder / "static"), variables=PRODUCTION)
    assert done.returncode == 0, done.stderr
    served = json.loads(done.stdout)
    seen = served["seen"]
    assert (seen.pop("/"), seen.pop("/admin/login/"), seen.pop("/no/such/page/")) == (200, 200, 404)
    assert {address: status for address, status in seen.items() if status != 200} == {}
    assert any(".css" in address for address in seen)
    assert any(".woff2" in address for address in seen)
    assert served["plain"] == [301, "https://venire.example.org/"]
    assert served["hsts"] == "max-age=31536000; includeSubDomains; preload"
    assert served["cookies"] == [True]
    assert served["other_host"] == 400
