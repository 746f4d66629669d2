"""Text files, compressed or not."""

import contextlib
import gzip
import io
import zlib

from ssdet_keras.data.atomic_write import atomic_write

_GZIP_MAGIC = b"\x1f\x8b"


@contextlib.contextmanager
def read_text(path):
    """Opens a UTF-8 text file, which may be compressed with gzip.

    Args:
        path: String or path-like.

    Yields:
        A text file object, whose line ends are left as they are.

    Raises:
        ValueError: If the file is not such text. Names the file.
    """
    with open(path, "rb") as file:
        is_compressed = file.read(2) == _GZIP_MAGIC
    open_text = gzip.open if is_compressed else open
    try:
        with open_text(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except (
        EOFError,
        UnicodeDecodeError,
        gzip.BadGzipFile,
        zlib.error,
    ) as error:
        raise ValueError(
            f"UTF-8 text is expected. Received: path={path} ({error})"
        ) from error


@contextlib.contextmanager
def write_text(path):
    """Opens a UTF-8 text file that appears at `path` once it is written.

    Args:
        path: String or path-like. Compressed if it ends in `.gz`.

    Yields:
        A text file object.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(atomic_write(path))
        if str(path).endswith(".gz"):
            # No name and no time of writing: equal content, equal files.
            file = gzip.GzipFile("", "wb", 6, file, mtime=0)
            stack.enter_context(file)
        yield stack.enter_context(
            io.TextIOWrapper(file, encoding="utf-8", newline="")
        )
