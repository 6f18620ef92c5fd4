"""Cleaning of shop texts: HTML left-overs out, entities unescaped, white space collapsed."""

import html
import re

_HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
# `<span class="a-size-medium` with nothing that closes it; "I <heart you" and "a < b" stay.
_FRAGMENT = re.compile(r"<(/?[a-z]+\s+[a-z-]+=[^<>]*|/?(a|b|br|div|i|img|li|p|span|td|tr|ul)\s*/?)$", re.IGNORECASE)
_SCRIPT = "getTime()"  # the crawler's script in place of a title, as in Amazon 2018


def clean(text: str) -> str:
    """Plain text of one line; ``""`` when only markup or a script was there.

    >>> clean('<span class="a-size-medium')
    ''
    >>> clean('Tom &amp;amp; Jerry<br>  Tales')
    'Tom & Jerry Tales'
    """
    if _SCRIPT in text:
        return ""
    if "&" in text:
        text = html.unescape(html.unescape(text))  # shops escape twice
    if "<" in text:
        text = _FRAGMENT.sub(" ", _TAG.sub(" ", _HIDDEN.sub(" ", text)).rstrip())
    if not text.isascii():
        text = text.encode("utf-8", "ignore").decode()  # lone surrogates cannot be written
    return " ".join(text.split())
