import os
import pathlib
import pickle
import re
import sys
import tempfile
import unittest.mock
import warnings

import checkpoint_files
import keras
import numpy as np
import torch
from absl.testing import parameterized

from ssdet_keras.models import FrameDetector
from ssdet_keras.models import LoadedCheckpoint
from ssdet_keras.models import VideoClassifier
from ssdet_keras.models import X3DBackbone
from ssdet_keras.models import load_checkpoint
from ssdet_keras.models import read_checkpoint
from ssdet_keras.models.layouts import find_layout

SCALE = {"width": 0.25, "depth": 0.1}


def make_model(model_class=VideoClassifier, num_classes=5, **kwargs):
    kwargs = {"normalize": "pytorchvideo", **SCALE, **kwargs}
    return model_class(X3DBackbone("m", **kwargs), num_classes)


def wrap(state):
    return {f"module.{name}": value for name, value in state.items()}


class TorchFile(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = pathlib.Path(folder)
        self.golden, self.state = checkpoint_files.read_golden()

    def save(self, contents, name="x3d.pth", **kwargs):
        path = self.folder / name
        torch.save(contents, path, **kwargs)
        return path

    def assert_unchanged(self, model, before):
        for old, new in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)


class LoadCheckpointTest(TorchFile):
    def assert_parity(self, model, key="logits"):
        expected = self.golden[key]
        tolerance = 1e-4 * max(1, expected.std())
        actual = keras.ops.convert_to_numpy(model(self.golden["clip"]))
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)

    @parameterized.named_parameters(
        ("pytorchvideo", "PyTorchVideo", dict, "x3d.pth"),
        (
            "pytorchvideo_hub",
            "PyTorchVideo",
            lambda state: {"model_state": state},
            "x3d.pyth",
        ),
        ("data_parallel", "PyTorchVideo", wrap, "x3d.pt"),
        (
            "pyslowfast",
            "PySlowFast",
            lambda state: {
                "epoch": 3,
                "model_state": checkpoint_files.pyslowfast_state(state),
                "cfg": "TRAIN:\n  ENABLE: true\n",
            },
            "checkpoint_epoch_00003.pyth",
        ),
        (
            "pyslowfast_sub_batch_norm",
            "PySlowFast",
            lambda state: {
                "model_state": checkpoint_files.split_norms(
                    checkpoint_files.pyslowfast_state(state), 4
                )
            },
            "x3d.pyth",
        ),
        (
            "x3d_multigrid",
            "X3D-Multigrid",
            lambda state: {
                "model_state_dict": checkpoint_files.multigrid_state(state),
                "optimizer_state_dict": {"state": {}, "param_groups": []},
            },
            "x3d_charades_loc_rgb_sgd_001000.pt",
        ),
        (
            "x3d_multigrid_one_split",
            "X3D-Multigrid",
            lambda state: wrap(checkpoint_files.multigrid_state(state, 1)),
            "x3d.pt",
        ),
    )
    def test_parity(self, layout, make_contents, name):
        path = self.save(make_contents(self.state), name)
        for model_class, key in (
            (VideoClassifier, "logits"),
            (FrameDetector, "frame_logits"),
        ):
            model = make_model(model_class)
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)
                result = load_checkpoint(model, path)
            self.assertEqual(result.layout, layout)
            self.assertLen(set(result.loaded), len(model.weights))
            self.assertEqual(result[2:], ([], [], [], []))
            self.assert_parity(model, key)

    @parameterized.parameters(("xs", 4, 160), ("m", 16, 224))
    def test_parity_of_published_sizes(self, variant, num_frames, size):
        backbone = X3DBackbone(variant, normalize="pytorchvideo")
        classifier = VideoClassifier(backbone, 400)
        load_checkpoint(
            classifier, self.save(checkpoint_files.generated_state())
        )
        clip = checkpoint_files.generated_clip(num_frames, size)
        path = checkpoint_files.GOLDEN / "x3d_pytorchvideo_logits.npz"
        with np.load(path) as file:
            expected = file[variant]
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(classifier(clip))[0],
            expected,
            rtol=0,
            atol=1e-3 * max(1, expected.std()),
        )

    def test_backbone_alone(self):
        backbone = make_model().backbone
        result = load_checkpoint(backbone, self.save(self.state))
        self.assertLen(result.loaded, len(backbone.weights))
        self.assertEqual(
            result.left_over,
            [
                "blocks.5.pool.post_conv.weight",
                "blocks.5.proj.weight",
                "blocks.5.proj.bias",
            ],
        )
        stage = keras.Model(backbone.input, backbone.pyramid_outputs["stage4"])
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(stage(self.golden["clip"])),
            self.golden["stage4"],
            atol=1e-4,
        )

    def test_values_of_the_first_shortcut(self):
        """W = 3 and BN(2, 0.5, 1, 4 - eps) make 3, and 0.5 - 1 to the beta."""
        backbone = make_model().backbone
        state = checkpoint_files.multigrid_state(self.state, 1)
        norm = "layer1.0.downsample.1"
        for name, value in (
            ("layer1.0.downsample.0.weight", 3),
            (f"{norm}.weight", 2),
            (f"{norm}.bias", 0.5),
            (f"{norm}.split_bn.running_mean", 1),
            (f"{norm}.split_bn.running_var", 4 - 1e-5),
            ("layer1.0.bn3.bias", 0.25),
        ):
            state[name] = torch.full_like(state[name], value)
        load_checkpoint(backbone, self.save(state))
        block = backbone.get_layer("stage1_block1")
        self.assertIsNone(block.shortcut_norm)
        np.testing.assert_allclose(block.shortcut.get_weights()[0], 3)
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(block.project_norm.beta), -0.25
        )

    def test_keras_file(self):
        detector = make_model(FrameDetector)
        path = self.folder / "detector.keras"
        load_checkpoint(detector, self.save(self.state))
        detector.save(path)
        classifier = make_model()
        result = load_checkpoint(classifier, path)
        self.assertEqual(result.layout, "Keras")
        self.assertLen(result.loaded, len(classifier.weights))
        self.assert_parity(classifier)
        backbone = make_model().backbone
        result = load_checkpoint(backbone, str(path))
        self.assertEqual(
            result.left_over,
            ["head/hidden/kernel", "head/output/kernel", "head/output/bias"],
        )
        with self.assertWarnsRegex(UserWarning, "normalize='pytorchvideo'"):
            load_checkpoint(make_model(normalize="charades"), path)
        with self.assertRaisesRegex(
            ValueError,
            r"head/output/kernel \(512, 5\) -> head/output/kernel \(512, 7\)",
        ):
            load_checkpoint(make_model(num_classes=7), path)

    @parameterized.parameters(torch.float16, torch.float64)
    def test_other_dtypes(self, dtype):
        state = {name: value.to(dtype) for name, value in self.state.items()}
        model = make_model(FrameDetector)
        load_checkpoint(model, self.save(state))
        self.assert_parity(model, "frame_logits")

    def test_linear_squeeze_excite_and_norms_of_rank_4(self):
        """As in older files of X3D-Multigrid and PySlowFast."""
        state = checkpoint_files.multigrid_state(self.state)
        for name, value in state.items():
            if re.search(r"\.fc[12]\.weight", name):
                state[name] = value.flatten(1)
            elif re.search(r"bn\d\.(weight|bias)", name):
                state[name] = value[:, None, None, None]
        model = make_model()
        load_checkpoint(model, self.save(state))
        self.assert_parity(model)

    def test_old_file_format(self):
        path = self.save(self.state, _use_new_zipfile_serialization=False)
        model = make_model()
        load_checkpoint(model, path)
        self.assert_parity(model)

    def test_other_classes(self):
        path = self.save(self.state)
        model = make_model(num_classes=7)
        before = model.get_weights()
        with self.assertRaises(ValueError) as context:
            load_checkpoint(model, path)
        message = str(context.exception)
        self.assertIn("`reinitialize_output=True` starts with", message)
        self.assertIn(
            "2 of another shape than in the model: "
            "blocks.5.proj.weight (5, 512) -> head/output/kernel (512, 7), "
            "blocks.5.proj.bias (5,) -> head/output/bias (7,)",
            message,
        )
        self.assert_unchanged(model, before)

        model.head.output_layer.set_weights([np.ones((512, 7)), np.ones(7)])
        with self.assertLogs("absl", "INFO") as logs:
            result = load_checkpoint(model, path, reinitialize_output=True)
        names = ["head/output/kernel", "head/output/bias"]
        self.assertEqual(result.initialized, names)
        self.assertIn("anew: " + ", ".join(names), "".join(logs.output))
        self.assertEqual(result[3:], ([], [], []))
        self.assertLen(result.loaded, len(model.weights) - 2)
        kernel, bias = model.head.output_layer.get_weights()
        self.assertAlmostEqual(kernel.std(), 0.01, delta=0.001)
        np.testing.assert_array_equal(bias, np.zeros(7))
        hidden = self.state["blocks.5.pool.post_conv.weight"].numpy()
        np.testing.assert_array_equal(
            model.head.hidden.get_weights()[0], hidden[..., 0, 0, 0].T
        )

    def test_all_that_does_not_fit_is_listed(self):
        state = dict(self.state)
        del state["blocks.0.norm.bias"]
        state["blocks.6.proj.weight"] = torch.zeros(2, 3)
        state["blocks.1.res_blocks.0.branch2.conv_b.weight"] = torch.zeros(
            18, 1, 3, 3, 1
        )
        path = self.save(state)
        model = make_model()
        before = model.get_weights()
        with self.assertRaises(ValueError) as context:
            load_checkpoint(model, path)
        self.assertEqual(
            str(context.exception),
            "The tensors of the file must be those of `model`, which follow "
            "from `variant`, `width`, `depth` and `num_classes`; "
            "`strict=False` loads what fits. "
            f"Received: path={path} in the layout of PyTorchVideo, with\n"
            "1 missing in the file: stem/norm/beta\n"
            "1 left over in the file: blocks.6.proj.weight\n"
            "1 of another shape than in the model: "
            "blocks.1.res_blocks.0.branch2.conv_b.weight (18, 1, 3, 3, 1) -> "
            "stage1_block1/depthwise/kernel (3, 3, 3, 18)",
        )
        self.assert_unchanged(model, before)

        result = load_checkpoint(model, path, strict=False)
        self.assertIsInstance(result, LoadedCheckpoint)
        self.assertEqual(result.missing, ["stem/norm/beta"])
        self.assertEqual(result.left_over, ["blocks.6.proj.weight"])
        self.assertLen(result.misshapen, 1)
        self.assertLen(result.loaded, len(model.weights) - 2)
        self.assert_unchanged(
            model.head.output_layer,
            [
                self.state["blocks.5.proj.weight"].numpy().T,
                self.state["blocks.5.proj.bias"].numpy(),
            ],
        )

    def test_other_depth(self):
        model = make_model(depth=0.2)
        with self.assertRaisesRegex(
            ValueError,
            r"34 missing in the file: stage3_block3/expand/kernel, .*"
            r", and 14 more",
        ):
            load_checkpoint(model, self.save(self.state))
        with self.assertRaisesRegex(
            ValueError, r"left over in the file: blocks\.3\.res_blocks\.1\."
        ):
            load_checkpoint(make_model(depth=0.05), self.save(self.state))

    def test_linear_layer_the_wrong_way_round(self):
        state = dict(self.state)
        state["blocks.5.proj.weight"] = state["blocks.5.proj.weight"].T
        with self.assertRaisesRegex(ValueError, r"weight \(512, 5\) -> head"):
            load_checkpoint(make_model(), self.save(state))

    def test_pixels(self):
        path = self.save(self.state)
        with self.assertWarnsRegex(
            UserWarning, "normalize='pytorchvideo'.*normalize='kinetics'"
        ) as context:
            load_checkpoint(make_model(normalize="kinetics"), path)
        self.assertEqual(context.filename, __file__)
        multigrid = self.save(checkpoint_files.multigrid_state(self.state))
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            load_checkpoint(make_model(normalize="charades"), multigrid)
        path = self.save(self.state)
        model = make_model(normalize=None)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            load_checkpoint(model, path)
        self.golden["clip"] = (self.golden["clip"] / 255 - 0.45) / 0.225
        self.assert_parity(model)

    def test_models_that_can_not_take_it(self):
        path = self.save(self.state)
        inputs = keras.Input((None, 8, 8, 3))
        model = keras.Model(inputs, inputs * 2)
        with self.assertRaisesRegex(ValueError, "left over in the file"):
            load_checkpoint(model, path)
        with self.assertRaisesRegex(ValueError, "`model` must be a class"):
            load_checkpoint(model.weights, path)
        with self.assertRaisesRegex(ValueError, "head is a `LinearHead`"):
            load_checkpoint(
                make_model().backbone, path, reinitialize_output=True
            )


