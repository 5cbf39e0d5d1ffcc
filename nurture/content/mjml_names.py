"""Which MJML there is: every component that may be used, with its attributes.

The MJML library passes unknown names in silence, so a typing error would be found by the readers.
Source: the component reference of MJML 4 (documentation.mjml.io).
"""

_BORDERS = {"border", "border-bottom", "border-left", "border-right", "border-top", "border-radius"}
_PADDINGS = {"padding", "padding-bottom", "padding-left", "padding-right", "padding-top"}
_FONT = {
    "color", "font-family", "font-size", "font-style", "font-weight", "letter-spacing", "line-height",
    "text-decoration", "text-transform",
}  # fmt: skip
_BACKGROUND = {
    "background-color", "background-position", "background-position-x", "background-position-y",
    "background-repeat", "background-size", "background-url",
}  # fmt: skip
_SECTION = _BACKGROUND | _BORDERS | _PADDINGS | {"direction", "full-width", "text-align", "text-padding"}
_LINK = {"href", "name", "rel", "target", "title"}
_INNER_BORDERS = {f"inner-{name}" for name in _BORDERS}
_ICON_LINE = {"icon-height", "icon-padding", "icon-size", "text-padding"}

COMPONENTS: dict[str, frozenset[str]] = {
    name: frozenset(attributes)
    for name, attributes in {
        "mjml": {"owa", "lang", "dir"},
        "mj-head": set[str](),
        "mj-title": set[str](),
        "mj-preview": set[str](),
        "mj-breakpoint": {"width"},
        "mj-style": set[str](),
        "mj-attributes": set[str](),
        "mj-body": {"background-color", "width"},
        "mj-wrapper": _SECTION | {"gap"},
        "mj-section": _SECTION,
        "mj-group": {"background-color", "direction", "vertical-align", "width"},
        "mj-column": _BORDERS
        | _PADDINGS
        | _INNER_BORDERS
        | {"background-color", "direction", "inner-background-color", "vertical-align", "width"},
        "mj-text": _FONT
        | _PADDINGS
        | {"align", "background-color", "container-background-color", "height", "vertical-align"},
        "mj-button": _FONT
        | _PADDINGS
        | _BORDERS
        | _LINK
        | {"align", "background-color", "container-background-color", "height", "inner-padding", "text-align"}
        | {"vertical-align", "width"},
        "mj-image": _PADDINGS
        | _BORDERS
        | _LINK
        | {"align", "alt", "container-background-color", "fluid-on-mobile", "font-size", "height"}
        | {"max-height", "sizes", "src", "srcset", "usemap", "width"},
        "mj-divider": _PADDINGS
        | {"align", "border-color", "border-style", "border-width", "container-background-color", "width"},
        "mj-spacer": _PADDINGS | _BORDERS | {"container-background-color", "height"},
        "mj-table": _FONT
        | _PADDINGS
        | {"align", "border", "cellpadding", "cellspacing", "container-background-color", "role"}
        | {"table-layout", "vertical-align", "width"},
        "mj-raw": {"position"},
        "mj-hero": _PADDINGS
        | _BACKGROUND
        | _INNER_BORDERS
        | {"background-height", "background-width", "border-radius", "container-background-color", "height"}
        | {"inner-background-color", "inner-padding", "mode", "vertical-align", "width"},
        "mj-social": _FONT
        | _PADDINGS
        | _ICON_LINE
        | {"align", "border-radius", "container-background-color", "inner-padding", "mode", "table-layout"},
        "mj-social-element": _FONT
        | _PADDINGS
        | _LINK
        | _ICON_LINE
        | {"align", "alt", "background-color", "border-radius", "icon-position", "sizes", "src", "srcset"}
        | {"vertical-align"},
        "mj-navbar": _PADDINGS | {"align", "base-url", "hamburger"},
        "mj-navbar-link": _FONT | _PADDINGS | _LINK,
        "mj-accordion": _PADDINGS
        | {"border", "container-background-color", "font-family", "icon-align", "icon-height"}
        | {"icon-position", "icon-unwrapped-alt", "icon-unwrapped-url", "icon-width", "icon-wrapped-alt"}
        | {"icon-wrapped-url"},
        "mj-accordion-element": {"background-color", "border", "font-family", "icon-align", "icon-height"}
        | {"icon-position", "icon-unwrapped-alt", "icon-unwrapped-url", "icon-width", "icon-wrapped-alt"}
        | {"icon-wrapped-url"},
        "mj-accordion-title": _PADDINGS | {"background-color", "color", "font-family", "font-size"},
        "mj-accordion-text": _FONT | _PADDINGS | {"background-color"},
    }.items()
}

EVERYWHERE = frozenset({"css-class", "mj-class"})
"""Attributes that every component of the body takes."""

HOLD_ANY_ATTRIBUTE = frozenset({"mj-all", "mj-class"})
"""What may stand in mj-attributes beside the components: they give attributes to others."""

FORBIDDEN = {
    "mj-font": "Fonts from elsewhere tell others who reads. Use fonts that readers have.",
    "mj-include": "Files are not included. Use a layout with a slot.",
    "mj-html-attributes": "It cannot be converted. Write the attribute where it belongs.",
    "mj-carousel": "Its arrows are loaded from elsewhere. Use images.",
    "mj-carousel-image": "Carousels are loaded from elsewhere. Use mj-image.",
}

ATTRIBUTES = frozenset().union(*COMPONENTS.values()) | EVERYWHERE
"""Every attribute of any component."""
