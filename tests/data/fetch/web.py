"""A web server in a thread that serves bytes, with ranges, and misbehaves as it is told."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tests.data.web_server import QuietHandler
from tests.data.web_server import serve as serve_with

Trick = Callable[["Handler", bytes], None]


@dataclass
class Web:
    """What is served, and what was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    tricks: list[Trick] = field(default_factory=list)
    """Each replaces one answer, in order; the rest are honest."""
    validators: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    ranges: bool = True
    pace: float = 0.0
    """Seconds of sleep after each 64 KiB."""
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    """Path, Range and If-Range of each request."""
    port: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/data"

    def ranges_asked(self) -> list[str | None]:
        return [asked[1] for asked in self.asked]


class Handler(QuietHandler):
    web: Web

    def do_GET(self) -> None:
        web = self.web
        web.asked.append((self.path, self.headers["Range"], self.headers["If-Range"]))
        body = web.files.get(self.path)
        if web.tricks:
            web.tricks.pop(0)(self, body or b"")
        elif body is None:
            self.answer(404, b"<html>no such page</html>")
        else:
            self.honest(body)

    def honest(self, body: bytes) -> None:
        web, start = self.web, self.headers["Range"]
        if not (web.ranges and start and self.headers["If-Range"] in web.validators.values()):
            return self.answer(200, body, web.validators, pace=web.pace)
        first = int(start.removeprefix("bytes=").removesuffix("-"))
        told = {"Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"}
        self.answer(206, body[first:], web.validators | told, pace=web.pace)


def serve(web: Web) -> AbstractContextManager[Web]:
    """See ``web_server.serve``."""
    return serve_with(Handler, web)


def cut(after: int) -> Trick:
    """An answer that breaks off behind ``after`` bytes of what is left of the file."""

    def trick(handler: Handler, body: bytes) -> None:
        asked = handler.headers["Range"]
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        told = {"Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"} if asked else {}
        rest = body[first:]
        handler.answer(206 if asked else 200, rest[:after], handler.web.validators | told, len(rest), handler.web.pace)

    return trick


def status(code: int, **headers: str) -> Trick:
    """An answer with a status and headers (``retry_after`` is Retry-After)."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return lambda handler, _: handler.answer(code, b"<html>sorry</html>", named)
