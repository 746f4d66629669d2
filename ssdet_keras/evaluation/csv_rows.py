"""Rows of CSV files."""

import csv


def read_rows(path, file):
    """Yields the rows of a CSV file that are not empty.

    Args:
        path: String or path-like. Named in errors.
        file: Text file object.

    Yields:
        Pairs of the number of the row's first line and the list of its cells.

    Raises:
        ValueError: If it is no CSV file, or a row has another number of cells
            than the first one. Names the file and the line.
    """
    reader = csv.reader(file, strict=True)
    line, num_cells = 1, None
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ValueError(
                f"A CSV file is expected. Received: {error} in {path}, line "
                f"{line}"
            ) from error
        if row is None:
            return
        if row:
            num_cells = num_cells or len(row)
            if len(row) != num_cells:
                raise ValueError(
                    f"Every row must have {num_cells} cells, as the first one "
                    f"has. Received: {len(row)} in {path}, line {line}"
                )
            yield line, row
        line = reader.line_num + 1


def parse_number(text, what, path, line):
    """Returns a finite float of a cell.

    Raises:
        ValueError: If it is none. Names the file and the line.
    """
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) < float("inf"):
        raise ValueError(
            f"{what} must be a finite number. Received: {text[:60]!r} in "
            f"{path}, line {line}"
        )
    return number
