import os
from unittest import mock

from data.folder_test_case import FolderTestCase
from data.numbered_video import write_video

from ssdet_keras.data import VideoFile
from ssdet_keras.data import extract_flow
from ssdet_keras.data import extract_flows
from ssdet_keras.data.list_videos import list_videos


class ExtractFlowsTest(FolderTestCase):
    def setUp(self):
        super().setUp()
        self.root = self.make_path("videos", "")
        self.output = self.make_path("flow")
        for number in range(4):
            write_video(self.make_path("videos", "a", f"{number}.mp4"), 3)
        self.touch("videos", "b.mkv")

    def extract(self, **kwargs):
        """Returns what was done, and the names that were worked on."""
        with mock.patch(
            "ssdet_keras.data.extract_flows.extract_flow", wraps=extract_flow
        ) as extract:
            result = extract_flows(
                list_videos(self.root),
                self.root,
                self.output,
                num_processes=0,
                verbose=False,
                **kwargs,
            )
        names = [call.args[0] for call in extract.call_args_list]
        return result, [os.path.relpath(name, self.root) for name in names]

    def test_second_run_does_what_is_missing(self):
        (num_extracted, failures), _ = self.extract(short_side=16)
        self.assertEqual(num_extracted, 4)
        self.assertEqual(
            failures, {os.path.join(self.root, "b.mkv"): "the file is empty"}
        )
        path = os.path.join(self.output, "a", "1.mkv")
        with VideoFile(path) as video:
            self.assertEqual((video.num_frames, video.height), (3, 16))
        os.remove(path)
        (num_extracted, _), names = self.extract()
        self.assertEqual((num_extracted, names), (1, ["a/1.mp4", "b.mkv"]))

    def test_shards(self):
        for shard, expected in (
            ((1, 2), ["a/0.mp4", "a/2.mp4", "b.mkv"]),
            ((2, 2), ["a/1.mp4", "a/3.mp4"]),
        ):
            # The other one is at work.
            other = [".unfinished-1.mkv-x", ".unfinished-0.mkv-x"][shard[0] - 1]
            self.touch("flow", "a", other, "part")
            (num_extracted, _), names = self.extract(shard=shard)
            self.assertEqual((num_extracted, names), (2, expected))
            self.assertIn(other, os.listdir(os.path.join(self.output, "a")))

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "short_side=3"):
            self.extract(short_side=3)
        self.output = self.root
        with self.assertRaisesRegex(ValueError, "another folder"):
            self.extract()
