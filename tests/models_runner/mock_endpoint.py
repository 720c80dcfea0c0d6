"""An OpenAI-compatible server on loopback that answers, and fails, as a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]
Script = Callable[[int, dict[str, Any]], "Reply | None"]


def said(text: str | None, *, finish: str = "stop", **message: Any) -> dict[str, Any]:
    """A chat completion."""
    return {
        "choices": [{"message": {"content": text, **message}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }


def as_json(body: object, *, status: int = 200, **headers: str) -> Reply:
    """A reply in JSON."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Type": "application/json", **told}, json.dumps(body).encode()


def refusal(status: int, message: str, code: str = "", **headers: str) -> Reply:
    """An error as OpenAI words it."""
    return as_json({"error": {"message": message, "code": code}}, status=status, **headers)


class Endpoint:
    """What was asked, in order, and what is answered.

    `script(number, body)` gives the reply to the request of that number, from 0; None cuts the
    connection in the middle of a reply.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.paths: list[str] = []
        self.lock = threading.Lock()
        self.url = ""

    def asked(self) -> list[str]:
        """The last message of each request."""
        return [body["messages"][-1]["content"] for body in self.bodies]


@contextmanager
def endpoint(script: Script) -> Iterator[Endpoint]:
    """Serve on a free port until the block ends."""
    state = Endpoint(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            with state.lock:
                number = len(state.bodies)
                state.bodies.append(body)
                state.keys.append(self.headers.get("Authorization", ""))
                state.paths.append(self.path)
            reply = state.script(number, body)
            if reply is None:
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"choices": [{"mess')
                self.wfile.flush()
                self.close_connection = True
                return
            status, headers, content = reply
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Nothing to the console."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that has given up waiting is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
