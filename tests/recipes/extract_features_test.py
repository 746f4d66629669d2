import json
import shutil

import cv2
import keras
import numpy as np
from dataset_recipe_case import DatasetRecipeCase

from ssdet_keras import data
from ssdet_keras import models

RECIPE = "extract_features.py"


class ExtractFeaturesTest(DatasetRecipeCase):
    def setUp(self):
        super().setUp()
        keras.utils.set_random_seed(0)
        self.backbone = models.X3DBackbone(width=0.25, depth=0.1)
        self.model = models.FrameDetector(self.backbone, 3)
        self.path = self.save(self.model, "detector")
        self.output = self.root / "features"
        self.common = [
            f"--model={self.path}",
            f"--video_root={self.videos}",
            f"--output_dir={self.output}",
        ]

    def save(self, model, name):
        path = self.root / f"{name}.keras"
        model.save(path)
        description = {"frame_stride": 3, "size": 32, "crop_scale": 1.0}
        path.with_suffix(".json").write_text(json.dumps(description))
        return path

    def add_noise(self, name, num_frames, seed=0):
        """Writes a video whose frames all differ."""
        rng = np.random.default_rng(seed)
        writer = cv2.VideoWriter(
            str(self.videos / name),
            cv2.VideoWriter.fourcc(*"mp4v"),
            25,
            (48, 32),
        )
        for _ in range(num_frames):
            blocks = rng.integers(0, 256, (4, 6, 3), dtype="uint8")
            writer.write(cv2.resize(blocks, (48, 32)))
        writer.release()

    def run_cases(self, *cases):
        """Runs the recipe, and checks status and output of each case."""
        runs = self.run_recipe(RECIPE, [arguments for arguments, _, _ in cases])
        for run, (case, status, text) in zip(runs, cases, strict=True):
            with self.subTest(case=case):
                self.assertEqual(run[0], status, run[1])
                self.assertRegex(run[1], text)

    def test_features_are_those_of_the_model(self):
        self.add_noise("a.mp4", 40)
        (self.videos / "b").mkdir()
        self.add_noise("b/c.mp4", 10, seed=1)
        classifier = models.VideoClassifier(self.backbone, 2)
        other = self.root / "other"
        cases = [
            ([*self.common, "--outputs=pyramid"], 0, "2 videos written, 0 were")
        ]
        # The same of all models of this backbone.
        for model in (classifier, self.backbone):
            path = self.save(model, type(model).__name__)
            output = self.root / path.stem
            arguments = [
                *self.common,
                f"--model={path}",
                f"--output_dir={output}",
                "--dtype=float32",
            ]
            cases.append((arguments, 0, "2 videos written"))
        cases.append(
            (
                [
                    *self.common,
                    f"--output_dir={other}",
                    "--frame_rate=5",
                    "--size=64",
                ],
                0,
                "2 videos written",
            )
        )
        self.run_cases(*cases)
        folder = data.FeatureFolder(self.output)
        self.assertEqual(list(folder), ["a", "b/c"])
        pyramid = models.feature_pyramid(self.backbone)
        for name, features in folder.items():
            frames, indices = data.read_whole_video(
                data.VideoRecord(name, str(self.videos / f"{name}.mp4")),
                frame_stride=3,
                size=32,
                crop_scale=1.0,
            )
            expected = pyramid.predict_on_batch(frames[None])
            self.assertEqual(sorted(features), sorted(expected))
            for key, value in expected.items():
                value = np.asarray(value[0])
                np.testing.assert_allclose(
                    features[key], value, rtol=2e-3, atol=2e-3
                )
            np.testing.assert_allclose(features.times, indices / 25)
            self.assertEqual(features.fps, 25)
            for model in ("VideoClassifier", "X3DBackbone"):
                single = data.FeatureFolder(self.root / model)
                self.assertEqual(list(single.dtypes), ["features"])
                np.testing.assert_allclose(
                    single[name]["features"],
                    np.asarray(expected["features"][0]),
                    rtol=1e-3,
                    atol=1e-4,
                )
        self.assertEqual(folder["a"].num_frames, 40)
        origin = folder.origin
        self.assertLen(origin.pop("checkpoint_sha256"), 64)
        self.assertLen(origin.pop("config_sha256"), 16)
        self.assertEqual(
            origin,
            {
                "model": "FrameDetector of X3DBackbone",
                "window": 128,
                "overlap": 32,
                "size": 32,
                "crop_scale": 1.0,
                "frame_stride": 3,
                "outputs": "pyramid",
                "dtype": "float16",
            },
        )
        features = data.FeatureFolder(other)["a"]
        self.assertEqual((features.stride, features.num_steps), (5.0, 8))

    def assertLen(self, value, length):
        self.assertEqual(len(value), length)

    def test_statuses(self):
        self.add_noise("a.mp4", 5)
        self.add_noise("b.mp4", 5)
        (self.videos / "bad.mp4").write_bytes(b"no video")
        annotations = self.add_annotations("a.csv", "a.mp4,run,0,1")
        outside = self.add_annotations("o.csv", "../o.mp4,run,0,1", "a.mp4,x,,")
        twice = self.root / "twice"
        twice.mkdir()
        for name in ("b.mp4", "b.avi"):
            shutil.copy(self.videos / "b.mp4", twice / name)
        frames = keras.Input((None, None, None, 3))
        for name, layer in (
            ("flat", keras.layers.GlobalAveragePooling3D()),
            ("plain", keras.layers.Conv3D(2, 1)),
        ):
            self.save(keras.Model(frames, layer(frames)), name)
        shutil.copy(self.path, self.root / "bare.keras")
        skip_list = self.root / "skip_list.txt"
        skip_list.write_text("bad.mp4 # the file is damaged\n")
        empty = self.root / "empty"
        empty.mkdir()
        csv = ["--dataset=videos", annotations]
        self.run_cases(
            (self.common[1:], 2, "--model must be a .keras file"),
            (
                [f"--model={self.path}", f"--output_dir={empty}"],
                2,
                "--annotations or --video_root must be set",
            ),
            ([*self.common, "--shard=0/2"], 2, "Received: --shard=0/2"),
            ([*self.common, "--shard=3/2"], 2, "Received: --shard=3/2"),
            ([*self.common, "--shard=x"], 2, "Received: --shard=x"),
            ([*self.common, "--shard=1/2/3"], 2, "Received: --shard=1/2/3"),
            ([*self.common, "--outputs=all"], 2, "--outputs=all"),
            ([*self.common, "more"], 2, "Unexpected arguments: .*more"),
            (
                [*self.common, f"--video_root={empty}"],
                2,
                "no videos in --video_root=.*empty",
            ),
            (
                [*self.common, f"--video_root={empty}/no"],
                2,
                "--video_root: .*no",
            ),
            (
                [*self.common, f"--model={self.root}/flat.keras"],
                2,
                "flat.keras: `backbone` must map",
            ),
            (
                [
                    *self.common,
                    f"--model={self.root}/plain.keras",
                    "--outputs=pyramid",
                ],
                2,
                "plain.keras: `backbone` must name its stages",
            ),
            (
                [*self.common, f"--model={self.root}/bare.keras"],
                2,
                "no description .*bare.json",
            ),
            (
                [*self.common, "--window=8", "--overlap=8"],
                2,
                "--overlap=8, --window=8",
            ),
            (
                [*self.common, "--dataset=videos", outside],
                2,
                "id='../o.mp4'",
            ),
            ([*self.common, f"--output_dir={self.path}"], 2, "detector.keras"),
            (
                [*self.common, f"--video_root={twice}"],
                2,
                "Two videos have the id 'b': .*b.avi and .*b.mp4",
            ),
            # Only what is annotated.
            ([*self.common, *csv], 0, "1 videos written, 0 were there"),
            ([*self.common], 1, "2 videos written, 0 were there, 1 failed"),
            ([*self.common], 1, "0 videos written, 2 were there, 1 failed"),
            (
                [*self.common, f"--skip_list={skip_list}"],
                0,
                "0 videos written, 2 were there, 0 failed",
            ),
            (
                [*self.common, f"--skip_list={empty}/none.txt"],
                2,
                "--skip_list: .*none.txt",
            ),
            ([*self.common, "--shard=3/3"], 1, "0 were there, 1 failed"),
        )
        self.assertEqual(
            sorted(path.name for path in self.output.iterdir()),
            [
                "a.mp4.safetensors",
                "a.safetensors",
                "b.safetensors",
                "failures.txt",
                "failures_3_of_3.txt",
            ],
        )
        self.assertEqual((self.output / "failures.txt").read_text(), "")
        failures = (self.output / "failures_3_of_3.txt").read_text()
        self.assertTrue(failures.startswith(f"{self.videos / 'bad.mp4'}\t"))

    def test_other_origins_are_refused(self):
        self.add_noise("a.mp4", 5)
        self.add_noise("b.mp4", 5)
        self.backbone.layers[-1].beta.assign_add(
            np.ones(self.backbone.layers[-1].beta.shape)
        )
        other = self.save(self.model, "changed")
        path = self.output / "a.safetensors"
        self.run_cases(
            ([*self.common, "--shard=1/2"], 0, "1 videos written"),
            (
                [*self.common, f"--model={other}", "--shard=2/2"],
                2,
                f"another origin: {path}. .*differ in checkpoint_sha256: "
                r"\w{64} and \w{64}\n",
            ),
            ([*self.common, "--size=64"], 2, "differ in size: 32 and 64\n"),
            (
                [*self.common, "--outputs=pyramid"],
                2,
                "differ in outputs: features and pyramid\n",
            ),
            (
                [*self.common, "--window=64"],
                2,
                "differ in window: 128 and 64, overlap: 32 and 16\n",
            ),
        )

    def test_shards_together_are_one_run(self):
        for number in range(5):
            self.add_noise(f"{number}.mp4", 20 + number, seed=number)
        (self.videos / "bad.mp4").touch()
        whole = self.root / "whole"
        self.run_cases(
            ([*self.common, "--shard=2/2"], 1, "2 videos written.* 1 failed"),
            ([*self.common, "--shard=1/2"], 0, "3 videos written, 0 were"),
            ([*self.common, f"--output_dir={whole}"], 1, "5 videos written"),
        )
        names = sorted(path.name for path in self.output.iterdir())
        expected = sorted(path.name for path in whole.glob("*.safetensors"))
        self.assertEqual(
            names, [*expected, "failures_1_of_2.txt", "failures_2_of_2.txt"]
        )
        for name in expected:
            self.assertEqual(
                (self.output / name).read_bytes(), (whole / name).read_bytes()
            )
        self.assertIn(
            "bad.mp4", (self.output / "failures_2_of_2.txt").read_text()
        )

    def test_goes_on_after_it_was_killed(self):
        for number in range(3):
            self.add_noise(f"{number}.mp4", 900, seed=number)
        arguments = [*self.common, "--window=8", "--overlap=6"]

        def is_at_work():
            # The second video is being written.
            return any(self.output.glob(".1.safetensors.*"))

        self.kill_recipe(RECIPE, arguments, is_at_work)
        self.assertEqual(
            [path.name for path in self.output.glob("[!.]*.safetensors")],
            ["0.safetensors"],
        )
        self.assertTrue(is_at_work())
        before = (self.output / "0.safetensors").stat().st_mtime_ns
        # What is damaged is written again.
        (self.output / "2.safetensors").write_bytes(b"no features")
        self.run_cases((arguments, 0, "2 videos written, 1 were there"))
        self.assertEqual(
            sorted(path.name for path in self.output.iterdir()),
            ["0.safetensors", "1.safetensors", "2.safetensors", "failures.txt"],
        )
        self.assertEqual(
            (self.output / "0.safetensors").stat().st_mtime_ns, before
        )
        for features in data.FeatureFolder(self.output).values():
            self.assertEqual(features.num_steps, 300)

    def test_help(self):
        text = self.get_help(RECIPE)
        for flag in ("--shard", "--outputs", "--window", "--annotations"):
            self.assertIn(flag, text)
        self.assertNotIn("--num_processes", text)
