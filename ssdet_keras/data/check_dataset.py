"""The check of a whole data set."""

import concurrent.futures
import dataclasses
import functools
import os

from ssdet_keras.data.check_video import check_video
from ssdet_keras.data.check_video import real_duration
from ssdet_keras.data.dataset_report import DatasetReport
from ssdet_keras.data.dataset_report import PartSummary
from ssdet_keras.data.finding import Finding
from ssdet_keras.data.journal import Journal
from ssdet_keras.data.probe_video import VideoFacts
from ssdet_keras.data.probe_video import probe_video
from ssdet_keras.data.progress import Progress
from ssdet_keras.data.run_jobs import run_jobs

# Raise it when `probe_video()` would find other facts.
_JOURNAL_VERSION = 1
_STAT_THREADS = 32


def check_dataset(
    parts,
    num_frames=16,
    frame_stride=5,
    thorough=False,
    journal=None,
    num_processes=None,
    verbose=True,
):
    """Finds what is wrong with the videos of a data set and with its splits.

    Every file is looked at once, whatever the number of its records; see
    `FINDING_KINDS` for what is found.

    Args:
        parts: Dict of names to `VideoRecords`, such as those of the training
            and of the test split. Videos in more than one part are leaks, of
            all parts but the last.
        num_frames: Integer. Frames per clip. Defaults to `16`.
        frame_stride: Integer. Frames of the video from one frame of the clip
            to the next. Defaults to `5`.
        thorough: Boolean. Whether every frame is decoded, and duplicates are
            told by all of their bytes. Defaults to `False`.
        journal: String, path or `None`. A file that remembers what the videos
            are like, until they change. A check that was interrupted goes on
            from there, and the next one is done at once.
        num_processes: Integer or `None`. As of `run_jobs()`.
        verbose: Boolean. Whether to show the progress. Defaults to `True`.

    Returns:
        `DatasetReport`.

    Raises:
        ValueError: If there are no parts, or an argument is out of its range.

    Example:

    ```python
    if __name__ == "__main__":
        report = ssdet_keras.data.check_dataset(
            {"train": train_records, "test": test_records}
        )
        print(report.to_text())
    ```
    """
    if not parts:
        raise ValueError("`parts` must hold records. Received: none")
    for name, value in (
        ("num_frames", num_frames),
        ("frame_stride", frame_stride),
    ):
        if value < 1:
            raise ValueError(
                f"`{name}` must be positive. Received: {name}={value}"
            )
    paths = dict.fromkeys(r.path for records in parts.values() for r in records)
    facts = _probe_all(list(paths), thorough, journal, num_processes, verbose)
    clip_length = (num_frames - 1) * frame_stride + 1
    findings = [
        Finding(kind, part, record.id, record.path, detail)
        for part, records in parts.items()
        for record in records
        for kind, detail in check_video(record, facts[record.path], clip_length)
    ]
    findings += _find_copies(parts, facts)
    return DatasetReport(
        parts=[_summarize(name, r, facts) for name, r in parts.items()],
        findings=findings,
        fps=_count_fps(parts, facts),
        settings={
            "num_frames": num_frames,
            "frame_stride": frame_stride,
            "thorough": thorough,
        },
    )


def _probe_all(paths, thorough, journal_path, num_processes, verbose):
    """Returns the facts of each path, `None` for a missing file."""
    # Disks on the network answer many questions at once faster.
    with concurrent.futures.ThreadPoolExecutor(_STAT_THREADS) as executor:
        keys = dict(zip(paths, executor.map(_file_key, paths), strict=True))
    facts = dict.fromkeys(paths)
    with Journal(journal_path, _JOURNAL_VERSION) as journal:
        pending = []
        for path, key in keys.items():
            result = journal.results.get(key)
            if result and (result["thorough"] or not thorough):
                facts[path] = VideoFacts(**result)
            elif key is not None:
                pending.append(path)
        progress = Progress(len(pending), "checked", verbose)
        for path, result, error in run_jobs(
            functools.partial(probe_video, thorough=thorough),
            pending,
            num_processes,
        ):
            if error is None:
                facts[path] = result
                journal.add(keys[path], dataclasses.asdict(result))
            else:
                # Not into the journal: the machine may be at fault, and the
                # next run tries again.
                facts[path] = VideoFacts(error=error)
            progress.add(is_bad=facts[path].error is not None)
        progress.close()
    return facts


def _file_key(path):
    """Returns what changes when a file does, or `None` if it is missing."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return os.path.abspath(path), status.st_size, status.st_mtime_ns


def _find_copies(parts, facts):
    """Returns the findings of videos that are there several times."""
    by_id, by_content = {}, {}
    for number, (part, records) in enumerate(parts.items()):
        for record in records:
            digest = _digest(facts[record.path])
            copy = number, part, record, digest
            by_id.setdefault(record.id, []).append(copy)
            if digest is not None:
                by_content.setdefault(digest, []).append(copy)
    findings = {}
    for copies in [*by_id.values(), *by_content.values()]:
        last_number, last_part, _, _ = copies[-1]
        kept = next(i for i, c in enumerate(copies) if c[0] == last_number)
        _, _, kept_record, kept_digest = copies[kept]
        for number, part, record, digest in copies[:kept] + copies[kept + 1 :]:
            if None not in (digest, kept_digest) and digest != kept_digest:
                # Other videos, which have the same name in other folders.
                continue
            if number < last_number:
                kind, detail = "leak", f"{last_part} has it"
                if record.id != kept_record.id:
                    detail += f" as {kept_record.id}"
            else:
                kind, detail = "duplicate", f"the same as {kept_record.id}"
            findings.setdefault(
                (kind, part, record.id, record.path),
                Finding(kind, part, record.id, record.path, detail),
            )
    return list(findings.values())


def _digest(facts):
    """Returns what is equal for equal videos, or `None`."""
    if facts is None:
        return None
    return facts.whole_digest or facts.parts_digest


def _summarize(name, records, facts):
    classes = {
        class_name: {"videos": 0, "segments": 0, "seconds": 0.0}
        for class_name in records.class_names
    }
    seconds = 0.0
    for record in records:
        duration = real_duration(record, facts[record.path])
        duration = duration or record.duration or 0.0
        seconds += duration
        seen = set()
        for index, start, end in record.segments:
            entry = classes[records.class_names[index]]
            entry["segments"] += 1
            entry["seconds"] += max(0.0, min(end, duration) - start)
            seen.add(index)
        for index in seen:
            classes[records.class_names[index]]["videos"] += 1
    return PartSummary(
        name=name,
        num_videos=len(records),
        num_segments=sum(len(record.segments) for record in records),
        seconds=seconds,
        repairs=records.repairs,
        classes=classes,
    )


def _count_fps(parts, facts):
    """Returns the number of videos of each frame rate."""
    counts = {}
    for path in {r.path for records in parts.values() for r in records}:
        found = facts[path]
        if found is not None and found.fps is not None:
            fps = round(found.fps, 2)
            counts[fps] = counts.get(fps, 0) + 1
    return dict(sorted(counts.items()))
