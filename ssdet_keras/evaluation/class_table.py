"""Tables of the average precision of every class."""

import csv

from ssdet_keras.evaluation.text_files import write_text


def write_class_table(path, results):
    """Writes the results of every class to a CSV file.

    A row is a class, and a result has two columns: its average precision,
    empty where the class has no positive, and its number of positives.

        class,per_frame,per_frame_positives
        walk,0.8125,312
        run,,0

    Args:
        path: String or path-like.
        results: Dict of name to `Result`, as `charades` gives it.

    Raises:
        ValueError: If `results` is empty, or is of different classes.

    Example:

    ```python
    results = evaluation.charades(predictions, annotations)
    evaluation.write_class_table("per_class.csv", results)
    ```
    """
    classes = _get_classes(results)
    header = ["class"]
    for name in results:
        header += [name, f"{name}_positives"]
    with write_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for class_name, cells in classes:
            row = [class_name]
            for count, value in cells:
                row += ["" if value is None else repr(value), count]
            writer.writerow(row)


def format_class_table(results):
    """Formats the results of every class, to be printed.

                     per_frame
        walk   81.25 %     312
        run          -       0
        mean   81.25 %

    Args:
        results: Dict of name to `Result`, as `charades` gives it.

    Returns:
        String of one line per class: the average precision and the number of
        positives by each result.

    Raises:
        ValueError: If `results` is empty, or is of different classes.
    """
    rows = _get_classes(results)
    rows.append(("mean", [(None, result.mean) for result in results.values()]))
    widths = [max(16, len(name)) for name in results]
    label_width = max(len(name) for name, _ in rows)
    lines = [[" " * label_width, *map(str.rjust, results, widths)]]
    for class_name, cells in rows:
        line = [class_name.ljust(label_width)]
        for width, (count, value) in zip(widths, cells, strict=True):
            percent = "-" if value is None else f"{100 * value:.2f} %"
            count = "" if count is None else count
            line.append(f"{percent:>{width - 8}}{count:>8}")
        lines.append(line)
    return "".join("  ".join(line).rstrip() + "\n" for line in lines)


def _get_classes(results):
    """Returns a list of `(class_name, [(num_positives, value), ...])`."""
    names = {result.class_names for result in results.values()}
    if len(names) != 1:
        raise ValueError(
            "`results` must hold results of the same classes. Received: "
            f"{len(results)} results of {len(names)} lists of classes"
        )
    columns = [
        [row[1:] for row in result.to_rows()] for result in results.values()
    ]
    return list(zip(*names, map(list, zip(*columns, strict=True)), strict=True))
