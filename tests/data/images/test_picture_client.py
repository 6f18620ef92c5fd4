"""One server and its moods: what is asked again, what is given up, and how much is asked at once."""

import asyncio
import time
from collections.abc import Iterator
from threading import Barrier

import httpx2
import pytest
from picture_web import Web, body, cut, endless, redirect, serve, slow, status

from data.images.client import SILENT, FetchError, Limits, PictureClient, host_of

GOOD = b"a picture, as far as a client knows"


@pytest.fixture
def web() -> Iterator[Web]:
    with serve(Web()) as served:
        yield served


def get(addresses: list[str], **limits) -> list[bytes | str]:
    """The bytes behind each address, or why there are none; all are asked at once."""

    async def ask() -> list[bytes | BaseException]:
        async with httpx2.AsyncClient(timeout=10) as client:
            pictures = PictureClient(client, Limits(**limits), pause=0.01)
            return await asyncio.gather(*map(pictures.get, addresses), return_exceptions=True)

    found = asyncio.run(ask())
    for reply in found:
        if isinstance(reply, BaseException) and not isinstance(reply, FetchError):
            raise reply
    return [reply if isinstance(reply, bytes) else str(reply) for reply in found]


def test_busy_servers_are_asked_again_and_others_are_not(web):
    web.answers = {
        "/busy": [status(503), status(429, Retry_After="0"), body(GOOD)],
        "/always": [status(500)],
        "/later": [status(503, Retry_After="86400")],
        "/closed": [status(403)],
        "/cut": [cut(GOOD, 5), body(GOOD)],
    }
    found = get([web.at(path) for path in ("/busy", "/always", "/later", "/closed", "/gone", "/cut")], retries=2)
    told = ["the server answers " + code for code in ("500", "503", "403", "404")]
    assert found == [GOOD, *told, GOOD]
    assert web.asked == {"/busy": 3, "/always": 3, "/later": 1, "/closed": 1, "/gone": 1, "/cut": 2}


def test_retry_after_is_waited_for(web):
    web.answers["/busy"] = [status(429, Retry_After="1"), body(GOOD)]
    begin = time.monotonic()
    assert get([web.at("/busy")]) == [GOOD]
    assert time.monotonic() - begin >= 1


def test_slow_and_large_bodies_end(web):
    web.answers = {"/slow": [slow], "/endless": [endless], "/told": [body(b"0" * 2000)], "/fits": [body(b"0" * 1000)]}
    found = get(
        [web.at(path) for path in ("/slow", "/endless", "/told", "/fits")], retries=0, timeout=0.5, max_bytes=1000
    )
    assert found == ["timed out", "more than 1000 bytes", "more than 1000 bytes", b"0" * 1000]


def test_redirects_are_followed_to_http_only_and_not_for_ever(web):
    web.answers = {
        "/moved": [redirect("/here")],
        "/here": [body(GOOD)],
        "/loop": [redirect("/loop")],
        "/file": [redirect("file:///etc/passwd")],
        "/ftp": [redirect("ftp://127.0.0.1/x.jpg")],
    }
    found = get([web.at(path) for path in ("/moved", "/loop", "/file", "/ftp")])
    scheme = "the address is neither http nor https"
    assert found == [GOOD, "the redirects never end", scheme, scheme]
    assert web.asked["/loop"] == 6


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://a/b", "a.jpg", "//a/b.jpg", "http://", "http://[a/b", ""]
)
def test_other_addresses_are_never_asked(address):
    assert get([address])[0].startswith("the address is")


@pytest.mark.parametrize("limits", [{"jobs": 20, "per_host": 3}, {"jobs": 3, "per_host": 20}])
def test_as_many_requests_at_once_as_allowed_and_no_more(web, limits):
    web.gate, web.answers = Barrier(3), {"/a": [body(GOOD)]}
    assert get([web.at("/a")] * 12, **limits) == [GOOD] * 12
    assert web.most == 3


def test_a_host_that_does_not_answer_is_left_alone():
    with serve(Web()) as web:
        gone = web.at("/a")

    async def ask(client: PictureClient) -> list[str]:
        told = []
        for _ in range(SILENT + 5):
            with pytest.raises(FetchError) as error:
                await client.get(gone)
            told.append(str(error.value))
        return told

    async def all_of_it() -> list[str]:
        async with httpx2.AsyncClient() as client:
            return await ask(PictureClient(client, Limits(retries=1), pause=0.001))

    expected = ["the connection failed (ConnectError)"] * SILENT + ["the host does not answer"] * 5
    assert asyncio.run(all_of_it()) == expected


def test_hosts_are_told_apart_by_name_and_port():
    assert (
        host_of("HTTPS://Shop.Example:80/a") == host_of("http://shop.example:80/b") != host_of("http://shop.example/")
    )


@pytest.mark.parametrize("options", [{"jobs": 0}, {"per_host": 0}, {"retries": -1}, {"timeout": 0}, {"max_bytes": 0}])
def test_limits_that_allow_nothing(options):
    with pytest.raises(ValueError, match="write at least 1"):
        Limits(**options)
