"""What is changed in dirty annotations."""

import math


class Repairs:
    """Counts what was changed in dirty annotations.

    Attributes:
        counts: Dict of the name of a repair to its count.
        examples: Dict of the name of a repair to the id of a video.
    """

    def __init__(self):
        self.counts = {}
        self.examples = {}

    def add(self, name, video_id):
        """Counts one repair of a video."""
        self.counts[name] = self.counts.get(name, 0) + 1
        self.examples.setdefault(name, video_id)


def parse_seconds(value):
    """Returns a time as a finite float, or `None`."""
    if isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None


def parse_positive(value, what, repairs, video_id):
    """Returns a positive float, or `None`, which is counted as unknown."""
    number = parse_seconds(value)
    if number is None or number <= 0:
        repairs.add(f"unknown_{what}", video_id)
        return None
    return number


def clean_segment(segment, duration, repairs, video_id):
    """Clips a segment to its video. Returns `None` if nothing is left.

    Args:
        segment: Tuple `(class_index, start, end)`. The times are floats, or
            `None` if they could not be read; an infinite end is the end of
            the video.
        duration: Float or `None`. Length of the video in seconds.
        repairs: `Repairs`, which counts what is changed.
        video_id: String.
    """
    index, start, end = segment
    if start is None or end is None:
        repairs.add("segment_dropped_no_time", video_id)
        return None
    if end < start:
        repairs.add("segment_dropped_inverted", video_id)
        return None
    if end < 0:
        repairs.add("segment_dropped_before_video", video_id)
        return None
    if duration is not None and start > duration:
        repairs.add("segment_dropped_after_video", video_id)
        return None
    if start < 0:
        repairs.add("segment_start_clipped", video_id)
        start = 0.0
    if duration is not None and duration < end < math.inf:
        repairs.add("segment_end_clipped", video_id)
        end = duration
    return index, start, end


def clean_segments(segments, duration, repairs, video_id):
    """Returns a tuple of what `clean_segment` leaves of several segments."""
    cleaned = (
        clean_segment(segment, duration, repairs, video_id)
        for segment in segments
    )
    return tuple(segment for segment in cleaned if segment is not None)
