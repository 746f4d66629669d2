"""The text of the report of a data set."""

import textwrap

from ssdet_keras.data.finding import FINDING_KINDS

_NUM_EXAMPLES = 3
# Of long lists of classes, so many of the most and of the least frequent.
_NUM_CLASSES = 8

# What the readers of the annotations change.
_REPAIRS = {
    "conflicting_duration": "its rows differ, and the first one counts",
    "conflicting_fps": "its rows differ, and the first one counts",
    "file_ignored_no_video": "left out: a file that is no video",
    "missing_video": "no file is there",
    "row_dropped_duplicate": "left out: a row that is there twice",
    "row_dropped_malformed": "left out: a row with too few or too many cells",
    "segment_dropped_after_video": "left out: it starts after the video",
    "segment_dropped_before_video": "left out: it ends before the video",
    "segment_dropped_inverted": "left out: it ends before it starts",
    "segment_dropped_no_time": "left out: its times are no numbers",
    "segment_end_clipped": "it ended after the video, and ends with it now",
    "segment_start_clipped": "it started before the video, now with it",
    "unknown_duration": "the annotated length is no positive number",
    "unknown_fps": "the annotated frame rate is no positive number",
}


def format_report(report):
    """Returns the text of a `DatasetReport`.

    Args:
        report: `DatasetReport`.
    """
    lines = [
        *_format_parts(report),
        *_format_findings(report),
        *_format_repairs(report),
        *_format_fps(report),
        *_format_classes(report),
        *_format_verdict(report),
    ]
    return "\n".join(lines) + "\n"


def _format_parts(report):
    rows = [("annotations", "", "videos", "segments", "hours")]
    for mark, part in zip(_marks(report), report.parts, strict=True):
        hours = part.seconds / 3600
        row = (part.name, mark, part.num_videos, part.num_segments, hours)
        rows.append(row)
    return _format_table("DATA SET", rows)


def _marks(report):
    """Returns short names of the parts, for narrow tables."""
    return [f"[{number}]" for number, _ in enumerate(report.parts, 1)]


def _format_findings(report):
    groups = report.by_kind()
    rows = [("finding", "", "videos", *_marks(report))]
    for kind, found in groups.items():
        what = "problem" if FINDING_KINDS[kind].is_problem else "note"
        of_parts = [
            sum(finding.part == part.name for finding in found)
            for part in report.parts
        ]
        rows.append((kind, what, len(found), *of_parts))
    if len(rows) == 1:
        return ["", "FINDINGS", "", "  None."]
    lines = _format_table("FINDINGS", rows)
    for kind, found in groups.items():
        lines += ["", f"  {kind}: {_count(len(found), 'video')}"]
        lines += _wrap(FINDING_KINDS[kind].meaning, "    ")
        lines += _wrap("-> " + FINDING_KINDS[kind].remedy, "    ", "       ")
        for finding in found[:_NUM_EXAMPLES]:
            lines.append(f"      {finding.path}: {finding.detail}")
        if len(found) > _NUM_EXAMPLES:
            more = len(found) - _NUM_EXAMPLES
            lines.append(f"      and {more:,} more in report.json")
    return lines


def _format_repairs(report):
    names = sorted({name for part in report.parts for name in part.repairs})
    if not names:
        return []
    rows = [("repair", *_marks(report), "what it is")]
    for name in names:
        counts = [part.repairs.get(name, 0) for part in report.parts]
        rows.append((name, *counts, _REPAIRS.get(name, "")))
    return _format_table("REPAIRS OF THE ANNOTATIONS", rows)


def _format_fps(report):
    rows = [("frames per second", "videos")]
    rows += [(f"{fps:g}", count) for fps, count in report.fps.items()]
    return _format_table("FRAME RATES", rows)


def _format_classes(report):
    totals = {}
    for part in report.parts:
        for name, entry in part.classes.items():
            total = totals.setdefault(name, [0, 0, 0.0])
            for i, key in enumerate(("videos", "segments", "seconds")):
                total[i] += entry[key]
    ordered = sorted(totals, key=lambda name: -totals[name][0])
    unused = [name for name in ordered if not totals[name][0]]
    used = [name for name in ordered if totals[name][0]]
    rows = [("class", "videos", "segments", "seconds")]
    for i, name in enumerate(used):
        if len(used) > 2 * _NUM_CLASSES and i == _NUM_CLASSES:
            rows.append((f"({len(used) - 2 * _NUM_CLASSES} more)", "", "", ""))
        if min(i, len(used) - 1 - i) < _NUM_CLASSES:
            videos, segments, seconds = totals[name]
            rows.append((name, videos, segments, seconds))
    lines = _format_table(f"CLASSES ({len(used)} of {len(totals)} used)", rows)
    if unused:
        lines += _wrap("Without any video: " + ", ".join(unused), "  ")
    for part in report.parts if len(report.parts) > 1 else ():
        lacking = [n for n in used if not part.classes.get(n, {}).get("videos")]
        if lacking:
            text = f"Not in {part.name}: " + ", ".join(lacking)
            lines += _wrap(text, "  ")
    return lines


def _format_verdict(report):
    num_videos = sum(part.num_videos for part in report.parts)
    num_bad = len({(f.part, f.id, f.path) for f in report.problems})
    text = f"{num_bad:,} of {_count(num_videos, 'video')} with problems."
    if report.settings["thorough"]:
        text += " Every frame was decoded."
    else:
        text += (
            " The header and the first frame of each were read: --thorough "
            "finds the videos that break off later."
        )
    return ["", *_wrap(text, "")]


def _format_table(title, rows):
    """Returns the lines of a table: texts to the left, numbers to the right."""
    columns = []
    for column in zip(*rows, strict=True):
        is_number = not isinstance(column[-1], str)
        texts = [_format_cell(cell) for cell in column]
        width = max(map(len, texts))
        columns.append(
            [t.rjust(width) if is_number else t.ljust(width) for t in texts]
        )
    lines = [
        "  " + "  ".join(row).rstrip() for row in zip(*columns, strict=True)
    ]
    return ["", title, "", *lines]


def _format_cell(cell):
    if isinstance(cell, str):
        return cell
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.2f}"


def _wrap(text, indent, next_indent=None):
    return textwrap.wrap(
        text,
        79,
        initial_indent=indent,
        subsequent_indent=indent if next_indent is None else next_indent,
        max_lines=6,
        placeholder=" ...",
    )


def _count(number, noun):
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
