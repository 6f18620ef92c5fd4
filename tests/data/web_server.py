"""What the web servers of tests share: a thread of its own, a free port, answers that may break off."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Protocol, TypeVar


class Served(Protocol):
    """What a server serves; it is told its port."""

    port: int


Web = TypeVar("Web", bound=Served)


class QuietHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Any

    def answer(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
        pace: float = 0.0,
    ) -> None:
        """Send ``body``, announced as ``length`` bytes, with ``pace`` seconds after each 64 KiB; a body cut short ends
        the connection."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        for start in range(0, len(body), 1 << 16):
            self.wfile.write(body[start : start + (1 << 16)])
            time.sleep(pace)
        if length is not None and length != len(body):
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nothing: pytest's output is for pytest."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # a client that left, or was killed
            self.close_connection = True


@contextmanager
def serve(handler: type[QuietHandler], web: Web) -> Iterator[Web]:
    """The server on a free port of this machine, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Served", (handler,), {"web": web}))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    web.port = server.server_address[1]
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
