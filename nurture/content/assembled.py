"""A template assembled from several files: one text whose every character knows where it is from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one file, from `line` on."""

    text: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Assembled:
    """Pieces in a row, as one text; the template's own is between those of its layout, if it has one."""

    pieces: tuple[Piece, ...]

    @property
    def own(self) -> Piece:
        """The template's own piece."""
        return self.pieces[len(self.pieces) // 2]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    def place(self, offset: int) -> tuple[str, int]:
        """The file and line that the character at `offset` comes from."""
        for piece in self.pieces:
            if offset < len(piece.text):
                return piece.file, piece.line + piece.text.count("\n", 0, offset)
            offset -= len(piece.text)
        last = self.pieces[-1]
        return last.file, last.line + last.text.count("\n")
