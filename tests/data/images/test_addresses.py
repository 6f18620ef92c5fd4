import gzip
import json

from data.images.addresses import read_addresses
from data.raw.head import read_head
from data.raw.layouts.amazon_2018 import metadata


def test_only_the_items_asked_for_and_repeated_entries_add_up(tmp_path):
    path = tmp_path / "meta_X.json.gz"
    entries = [
        {"asin": "A", "title": "", "imageURL": ["http://1"]},
        {"asin": "A", "imageURLHighRes": ["http://2", "http://1", "https://3", "http://4"]},
        {"asin": "B", "imageURL": ["http://5"]},
        {"asin": "C", "imageURL": []},
        {"asin": "D", "imageURLHighRes": ["file:///etc/passwd", "http://6"], "imageURL": ["http://7"]},
    ]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, entries)).encode()))
    items = metadata(read_head(path))
    assert items is not None
    found = read_addresses(items, {"A", "C", "D"})
    assert found == {"A": ("http://1", "http://2", "https://3"), "D": ("http://6", "http://7")}
