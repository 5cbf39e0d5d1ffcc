"""How text is compared: without regard to case and to the way in which accents are written."""

import unicodedata


def fold(text: str) -> str:
    """The form in which two texts are equal when a reader would call them the same word.

    `fold(fold(text)) == fold(text)`. Databases fold differently, or ASCII only, so what they compare is
    folded here and stored.
    Source: The Unicode Standard 3.13, D145 (canonical caseless matching), composed again for storage.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
