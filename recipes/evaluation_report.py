"""The table and the JSON of `evaluate.py`."""


def format_table(files, ensembles):
    """Formats the mean average precision by every protocol, to be printed.

        [1] runs/freeze/predictions.npz
        [2] runs/mixup/predictions.npz

        mAP, %               [1]    [2]  mean of scores  mean of logits
        charades_official  16.99  17.20   18.01 (+0.81)   17.95 (+0.75)

    Args:
        files: Dict of the path of a file to its results, a dict of protocol
            to `Result`.
        ensembles: Dict of the kind of an ensemble to its results.

    Returns:
        String.
    """
    marks = [f"[{number}]" for number, _ in enumerate(files, 1)]
    rows = [["mAP, %", "classes", *marks, *ensembles]]
    for protocol, result in next(iter(files.values())).items():
        best = max(results[protocol].mean for results in files.values())
        num_classes = len(result.per_class)
        row = [
            protocol,
            f"{num_classes - len(result.missing_classes)} of {num_classes}",
        ]
        for results in files.values():
            row.append(f"{100 * results[protocol].mean:.2f}")
        for results in ensembles.values():
            mean = results[protocol].mean
            row.append(f"{100 * mean:.2f} ({100 * (mean - best):+.2f})")
        rows.append(row)
    widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    lines = [f"{mark} {path}" for mark, path in zip(marks, files, strict=True)]
    lines.append("")
    for first, *cells in rows:
        padded = map(str.rjust, cells, widths[1:])
        lines.append(first.ljust(widths[0] - 2) + "".join(padded))
    if ensembles:
        lines += ["", "In brackets: the gain over the best single file."]
    return "\n".join(lines) + "\n"


def to_json(results, files, ensembles):
    """Returns what `results.json` holds.

    Args:
        results: Dict of protocol to `Result`: those of the only file, or of
            the ensemble that is saved.
        files: See `format_table`.
        ensembles: See `format_table`.

    Returns:
        Dict of protocol to its `"mean"` and the average precision `"per_class"`
        by name, `None` where a class has no positive. With ensembles also
        `"files"` and `"ensembles"`, the means by path and kind, and `"gain"`,
        the gain of `"mean"` over the best single file.
    """
    report = {}
    for protocol, result in results.items():
        report[protocol] = {
            "mean": result.mean,
            "per_class": {name: value for name, _, value in result.to_rows()},
        }
        if ensembles:
            means = {
                path: columns[protocol].mean for path, columns in files.items()
            }
            report[protocol] |= {
                "gain": result.mean - max(means.values()),
                "files": means,
                "ensembles": {
                    kind: columns[protocol].mean
                    for kind, columns in ensembles.items()
                },
            }
    return report
