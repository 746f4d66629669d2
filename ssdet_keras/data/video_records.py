"""The videos of a data set."""

import collections.abc


class VideoRecords(collections.abc.Sequence):
    """The annotated videos of a data set, with its class names.

    Args:
        records: Iterable of `VideoRecord`.
        class_names: Sequence of strings, the name of each class index.
        repairs: Dict or `None`. What was changed in, or left out of, dirty
            annotations, and how often, such as `{"end_clipped": 3}`.
        examples: Dict or `None`. The id of a video for each key of `repairs`,
            to look at.

    Returns:
        A sequence: an integer index gives a `VideoRecord`, a slice gives
        `VideoRecords` with the same class names and repairs.

    Example:

    ```python
    records = ssdet_keras.data.read_charades(
        "Charades_v1_train.csv", "Charades_v1_480"
    )
    print(records.report())
    print(records[0].segments)
    ```
    """

    def __init__(self, records, class_names, repairs=None, examples=None):
        self._records = tuple(records)
        self.class_names = list(class_names)
        self.repairs = dict(repairs or {})
        self._examples = dict(examples or {})

    def __len__(self):
        return len(self._records)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return VideoRecords(
                self._records[index],
                self.class_names,
                self.repairs,
                self._examples,
            )
        return self._records[index]

    def __repr__(self):
        return (
            f"<VideoRecords: {len(self)} videos, "
            f"{len(self.class_names)} classes>"
        )

    def report(self):
        """Returns a text of what was read and of every repair."""
        num_segments = sum(len(record.segments) for record in self._records)
        lines = [
            f"{len(self):,} videos, {num_segments:,} segments of "
            f"{len(self.class_names):,} classes"
        ]
        for name, count in sorted(self.repairs.items()):
            line = f"  {name}: {count:,}"
            if name in self._examples:
                line += f" (such as {self._examples[name]})"
            lines.append(line)
        return "\n".join(lines)
