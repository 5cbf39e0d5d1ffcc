"""The text part of a mail, made once per version from its HTML, with every mask kept."""

import re

import lxml.html
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml.html import HtmlElement

from nurture.content.markup import Draft
from nurture.domain.errors import TemplateError

_COMMENT = re.compile(r"<!--.*?-->", re.S)
_LAYOUT = ("table", "tbody", "thead", "tfoot", "tr", "td", "th")
_BLANK_LINES = re.compile(r"\n(?:[ \t\u00a0]*\n){2,}")


def text_part(draft: Draft, page: str) -> str:
    """The masked text of a masked page: links as `Text (address)`, tables of data in columns.

    Raises:
        TemplateError: a tag would be lost or moved; with file and line.
    """
    # An if or for around sections stands in MJML's comments for Outlook; only its mask is kept of them.
    visible = _COMMENT.sub(lambda match: " ".join(_masks_in(draft, match[0])), page)
    tree = lxml.html.document_fromstring(visible)
    _must_be_kept(draft, visible, lxml.html.tostring(tree, encoding="unicode"))
    _drop_hidden(tree)
    _unfold_tables(draft, tree)
    _write_links(tree)
    text = tidy(Inscriptis(tree, ParserConfig()).get_text())
    _must_be_kept(draft, tree.find("body").text_content(), text)
    return text


def tidy(text: str) -> str:
    """The text without trailing blanks, and with one blank line where there were several."""
    lines = "\n".join(line.strip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip() + "\n"


def _masks_in(draft: Draft, text: str) -> list[str]:
    return [match[0] for match in draft.masks.pattern.finditer(text)]


def _must_be_kept(draft: Draft, before: str, after: str) -> None:
    wanted, found = draft.masks.found(before), draft.masks.found(after)
    if wanted == found:
        return
    pairs = zip(wanted, found, strict=False)
    number = next((w for w, f in pairs if w != f), (wanted + found)[min(len(wanted), len(found))])
    message = "The text part loses or moves this tag where it stands. Put it into a paragraph or a cell."
    raise TemplateError(draft.problem_at_tag(min(number, len(draft.tags) - 1), message))


def _drop_hidden(tree: HtmlElement) -> None:
    """Remove what only mail programs see: the head and the preheader."""
    for head in tree.findall("head"):
        tree.remove(head)
    for element in tree.xpath("//*[contains(translate(@style, ' ', ''), 'display:none')]"):
        element.drop_tree()


def _unfold_tables(draft: Draft, tree: HtmlElement) -> None:
    """Tables that only lay out become blocks; in tables of data that hold tags each row becomes a line."""
    for table in tree.xpath("//table"):
        cells = [cell for cell in table.iter(*_LAYOUT) if _table_of(cell) is table]
        if table.get("role") == "presentation":
            for cell in cells:
                cell.tag = "p" if cell.tag in ("td", "th") and not cell.xpath(".//table") else "div"
        elif draft.masks.found(lxml.html.tostring(table, encoding="unicode")):
            for cell in cells:
                cell.tag = "span" if cell.tag in ("td", "th") else "div"
                if cell.tag == "span" and cell.getnext() is not None:
                    cell.tail = " | " + (cell.tail or "").strip()


def _table_of(cell: HtmlElement) -> HtmlElement | None:
    if cell.tag == "table":
        return cell
    return next((ancestor for ancestor in cell.iterancestors("table")), None)


def _write_links(tree: HtmlElement) -> None:
    """Put the address of every link behind its text, unless it is the text or a place on the page."""
    for link in tree.xpath("//a[@href]"):
        address = link.get("href").strip()
        for image in link.xpath(".//img[@alt]"):
            image.tail = image.get("alt") + (image.tail or "")
        label = link.text_content().strip()
        shown = address.removeprefix("mailto:").removeprefix("tel:").removeprefix("sms:")
        if not address or address.startswith("#") or label == shown:
            continue
        link.tail = (f" ({shown})" if label else f"({shown})") + (link.tail or "")
