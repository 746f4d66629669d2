"""Fonts for names in any script."""

import functools


@functools.cache
def find_font(text):
    """Returns the path of a font that has every character of a text.

    It is the default font of Matplotlib where that has them, and otherwise the
    first one by path that is installed and does. Without any, it is the
    default font, which shows boxes for what it lacks.

    Args:
        text: String.

    Returns:
        String, the path of a TrueType or OpenType file.
    """
    from matplotlib import font_manager

    default = font_manager.findfont("DejaVu Sans")
    characters = {ord(character) for character in text}
    # "Last Resort" has a box for every character.
    fonts = {
        entry.fname
        for entry in font_manager.fontManager.ttflist
        if not entry.name.startswith("Last Resort")
    }
    for path in (default, *sorted(fonts)):
        if characters <= _read_characters(path):
            return path
    return default


@functools.cache
def _read_characters(path):
    from matplotlib import font_manager

    try:
        return frozenset(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
