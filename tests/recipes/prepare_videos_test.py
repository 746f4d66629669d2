import os

from dataset_recipe_case import DatasetRecipeCase

from ssdet_keras import data

# Answers as ffmpeg does, and is at work until a file is gone.
SLOW_FFMPEG = """#!/bin/sh
case "$*" in
*-encoders*) echo libx264 ;;
*) while [ -e "$(dirname "$0")/busy" ]; do sleep 0.05; done ;;
esac
"""


class PrepareVideosTest(DatasetRecipeCase):
    def setUp(self):
        super().setUp()
        self.output = self.root / "small"
        self.common = [
            f"--video_root={self.videos}",
            f"--output_dir={self.output}",
            "--short_side=16",
        ]

    def test_statuses_and_files(self):
        self.add_video("a.mp4", 25)
        (self.videos / "b.mp4").touch()
        only_a = self.add_annotations("a.csv", "a.mp4,run,0,1")
        frames = self.root / "frames"
        empty = self.root / "empty"
        empty.mkdir()
        common = [*self.common, "--num_processes=0"]
        cases = [
            ([f"--output_dir={empty}"], 2, "--video_root must be set"),
            (
                [
                    *common,
                    "--dataset=videos",
                    only_a,
                    "--format=frames",
                    f"--output_dir={frames}",
                ],
                0,
                "1 of 1 videos prepared, 0 bad",
            ),
            (common, 1, "2 of 2 videos prepared, 1 bad"),
            ([*common, "--short_side=32"], 2, "short_side=16 instead of 32"),
            (
                [*common, "--short_side=15", f"--output_dir={empty}/new"],
                2,
                "short_side=15",
            ),
            ([*common, "--format=webm"], 2, "--format=webm"),
            (
                [*common, f"--video_root={self.root}/no"],
                2,
                "--video_root: .*no",
            ),
            (
                [*common, f"--video_root={frames}/a/fps.txt"],
                2,
                "--video_root: .*fps.txt",
            ),
            (
                [*common, f"--video_root={empty}"],
                2,
                "no videos in --video_root=.*empty",
            ),
            (
                [*common, f"--output_dir={self.videos}"],
                2,
                "which has other files",
            ),
            ([*common, "more"], 2, "Unexpected arguments: .*more"),
        ]
        runs = self.run_recipe("prepare_videos.py", [c for c, _, _ in cases])
        for run, (case, status, text) in zip(runs, cases, strict=True):
            with self.subTest(case=case):
                self.assertEqual(run[0], status, run[1])
                self.assertRegex(run[1], text)
        self.assertEqual(
            sorted(os.listdir(self.output)),
            ["a.mp4", "failures.txt", "settings.json"],
        )
        self.assertEqual(
            (self.output / "failures.txt").read_text(),
            f"{self.videos / 'b.mp4'}\tthe file is empty\n",
        )
        # The same annotations fit.
        for folder in (self.output, frames):
            (record,) = data.read_videos(self.root / "a.csv", folder)
            with data.VideoFile(record.path) as video:
                self.assertEqual((video.num_frames, video.height), (25, 16))

    def test_help(self):
        text = self.get_help("prepare_videos.py")
        for flag in ("--key_frame_interval", "--video_root", "--annotations"):
            self.assertIn(flag, text)

    def test_goes_on_after_it_was_killed(self):
        self.add_video("a.mp4", 25)
        programs = self.root / "programs"
        programs.mkdir()
        ffmpeg = programs / "ffmpeg"
        ffmpeg.write_text(SLOW_FFMPEG)
        ffmpeg.chmod(0o755)
        (programs / "busy").touch()

        def is_at_work():
            return any(self.output.glob(".unfinished-*"))

        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        self.kill_recipe(
            "prepare_videos.py",
            [*self.common, "--num_processes=1"],
            is_at_work,
            **{**os.environ, "PATH": path},
        )
        self.assertFalse((self.output / "a.mp4").exists())
        result = data.prepare_videos(
            [self.videos / "a.mp4"],
            self.videos,
            self.output,
            short_side=16,
            num_processes=0,
            verbose=False,
        )
        self.assertEqual(result, (1, {}))
        # The first one's ffmpeg ends now, to no effect.
        (programs / "busy").unlink()
        with data.VideoFile(self.output / "a.mp4") as video:
            self.assertEqual(video.num_frames, 25)
        self.assertFalse(is_at_work())