class Exploit:
    """A pickle that would write a file when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


class ReadCheckpointTest(TorchFile):
    def test_contents(self):
        checkpoint = read_checkpoint(self.save(self.state))
        self.assertEqual(checkpoint.num_classes, 5)
        self.assertEqual(checkpoint.unknown, [])
        name = "stage3_block2/expand/kernel"
        self.assertEqual(
            checkpoint.names[name],
            "blocks.3.res_blocks.1.branch2.conv_a.weight",
        )
        self.assertEqual(checkpoint.tensors[name].shape, (54, 24, 1, 1, 1))
        del self.state["blocks.5.proj.bias"]
        checkpoint = read_checkpoint(self.save(self.state))
        self.assertIsNone(checkpoint.num_classes)

    def test_aggregated_statistics(self):
        """Means 1, 3 and variances 2, 4: mean 2, variance 3 + 1."""
        state = checkpoint_files.multigrid_state(self.state)
        norm = "bn1.split_bn.running_"
        size = len(state["bn1.weight"])
        for statistic, values in (("mean", (1, 3)), ("var", (2, 4))):
            state[norm + statistic] = torch.cat(
                [torch.full((size,), float(value)) for value in values]
            )
        tensors = read_checkpoint(self.save(state)).tensors
        np.testing.assert_allclose(tensors["stem/norm/moving_mean"], 2)
        np.testing.assert_allclose(tensors["stem/norm/moving_variance"], 4)

        state[norm + "var"] = state[norm + "var"][1:]
        with self.assertRaisesRegex(
            ValueError, r"`bn1.split_bn` must .* 16 means, 15 variances for 8"
        ):
            read_checkpoint(self.save(state))

    def test_published_names_of_x3d_multigrid(self):
        path = checkpoint_files.GOLDEN / "x3d_multigrid_keys.txt"
        names = [line.split()[0] for line in path.read_text().splitlines()]
        layout = find_layout(names)
        self.assertEqual(layout.name, "X3D-Multigrid")
        paths = {
            layout.weight_path(re.sub(r"\.split_bn\b", "", name))
            for name in names
        }
        detector = FrameDetector(X3DBackbone("m"), 157)
        expected = {w.path for w in detector.weights}
        norm = {
            f"stage1_block1/shortcut_norm/{weight}"
            for weight in ("gamma", "beta", "moving_mean", "moving_variance")
        }
        self.assertEqual(paths - {None}, expected | norm)

    def test_files_that_are_no_checkpoint(self):
        (self.folder / "empty.pth").touch()
        (self.folder / "text.pth").write_text("epoch,loss\n1,0.5\n")
        (self.folder / "model.keras").write_text("no model")
        whole = self.save(self.state).read_bytes()
        (self.folder / "cut.pth").write_bytes(whole[: len(whole) // 2])
        self.save({"model_state": {"epoch": 3}}, "numbers.pth")
        self.save({0: torch.zeros(2)}, "numbered.pth")
        self.save([1, 2], "list.pth")
        self.save({"conv1.weight": torch.zeros(2)}, "resnet.pth")
        for name, error, message in (
            ("none.pth", FileNotFoundError, r"none\.pth, which does not exist"),
            ("none.keras", FileNotFoundError, r"none\.keras, which does not"),
            ("", FileNotFoundError, "which is a folder"),
            ("empty.pth", ValueError, r"empty\.pth, which PyTorch can't read"),
            ("text.pth", ValueError, r"text\.pth, which PyTorch can't read"),
            ("cut.pth", ValueError, r"cut\.pth, which PyTorch can't read"),
            ("model.keras", ValueError, r"model\.keras, which can't be read"),
            ("numbers.pth", ValueError, r"numbers\.pth, which .*\['epoch'\]"),
            ("numbered.pth", ValueError, r"numbered\.pth, which holds \[0\]"),
            ("list.pth", ValueError, r"list\.pth, which holds a list"),
            (
                "resnet.pth",
                ValueError,
                r"layouts PyTorchVideo, .* 1 tensors begin with "
                r"\['conv1\.weight'\]",
            ),
        ):
            with self.subTest(name=name):
                model = make_model()
                before = model.get_weights()
                with self.assertRaisesRegex(error, message):
                    load_checkpoint(model, self.folder / name)
                self.assert_unchanged(model, before)

    @parameterized.parameters(True, False)
    def test_pickles_are_refused(self, is_zip):
        target = self.folder / "made"
        contents = {"model_state": self.state, "cfg": Exploit(target)}
        path = self.save(contents, _use_new_zipfile_serialization=is_zip)
        with self.assertRaises(ValueError) as context:
            read_checkpoint(path)
        message = str(context.exception)
        self.assertIn("tensors and plain values alone", message)
        self.assertIn(f"path={path}, which asks for posix.mkdir", message)
        self.assertNotIn("weights_only", message)
        self.assertFalse(target.exists())

        path.write_bytes(pickle.dumps(Exploit(target)))
        with self.assertRaisesRegex(ValueError, re.escape(str(path))):
            read_checkpoint(path)
        self.assertFalse(target.exists())

    def test_without_pytorch(self):
        path = self.save(self.state)
        with (
            unittest.mock.patch.dict(sys.modules, {"torch": None}),
            self.assertRaisesRegex(ImportError, "pip install torch"),
        ):
            read_checkpoint(path)
