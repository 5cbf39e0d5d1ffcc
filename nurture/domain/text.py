"""Text: how it is compared, without regard to case and the way accents are written, and what can be kept."""

import unicodedata


def fold(text: str) -> str:
    """The form in which two texts are equal when a reader would call them the same word.

    `fold(fold(text)) == fold(text)`. Databases fold differently, or ASCII only, so what they compare is
    folded here and stored.
    Source: The Unicode Standard 3.13, D145 (canonical caseless matching), composed again for storage.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def can_be_stored(text: str) -> bool:
    """Whether every database can hold the text: it has no NUL and no half of a surrogate pair."""
    return not any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in text)
