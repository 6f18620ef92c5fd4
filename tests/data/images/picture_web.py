"""A web server in a thread that serves pictures, and misbehaves by path."""

import io
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Barrier, Lock
from typing import Any

import numpy as np
from PIL import Image

from tests.data.web_server import QuietHandler
from tests.data.web_server import serve as serve_with

Answer = Callable[["Handler"], None]


def picture(side: int = 40, kind: str = "PNG", seed: int = 0, width: int | None = None) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (side, width or side, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it has side × side pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


@dataclass
class Web:
    """Path → answers, the last of which stays; what was asked, and how many at once."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    pace: float = 0.0
    """Seconds before each answer."""
    gate: Barrier | None = None
    """Opens when so many are asked for at once."""
    asked: Counter[str] = field(default_factory=Counter)
    now: int = 0
    most: int = 0
    port: int = 0
    lock: Any = field(default_factory=Lock)

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class Handler(QuietHandler):
    web: Web

    def do_GET(self) -> None:
        web = self.web
        with web.lock:
            web.asked[self.path] += 1
            web.now += 1
            web.most = max(web.most, web.now)
            answers = web.answers.get(self.path, [status(404)])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        time.sleep(web.pace)
        if web.gate:
            web.gate.wait(20)
        with web.lock:
            web.now -= 1
        answer(self)

    def reply(self, code: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.answer(code, body, {name.replace("_", "-"): value for name, value in headers.items()}, length)


def body(content: bytes) -> Answer:
    return lambda handler: handler.reply(200, content)


def status(code: int, **headers: str) -> Answer:
    return lambda handler: handler.reply(code, b"<html>sorry</html>", **headers)


def redirect(to: str) -> Answer:
    return lambda handler: handler.reply(302, b"", Location=to)


def cut(content: bytes, after: int) -> Answer:
    """A connection that breaks off behind ``after`` bytes."""
    return lambda handler: handler.reply(200, content[:after], length=len(content))


def endless(handler: Handler) -> None:
    """A body of unknown length that does not end by itself."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    while True:
        handler.wfile.write(b"0" * 10_000)


def slow(handler: Handler) -> None:
    """A byte from time to time: no single wait is long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"0")
        time.sleep(0.05)


def serve(web: Web) -> AbstractContextManager[Web]:
    """See ``web_server.serve``."""
    return serve_with(Handler, web)
