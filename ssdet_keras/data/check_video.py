"""Compares a video with its annotations."""

_LOWEST_FPS = 10
_HIGHEST_FPS = 120
# Annotations are rounded, and made by hand.
_TOLERANCE_S = 1.0
_TOLERANCE = 0.05


def check_video(record, facts, clip_length):
    """Finds what is wrong with one video and its annotations.

    Args:
        record: `VideoRecord`.
        facts: `VideoFacts` of the file, or `None` if it is missing.
        clip_length: Integer. Frames from the first one of a clip to the last.

    Returns:
        List of `(kind, detail)`, strings, where the kinds are keys of
        `FINDING_KINDS`. Empty if all is well.
    """
    if facts is None:
        return [("missing", "there is no such file")]
    if facts.error is not None:
        return [("corrupt", facts.error)]
    findings = []
    if facts.rotation:
        findings.append(("rotated", f"by {facts.rotation} degrees"))
    if not record.segments:
        findings.append(("no_segments", "no segment"))
    findings += _check_fps(record, facts)
    duration = real_duration(record, facts)
    if duration is None:
        return [*findings, ("unknown_length", f"codec {facts.codec}")]
    if facts.num_frames < clip_length:
        findings.append(
            ("short", f"{facts.num_frames} of {clip_length} frames")
        )
    if record.duration is not None:
        difference = abs(record.duration - duration)
        if difference > max(_TOLERANCE_S, _TOLERANCE * duration):
            findings.append(
                (
                    "duration_differs",
                    f"{record.duration:.1f} s annotated, {duration:.1f} s in "
                    "the file",
                )
            )
    return findings + _check_segments(record, duration)


def real_duration(record, facts):
    """Returns the length in seconds of what is read, or `None`."""
    if facts is None or facts.num_frames is None:
        return None
    return facts.num_frames / (record.fps or facts.fps)


def _check_fps(record, facts):
    findings = []
    fps = record.fps or facts.fps
    if not _LOWEST_FPS <= fps <= _HIGHEST_FPS:
        findings.append(("odd_fps", f"{fps:g} frames per second"))
    if (
        record.fps
        # That of a folder is an assumption.
        and facts.codec != "frames"
        and abs(record.fps / facts.fps - 1) > 0.01
    ):
        detail = f"{record.fps:g} annotated, {facts.fps:g} in the file"
        findings.append(("fps_differs", detail))
    return findings


def _check_segments(record, duration):
    findings = []
    outside = [s for s in record.segments if s[1] >= duration]
    cut = [
        end - duration
        for _, start, end in record.segments
        if start < duration and duration + _TOLERANCE_S < end < float("inf")
    ]
    of_all = f"of {len(record.segments)} segments"
    if outside:
        latest = max(start for _, start, _ in outside)
        findings.append(
            (
                "segment_outside",
                f"{len(outside)} {of_all}, up to {latest:.2f} s in a file of "
                f"{duration:.2f} s",
            )
        )
    if cut:
        findings.append(
            (
                "segment_cut",
                f"{len(cut)} {of_all}, by up to {max(cut):.1f} s",
            )
        )
    return findings
