"""Damaged files, to test that their readers tell what is wrong."""

import re

_NUMBER = re.compile(rb"-?\d+(\.\d+)?")
_NUMBERS = (b"nan", b"inf", b"1e400", b"-1", b"9" * 5000, b"NaN", b"Infinity")
_VALUES = (b"[]", b"{}", b"null", b"true", b'"x"', b"0", b"[[1, 2, 3]]")
_INSERTIONS = (
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'"',
    b"\r",
    b"\\u0000",
    b"\\ud800",
    b"/" + 300 * b"a",
    b"\xe2\x80\xa8",
)


def mutate(content, rng):
    """Returns bytes with one to three random damages.

    Args:
        content: Bytes.
        rng: `numpy.random.Generator`.
    """
    for _ in range(rng.integers(1, 4)):
        content = _MUTATIONS[rng.integers(len(_MUTATIONS))](content, rng)
    return content


def _flip(content, rng):
    flipped = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        if flipped:
            flipped[rng.integers(len(flipped))] ^= 1 << rng.integers(8)
    return bytes(flipped)


def _truncate(content, rng):
    return content[: rng.integers(len(content) + 1)]


def _repeat_line(content, rng):
    lines = content.splitlines(keepends=True)
    place = rng.integers(len(lines) + 1)
    return b"".join(lines[: place + 1] + lines[place:])


def _remove_line(content, rng):
    lines = content.splitlines(keepends=True)
    place = rng.integers(len(lines) + 1)
    return b"".join(lines[:place] + lines[place + 1 :])


def _replace_number(content, rng):
    return _replace(_NUMBER, content, _NUMBERS, rng)


def _replace_value(content, rng):
    return _replace(re.compile(rb'"[^"]*"|\d+'), content, _VALUES, rng)


def _replace(pattern, content, others, rng):
    matches = list(pattern.finditer(content))
    if not matches:
        return content
    match = matches[rng.integers(len(matches))]
    other = others[rng.integers(len(others))]
    return content[: match.start()] + other + content[match.end() :]


def _insert(content, rng):
    place = rng.integers(len(content) + 1)
    other = _INSERTIONS[rng.integers(len(_INSERTIONS))]
    return content[:place] + other + content[place:]


def _encode_otherwise(content, rng):
    codec = ("utf-16", "latin-1", "utf-32-be")[rng.integers(3)]
    return content.decode("utf-8", "replace").encode(codec, "replace")


def _nest(content, rng):
    depth = (50, 900, 100_000)[rng.integers(3)]
    bracket = (b"[", b'{"a":')[rng.integers(2)]
    closing = b"]" if bracket == b"[" else b"}"
    return _replace(
        re.compile(rb'"[^"]*"|\d+'),
        content,
        (bracket * depth, bracket * depth + b"1" + closing * depth),
        rng,
    )


_MUTATIONS = (
    _flip,
    _truncate,
    _repeat_line,
    _remove_line,
    _replace_number,
    _replace_value,
    _insert,
    _encode_otherwise,
    _nest,
)
