"""Lists of class names."""

import os
import re

from ssdet_keras.data.annotation_files import read_text
from ssdet_keras.data.annotation_files import split_lines

_CODED = re.compile(r"c([0-9]{1,6})(?:\s+|$)(.*)")
_NUMBERED = re.compile(r"([0-9]{1,6})\s+(.*)")


def read_class_names(path):
    """Reads a list of class names, one per line.

    Three forms are understood, each in the order of the class indices:

        abseiling           (Kinetics)
        c000 Holding some clothes   (Charades: c000, c001, ...)
        1 BaseballPitch     (MultiTHUMOS: 1, 2, ...)

    Args:
        path: String or path. The file.

    Returns:
        List of strings, the names without their codes or numbers.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file has no names, a name appears twice, or codes
            or numbers are not in order.
    """
    lines = [(n, line.strip()) for n, line in split_lines(read_text(path))]
    lines = [(n, text) for n, text in lines if text]
    if not lines:
        raise ValueError(
            f"A class list must hold one name per line. Received: path={path}, "
            "which holds none."
        )
    names = [text for _, text in lines]
    for pattern, first in ((_CODED, 0), (_NUMBERED, 1)):
        matches = [pattern.fullmatch(text) for text in names]
        if not all(matches):
            continue
        for index, match in enumerate(matches):
            if int(match[1]) != first + index:
                raise ValueError(
                    "The codes of a class list must be consecutive, from "
                    f"{first}. Received: {names[index]!r} in line "
                    f"{lines[index][0]} of {path}"
                )
        names = [match[2] or match[0] for match in matches]
        break
    seen = {}
    for (line, _), name in zip(lines, names, strict=True):
        if name in seen:
            raise ValueError(
                "The names of a class list must differ. Received: "
                f"{name!r} in lines {seen[name]} and {line} of {path}"
            )
        seen[name] = line
    return names


def resolve_class_names(class_names):
    """Returns a list of names from a list or the path of a class list."""
    if class_names is None:
        return None
    if isinstance(class_names, str | os.PathLike):
        return read_class_names(class_names)
    names = [str(name) for name in class_names]
    if not names:
        raise ValueError(
            "`class_names` must hold at least one name. "
            f"Received: class_names={class_names}"
        )
    if len(set(names)) < len(names):
        raise ValueError(
            "`class_names` must differ from each other. "
            f"Received: class_names={class_names}"
        )
    return names
