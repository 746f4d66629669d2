import os
from unittest import mock

from data.folder_test_case import FolderTestCase
from data.numbered_video import read_number
from data.numbered_video import write_folder
from data.numbered_video import write_video

from ssdet_keras.data import VideoFile
from ssdet_keras.data import prepare_video
from ssdet_keras.data import prepare_videos
from ssdet_keras.data.list_videos import list_videos


class PrepareVideosTest(FolderTestCase):
    def setUp(self):
        super().setUp()
        self.root = self.make_path("videos", "")
        self.output = self.make_path("small")
        write_video(self.make_path("videos", "a", "1.mp4"), 9)
        write_video(self.make_path("videos", "a", "2.avi"), 8, codec="MJPG")
        write_folder(self.make_path("videos", "b", "3.x"), 7)
        self.touch("videos", "b", "4.mkv")
        self.touch("videos", "note.txt")

    def prepare(self, paths=None, **kwargs):
        """Returns what was done, and the names that were worked on."""
        if paths is None:
            paths = list_videos(self.root)
        with mock.patch(
            "ssdet_keras.data.prepare_videos.prepare_video", wraps=prepare_video
        ) as prepare:
            result = prepare_videos(
                paths,
                self.root,
                self.output,
                num_processes=0,
                verbose=False,
                **kwargs,
            )
        names = [call.args[0] for call in prepare.call_args_list]
        return result, [os.path.relpath(name, self.root) for name in names]

    def test_list_videos(self):
        self.touch("videos", ".unfinished-1.mp4-x_0", "1.mp4")
        self.touch("videos", "a", "._1.mp4")
        self.assertEqual(
            [
                os.path.relpath(path, self.root)
                for path in list_videos(self.root)
            ],
            ["a/1.mp4", "a/2.avi", "b/3.x", "b/4.mkv"],
        )
        with self.assertRaisesRegex(FileNotFoundError, "nowhere"):
            list_videos("nowhere")

    def test_names_stay(self):
        (num_prepared, failures), _ = self.prepare()
        self.assertEqual(num_prepared, 3)
        self.assertEqual(
            failures,
            {os.path.join(self.root, "b/4.mkv"): "the file is empty"},
        )
        for name, num_frames in (
            ("a/1.mp4", 9),
            ("a/2.mp4", 8),
            ("b/3.x.mp4", 7),
        ):
            with VideoFile(os.path.join(self.output, name)) as video:
                numbers = [
                    read_number(f) for f in video.read(range(num_frames))
                ]
            self.assertEqual(numbers, list(range(num_frames)))

    def test_folders_of_frames(self):
        self.prepare(format="frames", short_side=16)
        with VideoFile(os.path.join(self.output, "a", "2")) as video:
            self.assertEqual((video.num_frames, video.height), (8, 16))
        self.assertTrue(
            os.path.isfile(os.path.join(self.output, "b/3.x/3.x-000007.jpg"))
        )

    def test_second_run_does_what_is_missing(self):
        _, names = self.prepare()
        self.assertEqual(names, ["a/1.mp4", "a/2.avi", "b/3.x", "b/4.mkv"])
        (num_prepared, failures), names = self.prepare()
        self.assertEqual((num_prepared, names), (0, ["b/4.mkv"]))
        self.assertLen(failures, 1)
        os.remove(os.path.join(self.output, "a", "1.mp4"))
        write_video(self.make_path("videos", "b", "4.mkv"), 3, codec="XVID")
        self.assertEqual(self.prepare(), ((2, {}), ["a/1.mp4", "b/4.mkv"]))

    def test_what_a_killed_run_left_is_removed(self):
        self.touch("small", "a", ".unfinished-1.mp4-x_0", "1.mp4")
        # Another process may be at work on it.
        self.touch("small", "a", ".unfinished-3.mp4-x_0", "3.mp4")
        self.prepare()
        self.assertEqual(
            sorted(os.listdir(self.make_path("small", "a"))),
            [".unfinished-3.mp4-x_0", "1.mp4", "2.mp4"],
        )

    def test_two_videos_of_one_name(self):
        path = write_video(
            self.make_path("videos", "a", "1.avi"), 5, codec="MJPG"
        )
        (_, failures), names = self.prepare()
        self.assertEqual(names[0], "a/1.avi")
        self.assertEqual(
            failures[self.make_path("videos", "a", "1.mp4")],
            f"{path} has the same name",
        )

    def test_missing_video(self):
        path = self.make_path("videos", "5.mp4")
        (num_prepared, failures), _ = self.prepare([path])
        self.assertEqual(num_prepared, 0)
        self.assertIn("No such file", failures[path])

    def test_invalid_arguments(self):
        with self.assertRaisesRegex(ValueError, "Received: .*other.mp4"):
            self.prepare([self.make_path("other.mp4")])
        self.output = self.root
        with self.assertRaisesRegex(ValueError, "another folder"):
            self.prepare()
        with self.assertRaisesRegex(ValueError, "short_side=3"):
            self.prepare(short_side=3)
