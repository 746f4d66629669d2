import os
import struct

import numpy as np
from data.folder_test_case import FolderTestCase
from data.numbered_video import write_folder
from data.numbered_video import write_video

from ssdet_keras.data.frame_index import FrameIndex
from ssdet_keras.data.mp4_header import Mp4Header
from ssdet_keras.data.mp4_header import read_mp4_header


class FrameIndexTest(FolderTestCase):
    def test_index(self):
        # Packets in the order of decoding: I P B B I P.
        index = FrameIndex(
            np.array([0.0, 120.0, 40.0, 80.0, 200.0, 160.0]),
            np.array([True, False, False, False, True, False]),
        )
        self.assertLen(index, 6)
        found = [index.find(time) for time in (0.0, 80.0, 160.0, 200.0)]
        self.assertEqual(found, [0, 2, 4, 5])
        for time in (-1.0, 79.999, 201.0, float("nan")):
            self.assertIsNone(index.find(time))
        keys = [index.key_before(frame) for frame in range(7)]
        self.assertEqual(keys, [0, 0, 0, 0, 0, 5, 5])


class Mp4HeaderTest(FolderTestCase):
    def test_header(self):
        path = write_video(self.make_path("a.mp4"), 30)
        self.assertEqual(read_mp4_header(path), Mp4Header(30, False))
        with open(path, "rb") as file:
            content = file.read()
        # An edit list that shows 0.4 of 1.2 s, or the same from 0.04 s on.
        place = content.index(b"elst") + 12
        for duration, start, is_edited in (
            (1200, 0, False),
            (400, 0, True),
            (1199, 0, False),
            (1200, 512, True),
        ):
            edit = struct.pack(">Ii", duration, start)
            with open(path, "wb") as file:
                file.write(content[:place] + edit + content[place + 8 :])
            self.assertEqual(read_mp4_header(path), Mp4Header(30, is_edited))

    def test_other_files(self):
        path = write_video(self.make_path("a.avi"), 3, codec="MJPG")
        self.assertIsNone(read_mp4_header(path))
        folder = write_folder(self.make_path("a"), 1)
        picture = os.path.join(folder, os.listdir(folder)[0])
        self.assertIsNone(read_mp4_header(picture))
        self.assertIsNone(read_mp4_header(self.write("", "b.mp4")))

    def test_damaged_headers(self):
        path = write_video(self.make_path("a.mp4"), 30)
        with open(path, "rb") as file:
            content = file.read()
        moov = content.index(b"moov") - 4
        rng = np.random.default_rng(0)
        for _ in range(300):
            damaged = bytearray(content)
            for place in rng.integers(moov, len(content), 4):
                damaged[place] = rng.integers(256)
            end = rng.integers(8, len(content) + 1)
            with open(path, "wb") as file:
                file.write(damaged[:end])
            self.assertIsInstance(read_mp4_header(path), Mp4Header | type(None))
