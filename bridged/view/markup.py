"""HTML and SVG as trees of the standard library, which escapes every text and attribute.

There is no way of putting text in as markup, so a name that looks like some stays a name.
"""

from xml.etree.ElementTree import Element, tostring

Child = Element | str | None


def el(tag: str, look: str = "", /, *children: Child, **attributes: object) -> Element:
    """An element of the classes `look`; None among children and attributes is left out.

    Attributes are written with ``_`` for ``-`` and a trailing one where Python knows the word.
    """
    element = Element(tag)
    if look:
        element.set("class", look)
    for key, value in attributes.items():
        if value is not None:
            element.set(key.rstrip("_").replace("_", "-"), _number(value))
    put(element, *children)
    return element


def put(element: Element, *children: Child) -> Element:
    """`element` with more in it."""
    for child in children:
        if child is None:
            continue
        if isinstance(child, str):
            if len(element):
                element[-1].tail = (element[-1].tail or "") + child
            else:
                element.text = (element.text or "") + child
        else:
            element.append(child)
    return element


def html(element: Element) -> str:
    """As HTML."""
    return tostring(element, "unicode", method="html")


def xml(element: Element) -> str:
    """As XML."""
    return tostring(element, "unicode")


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
