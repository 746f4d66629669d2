"""Many records in little memory."""

import collections.abc

import numpy as np

from ssdet_keras.data.video_record import VideoRecord

_FLOATS = ("fps", "duration")
_TEXTS = ("id", "path")
_SEGMENT = {"classes": "int64", "starts": "float64", "ends": "float64"}


class RecordTable(collections.abc.Sequence):
    """Records kept as a few arrays, and made when they are asked for.

    Hundreds of thousands of small objects take ten times as much memory,
    which every worker process would copy, and long to be read from a file.

        texts      | video_1 | video_2 | ...   one array of bytes, and
        offsets    0         7         14      where each text begins

    Args:
        arrays: Dict of arrays, as `from_records()` makes them.

    Returns:
        A sequence of `VideoRecord`.
    """

    def __init__(self, arrays):
        self.arrays = arrays

    @classmethod
    def from_records(cls, records):
        """Returns a table of an iterable of `VideoRecord`."""
        records = list(records)
        arrays = {
            name: np.array(
                [getattr(record, name) for record in records], "float64"
            )
            for name in _FLOATS
        }
        arrays["num_frames"] = np.array(
            [-1 if r.num_frames is None else r.num_frames for r in records],
            "int64",
        )
        for name in _TEXTS:
            # File names need not be valid UTF-8.
            texts = [
                str(getattr(record, name)).encode("utf-8", "surrogatepass")
                for record in records
            ]
            arrays[name] = np.frombuffer(b"".join(texts), "uint8")
            arrays[f"{name}_offsets"] = _offsets(texts)
        segments = [segment for r in records for segment in r.segments]
        for place, (name, dtype) in enumerate(_SEGMENT.items()):
            arrays[name] = np.array([s[place] for s in segments], dtype)
        arrays["segment_offsets"] = _offsets([r.segments for r in records])
        return cls(arrays)

    def __len__(self):
        return len(self.arrays["num_frames"])

    def __getitem__(self, index):
        if not -len(self) <= index < len(self):
            raise IndexError(
                f"`index` must be less than {len(self)}. "
                f"Received: index={index}"
            )
        index = index % len(self)
        fps, duration = (self._get_number(name, index) for name in _FLOATS)
        num_frames = int(self.arrays["num_frames"][index])
        return VideoRecord(
            id=self._get_text("id", index),
            path=self._get_text("path", index),
            fps=fps,
            num_frames=None if num_frames < 0 else num_frames,
            duration=duration,
            segments=self._get_segments(index),
        )

    @property
    def num_segments(self):
        """Integer. Number of segments of all records."""
        return len(self.arrays["classes"])

    def _get_number(self, name, index):
        value = float(self.arrays[name][index])
        return None if np.isnan(value) else value

    def _get_text(self, name, index):
        start, end = self.arrays[f"{name}_offsets"][index : index + 2]
        text = self.arrays[name][start:end].tobytes()
        return text.decode("utf-8", "surrogatepass")

    def _get_segments(self, index):
        start, end = self.arrays["segment_offsets"][index : index + 2]
        columns = (self.arrays[name][start:end].tolist() for name in _SEGMENT)
        return tuple(zip(*columns, strict=True))


def _offsets(items):
    return np.cumsum([0, *map(len, items)], dtype="int64")
