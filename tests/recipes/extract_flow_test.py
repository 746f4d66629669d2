import os
import subprocess
import sys

from dataset_recipe_case import RECIPES
from dataset_recipe_case import DatasetRecipeCase

from ssdet_keras import data

RECIPE = "extract_flow.py"


class ExtractFlowTest(DatasetRecipeCase):
    def setUp(self):
        super().setUp()
        self.output = self.root / "flow"
        self.common = [
            f"--video_root={self.videos}",
            f"--output_dir={self.output}",
            "--short_side=16",
        ]

    def test_statuses_and_files(self):
        self.add_video("a.mp4", 25)
        self.add_video("b.avi", 5)
        (self.videos / "c.mp4").touch()
        only_a = self.add_annotations("a.csv", "a.mp4,run,0,1")
        named = self.root / "named"
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
                    f"--output_dir={named}",
                ],
                0,
                "1 of 1 videos extracted, 0 bad",
            ),
            ([*common, "--shard=2/2"], 0, "1 of 1 videos extracted, 0 bad"),
            ([*common, "--shard=1/2"], 1, "2 of 2 videos extracted, 1 bad"),
            (common, 1, "1 of 1 videos extracted, 1 bad"),
            ([*common, "--short_side=32"], 2, "short_side=16 instead of 32"),
            (
                [*common, "--short_side=15", f"--output_dir={empty}/new"],
                2,
                "`short_side` must be even .* short_side=15",
            ),
            ([*common, "--shard=3/2"], 2, "--shard must be K/N .*--shard=3/2"),
            (
                [*common, f"--video_root={self.root}/no"],
                2,
                "--video_root: .*no",
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
        runs = self.run_recipe(RECIPE, [c for c, _, _ in cases])
        for run, (case, status, text) in zip(runs, cases, strict=True):
            with self.subTest(case=case):
                self.assertEqual(run[0], status, run[1])
                self.assertRegex(run[1], text)
        self.assertEqual(
            sorted(os.listdir(self.output)),
            [
                "a.mkv",
                "b.mkv",
                "failures.txt",
                "failures_1_of_2.txt",
                "failures_2_of_2.txt",
                "settings.json",
            ],
        )
        self.assertEqual(
            (self.output / "failures.txt").read_text(),
            f"{self.videos / 'c.mp4'}\tthe file is empty\n",
        )
        self.assertEqual(os.listdir(empty), [])
        # The same annotations fit.
        for folder in (self.output, named):
            (record,) = data.read_videos(self.root / "a.csv", folder)
            with data.VideoFile(record.path) as video:
                self.assertEqual((video.num_frames, video.fps), (25, 25))
                # Pictures of one colour each: nothing moves.
                flow = data.decode_flow(video.read([0, 12, 24]))
                self.assertLess(abs(flow).max(), 0.5)

    def test_shards_start_at_once(self):
        for number in range(4):
            self.add_video(f"{number}.mp4", 3)
        processes = [
            subprocess.Popen(
                [
                    sys.executable,
                    RECIPES / RECIPE,
                    *self.common,
                    f"--shard={number}/2",
                    "--num_processes=1",
                ],
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in (1, 2)
        ]
        for process in processes:
            _, messages = process.communicate()
            self.assertEqual(process.returncode, 0, messages[-3000:])
        self.assertEqual(
            sorted(path.name for path in self.output.glob("*.mkv")),
            [f"{number}.mkv" for number in range(4)],
        )

    def test_help(self):
        text = self.get_help(RECIPE)
        for flag in ("--short_side", "--shard", "--video_root"):
            self.assertIn(flag, text)
