"""The videos of a data set."""

import collections.abc

from ssdet_keras.data.record_table import RecordTable


class VideoRecords(collections.abc.Sequence):
    """The annotated videos of a data set, with its class names.

    Args:
        records: Iterable of `VideoRecord`.
        class_names: Sequence of strings, the name of each class index.
        repairs: Dict or `None`. What was changed in, or left out of, dirty
            annotations, and how often, such as `{"end_clipped": 3}`.
        examples: Dict or `None`. The id of a video for each key of `repairs`,
            to look at.

    Attributes:
        class_names: List of strings.
        repairs: Dict of integers.
        examples: Dict of strings.
        table: `RecordTable`, which holds the records in arrays.

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
        if not isinstance(records, RecordTable):
            records = RecordTable.from_records(records)
        self.table = records
        self.class_names = list(class_names)
        self.repairs = dict(repairs or {})
        self.examples = dict(examples or {})

    def __len__(self):
        return len(self.table)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return VideoRecords(
                (self.table[i] for i in range(*index.indices(len(self)))),
                self.class_names,
                self.repairs,
                self.examples,
            )
        return self.table[index]

    def __repr__(self):
        return (
            f"<VideoRecords: {len(self)} videos, "
            f"{len(self.class_names)} classes>"
        )

    def report(self):
        """Returns a text of what was read and of every repair."""
        lines = [
            f"{len(self):,} videos, {self.table.num_segments:,} segments of "
            f"{len(self.class_names):,} classes"
        ]
        for name, count in sorted(self.repairs.items()):
            line = f"  {name}: {count:,}"
            if name in self.examples:
                line += f" (such as {self.examples[name]})"
            lines.append(line)
        return "\n".join(lines)
