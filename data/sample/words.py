"""The vocabularies: a style's words are the same in every shop, a kind's words belong to its shop."""

import numpy as np

# Twelve styles; no word is in two styles, nor in a kind or the fillers (a test holds it so).
STYLE_WORDS: tuple[tuple[str, ...], ...] = tuple(
    tuple(line.split())
    for line in (
        "nordic birch minimal linen fjord pale hygge plain matte wool",
        "tropical palm mango parrot lagoon hibiscus coconut monsoon papaya breezy",
        "gothic raven velvet cathedral midnight thorn baroque crypt obsidian wrought",
        "retro diner vinyl jukebox chrome atomic neon cassette seventies funky",
        "nautical anchor harbour sailor coral lighthouse tide rope marine pier",
        "botanical fern moss meadow sage woodland ivy clover wildflower bramble",
        "desert cactus adobe canyon terracotta dune saffron nomad mesa amber",
        "royal crown gilded ruby palace crest regal satin heirloom majestic",
        "cosmic lunar orbit nebula comet starlit rocket galaxy stellar astral",
        "rustic oak barn homestead burlap harvest copper cabin weathered country",
        "candy pastel bubblegum sprinkle marshmallow unicorn sherbet glitter cupcake fluffy",
        "zen bamboo lotus temple koi pebble calm incense bonsai silk",
    )
)

# Six kinds a shop, the name first; what is used up, and so bought again, stands at the front.
KIND_WORDS: dict[str, tuple[str, ...]] = {
    "Tea": (
        "teabags sachet breakfast decaf",
        "oolong malty steeping blend",
        "honey syrup sweet spoonful",
        "infuser mesh strainer steep",
        "teapot spout pour lid",
        "kettle boil stovetop whistle",
    ),
    "Garden": (
        "fertilizer nitrogen feed granules",
        "seeds sow sprout packet",
        "compost peat soil mulch",
        "trowel dig handle shovel",
        "planter pot drainage balcony",
        "lantern solar lamp dusk",
    ),
    "Toys": (
        "crayons wax colouring washable",
        "stickers peel album sheets",
        "slime goo stretchy squish",
        "puzzle jigsaw pieces interlocking",
        "doll dress hair figure",
        "train track wheels engine",
    ),
    "Stationery": (
        "notebook ruled pages spiral",
        "ink cartridge refill bottle",
        "envelopes letter gummed mailing",
        "pen nib ballpoint writing",
        "calendar planner month weekly",
        "folder binder rings archive",
    ),
}

FILLERS: tuple[str, ...] = tuple(
    word
    for line in (
        "new classic quality gift set pack large small premium value everyday favourite original design",
        "perfect home family easy useful durable light handy popular choice edition series special daily",
        "best great nice made care ideal lovely trusted compact standard deluxe simple",
    )
    for word in line.split()
)

N_STYLES = len(STYLE_WORDS)
N_KINDS = 6
_SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aiou"]


def invented_word(rng: np.random.Generator, syllables: int = 3) -> str:
    """A word that means nothing, such as ``"rokifa"``."""
    return "".join(rng.choice(_SYLLABLES, size=syllables))


def kind_words(shop: str, rng: np.random.Generator) -> tuple[tuple[str, ...], ...]:
    """The words of a shop's kinds, (N_KINDS) tuples of four: written above, or invented."""
    if shop in KIND_WORDS:
        return tuple(tuple(line.split()) for line in KIND_WORDS[shop])
    return tuple(tuple(invented_word(rng) for _ in range(4)) for _ in range(N_KINDS))
