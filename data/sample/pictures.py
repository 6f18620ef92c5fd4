"""Small pictures of the items: the palette and the pattern tell the style, the shape in front the kind."""

import colorsys
import math

import numpy as np
from PIL import Image, ImageDraw

from data.sample.words import N_STYLES

Colour = tuple[int, int, int]

_PATTERNS = 4  # stripes three ways, and dots; with the hue, every style is a pair of its own
_DEPTH = 2  # drawn so many times larger, then reduced: smooth edges


def draw_picture(style: int, kind: int, size: int, rng: np.random.Generator) -> Image.Image:
    """The picture of one item, RGB, size × size pixels.

    Args:
        style: 0 … N_STYLES - 1, gives the hue and the pattern.
        kind: 0 … N_KINDS - 1, gives the shape.
        size: edge in pixels.
        rng: scatters hue, light, phase and place, so that no two pictures are the same.
    """
    edge = size * _DEPTH
    picture = Image.new("RGB", (edge, edge), _colour(style, 0.35, 0.92, rng))
    pencil = ImageDraw.Draw(picture)
    _draw_pattern(pencil, style % _PATTERNS, edge, _colour(style, 0.8, 0.65, rng), rng)
    _draw_shape(pencil, kind, edge, _colour(style + N_STYLES // 2, 0.7, 0.5, rng), rng)
    return picture.resize((size, size), Image.Resampling.BOX)


def _colour(style: int, saturation: float, value: float, rng: np.random.Generator) -> Colour:
    hue = style / N_STYLES + rng.normal(0.0, 0.012)
    light = min(max(value + rng.normal(0.0, 0.05), 0.0), 1.0)
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, light)
    return round(255 * red), round(255 * green), round(255 * blue)


def _draw_pattern(
    pencil: ImageDraw.ImageDraw, pattern: int, edge: int, colour: Colour, rng: np.random.Generator
) -> None:
    pace = edge / 4
    phase = float(rng.random()) * pace
    starts = [phase + pace * place for place in range(-6, 6)]
    if pattern == 3:
        _draw_dots(pencil, starts, pace, colour)
        return
    along, across = ((0.0, 1.0), (1.0, 0.0), (1.0, 1.0))[pattern]
    for start in starts:
        begin = (start * across, start * along if pattern < 2 else 0.0)
        pencil.line([begin, (begin[0] + edge * along, begin[1] + edge * across)], fill=colour, width=edge // 10)


def _draw_dots(pencil: ImageDraw.ImageDraw, starts: list[float], pace: float, colour: Colour) -> None:
    for x in starts:
        for y in starts:
            pencil.ellipse([x, y, x + pace / 2, y + pace / 2], fill=colour)


def _draw_shape(pencil: ImageDraw.ImageDraw, kind: int, edge: int, colour: Colour, rng: np.random.Generator) -> None:
    """A disc, a triangle, a square or a pentagon; or a star of three or four points."""
    x, y = edge * (0.5 + rng.normal(0.0, 0.03, size=2))
    radius = edge * 0.26
    if kind == 0:
        pencil.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)
        return
    tips, starred = 3 + (kind - 1) % 3, kind > 3
    corners = 2 * tips if starred else tips
    points = []
    for place in range(corners):
        angle = 2 * math.pi * place / corners - math.pi / 2
        reach = radius * (0.4 if starred and place % 2 else 1.0)
        points.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    pencil.polygon(points, fill=colour)
