import json
import os
from unittest import mock

from dataset_recipe_case import DatasetRecipeCase

from ssdet_keras import data


class CheckDatasetTest(DatasetRecipeCase):
    def setUp(self):
        super().setUp()
        self.report = self.root / "report"
        self.common = [
            "--dataset=videos",
            f"--video_root={self.videos}",
            f"--output_dir={self.report}",
            "--num_frames=2",
        ]

    def test_statuses_and_files(self):
        self.add_video("a.mp4", 25)
        self.add_video("b.mp4", 26)
        (self.videos / "c.mp4").touch()
        fine = self.add_annotations("fine.csv", "a.mp4,run,0,1", "b.mp4,sit,,")
        bad = self.add_annotations(
            "bad.csv", "a.mp4,run,,", "c.mp4,run,,", "d.mp4,run,2,1"
        )
        names = self.root / "names.txt"
        names.write_text("run\n")
        cases = [
            ([fine], 0, "0 of 2 videos with problems"),
            ([fine, "--num_frames=20", "--skip=short"], 1, "25 of 191 frames"),
            ([], 2, "--annotations must be set"),
            ([fine, "--skip=ugly"], 2, "--skip must be of .* Received: ugly"),
            ([fine, "--num_frames=0"], 2, "num_frames"),
            ([fine, "more"], 2, "Unexpected arguments: .*more"),
            ([f"--annotations={self.root / 'none.csv'}"], 2, "none.csv"),
            ([fine, f"--class_names={names}"], 2, "'sit' in line 3"),
            ([fine, "--dataset=kinetics", "--split=train"], 2, "fine.csv"),
            ([fine, "--dataset=guess"], 2, "--dataset=guess"),
            ([fine, f"--output_dir={names}"], 2, "--output_dir: "),
            ([bad, fine, "--thorough"], 1, "the file is empty"),
        ]
        common = [*self.common, "--num_processes=0"]
        runs = self.run_recipe(
            "check_dataset.py", [[*common, *case] for case, _, _ in cases]
        )
        for run, (case, status, text) in zip(runs, cases, strict=True):
            with self.subTest(case=case):
                self.assertEqual(run[0], status, run[1])
                self.assertRegex(run[1], text)
        self.assertNotIn("--skip_list=", runs[0][1])
        self.check_files(runs[-1][1])

    def check_files(self, text):
        self.assertEqual(
            sorted(os.listdir(self.report)),
            ["journal.jsonl", "report.json", "report.txt", "skip_list.txt"],
        )
        self.assertIn((self.report / "report.txt").read_text(), text)
        skip_list = self.report / "skip_list.txt"
        self.assertIn(f"--skip_list={skip_list}", text)
        paths = data.read_skip_list(skip_list)
        self.assertEqual(
            paths, [str(self.videos / "c.mp4"), str(self.videos / "d.mp4")]
        )
        report = json.loads((self.report / "report.json").read_text())
        self.assertEqual(
            report["counts"],
            {"missing": 1, "corrupt": 1, "leak": 1},
        )
        self.assertEqual(
            report["parts"][0]["repairs"],
            {"missing_video": 1, "segment_dropped_inverted": 1},
        )
        records = data.read_videos(self.root / "bad.csv", self.videos)
        kept, num_unmatched = data.skip_videos(records, paths, self.videos)
        self.assertEqual([record.id for record in kept], ["a.mp4"])
        self.assertEqual(num_unmatched, 0)

    def test_help(self):
        text = self.get_help("check_dataset.py")
        for flag in ("--[no]thorough", "--video_root", "--annotations"):
            self.assertIn(flag, text)

    def test_goes_on_after_it_was_killed(self):
        names = [f"{number}.mp4" for number in range(4)]
        for number, name in enumerate(names):
            self.add_video(name, 25 + number)
        # Reading it lasts until something is written.
        pipe = self.videos / "pipe.mp4"
        os.mkfifo(pipe)
        rows = [
            f"{name},run,," for name in (*names[:2], "pipe.mp4", *names[2:])
        ]
        annotations = self.add_annotations("all.csv", *rows)
        journal = self.report / "journal.jsonl"

        def has_all_others():
            return journal.exists() and journal.read_text().count("\n") == 4

        self.kill_recipe(
            "check_dataset.py",
            [*self.common, annotations, "--num_processes=2"],
            has_all_others,
        )
        # The process that reads it goes on, finds that it is alone, and ends.
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        os.remove(pipe)
        self.assertEqual(os.listdir(self.report), ["journal.jsonl"])

        self.add_video("pipe.mp4", 40)
        with mock.patch(
            "ssdet_keras.data.check_dataset.probe_video", wraps=data.probe_video
        ) as probe:
            report = data.check_dataset(
                {"all": data.read_videos(self.root / "all.csv", self.videos)},
                journal=journal,
                num_frames=2,
                num_processes=0,
                verbose=False,
            )
        self.assertEqual(
            [call.args[0] for call in probe.call_args_list], [str(pipe)]
        )
        self.assertEqual(report.findings, [])
        self.assertEqual(report.fps, {25.0: 5})
