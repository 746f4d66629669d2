import math
import pickle

from absl.testing import parameterized

from ssdet_keras.data import VideoRecord
from ssdet_keras.data.record_table import RecordTable

RECORDS = (
    VideoRecord(
        id="日本.mp4",
        path="videos/日本.mp4",
        fps=23.976,
        num_frames=100,
        duration=4.5,
        segments=((3, 0.1, 2.0), (0, 1.0, math.inf)),
    ),
    VideoRecord(id="", path="b"),
    # A file name that is not valid UTF-8.
    VideoRecord(id="\udcff", path="c/\udcff.mp4", segments=((7, 0.0, 0.0),)),
)


class RecordTableTest(parameterized.TestCase):
    def test_gives_the_records_back(self):
        table = RecordTable.from_records(iter(RECORDS))
        self.assertLen(table, 3)
        self.assertEqual(tuple(table), RECORDS)
        self.assertEqual(tuple(table[i] for i in (-3, -2, -1)), RECORDS)
        self.assertEqual(table.num_segments, 3)
        self.assertIs(type(table[0].num_frames), int)
        self.assertIs(type(table[0].segments[0][0]), int)
        self.assertIs(type(table[0].segments[0][1]), float)
        self.assertEqual(tuple(pickle.loads(pickle.dumps(table))), RECORDS)

    def test_no_records(self):
        table = RecordTable.from_records([])
        self.assertEmpty(table)
        self.assertEqual(tuple(table), ())
        self.assertEqual(table.num_segments, 0)

    @parameterized.parameters(3, -4)
    def test_index_out_of_range(self, index):
        table = RecordTable.from_records(RECORDS)
        with self.assertRaisesRegex(
            IndexError, f"less than 3. Received: index={index}"
        ):
            table[index]
