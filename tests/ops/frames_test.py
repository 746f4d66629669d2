import pkgutil
import re
from unittest import mock

import keras
import numpy as np
import pytest
from absl.testing import parameterized
from ops.gradients import gradients
from ops.gradients import to_numpy

from ssdet_keras.layers.frame_plan import FramePlan
from ssdet_keras.ops.frames import mix_frames

# Of many elements per frame, and of few.
SHAPES = ((3, 5, 24, 64, 3), (3, 5, 2, 7, 1))
# The functions that XLA compiles.
COMPILED = {"tensorflow": "_mix_frames", "jax": "mix_frames"}


def mix(videos, plan):
    """Mixes frame by frame, in float64."""
    output = np.empty(videos.shape, "float64")
    columns = np.arange(videos.shape[3])
    for b, t in np.ndindex(videos.shape[:2]):
        clip_1, frame_1 = plan["clip_1"][b, t], plan["frame_1"][b, t]
        first = videos[clip_1, frame_1].astype("float64")
        output[b, t] = first
        if plan["weight"] is None:
            continue
        clip_2, frame_2 = plan["clip_2"][b, t], plan["frame_2"][b, t]
        second = videos[clip_2, frame_2].astype("float64")
        if plan["move"] is not None:
            move = plan["move"][b, t]
            first = first[:, np.clip(columns + move, 0, columns[-1])]
            second = second[:, np.clip(columns - move, 0, columns[-1])]
        weight = plan["weight"][b, t][None, :, None].astype("float64")
        output[b, t] = weight * first + (1 - weight) * second
    return output


def make_plan(shape, name):
    """Returns a random plan of the fields that `name` needs."""
    num_clips, num_frames, _, width, _ = shape
    rng = np.random.default_rng(0)

    def draw(stop):
        return rng.integers(stop, size=shape[:2]).astype("int32")

    plan = dict.fromkeys(("clip_2", "frame_2", "weight", "move"))
    plan |= {"clip_1": draw(num_clips), "frame_1": draw(num_frames)}
    if name == "copy":
        return plan
    plan |= {"clip_2": draw(num_clips), "frame_2": draw(num_frames)}
    weight = rng.uniform(-0.5, 1.5, (*shape[:2], 1))
    if name != "frames":
        slope = rng.uniform(0, 2, (*shape[:2], 1)) * np.linspace(-1, 1, width)
        weight = weight - slope
    plan["weight"] = np.clip(weight, 0, 1).astype("float32")
    if name == "move":
        # Some of them by more than the width.
        plan["move"] = draw(width + 3)
    if name == "views":
        # No edge shows. The last frame of all moves too.
        weight = np.broadcast_to(np.linspace(5, -4, width), weight.shape)
        plan["weight"] = np.clip(weight, 0, 1).astype("float32")
        plan["move"] = draw(width * 7 // 16 + 1)
        plan["move"][:, -1] = width * 7 // 16
    return plan


def run(videos, *plans):
    plans = [
        FramePlan(
            **{
                k: v if v is None else keras.ops.convert_to_tensor(v)
                for k, v in plan.items()
            }
        )
        for plan in plans
    ]
    return mix_frames(videos, plans, keras.config.backend())


def compile_pass(function, *args):
    """Returns what XLA makes of a compiled function, as text."""
    if keras.config.backend() == "jax":
        return function.lower(*args).compile().as_text()
    return function.experimental_get_compiler_ir(*args)("optimized_hlo")


class MixFramesTest(parameterized.TestCase):
    def test_values_after_calls_with_many_other_shapes(self):
        # TensorFlow traces with unknown sizes after some.
        for width in range(2, 8):
            for name in ("columns", "frames"):
                shape = (2, 3, 2, width, 3)
                videos = np.random.default_rng(1).random(shape, "float32")
                plan = make_plan(shape, name)
                output = run(keras.ops.convert_to_tensor(videos), plan)
                np.testing.assert_allclose(
                    to_numpy(output), mix(videos, plan), atol=1e-6
                )

    @parameterized.product(
        shape=SHAPES, name=("copy", "frames", "columns", "move", "views")
    )
    def test_values(self, shape, name):
        videos = np.random.default_rng(1).integers(256, size=shape)
        plan = make_plan(shape, name)
        expected = mix(videos, plan)
        # Relative to 255: float32, or one rounding of the lower precision.
        for dtype, atol in (
            ("float32", 255e-6),
            ("float16", 0.07),
            ("bfloat16", 0.51),
        ):
            x = keras.ops.cast(
                keras.ops.convert_to_tensor(videos.astype("float32")), dtype
            )
            output = run(x, plan)
            self.assertEqual(
                keras.backend.standardize_dtype(output.dtype), dtype
            )
            np.testing.assert_allclose(
                to_numpy(output), expected, rtol=0, atol=atol
            )
        x = keras.ops.convert_to_tensor(videos.astype("uint8"))
        output = run(x, plan)
        self.assertEqual(keras.backend.standardize_dtype(output.dtype), "uint8")
        error = np.abs(to_numpy(output).astype("float64") - expected)
        self.assertLessEqual(error.max(), 0.5 + 255e-6)
        np.testing.assert_array_equal(to_numpy(x), videos)

    @parameterized.product(
        shape=SHAPES,
        names=(
            ("copy", "copy"),
            ("copy", "frames", "copy"),
            ("frames", "columns"),
            ("columns", "move", "copy", "frames"),
            ("move", "copy", "views"),
        ),
    )
    def test_several_plans(self, shape, names):
        videos = np.random.default_rng(1).integers(256, size=shape)
        # Integers are rounded after each plan.
        for dtype in ("float32", "uint8"):
            x = keras.ops.convert_to_tensor(videos.astype(dtype))
            expected = x
            for name in names:
                expected = run(expected, make_plan(shape, name))
            output = run(x, *(make_plan(shape, name) for name in names))
            self.assertEqual(
                keras.backend.standardize_dtype(output.dtype), dtype
            )
            output, expected = (
                to_numpy(y).astype("float32") for y in (output, expected)
            )
            # A compiler may add with one rounding less. Of whole numbers that
            # are halves then, some become others.
            error = np.abs(output - expected)
            self.assertLessEqual(error.max(), 1 if dtype == "uint8" else 1e-3)
            self.assertLess(np.mean(error > 1e-3), 1e-3)

    @parameterized.product(
        names=(
            ("copy", "frames", "move"),
            ("columns", "views", "copy"),
            ("move", "copy", "frames"),
        ),
        dtype=("uint8", "float32"),
    )
    @pytest.mark.skipif(
        keras.config.backend() == "torch", reason="It compiles nothing."
    )
    def test_no_batch_exists_between_plans(self, names, dtype):
        shape = SHAPES[0]
        videos = keras.ops.zeros(shape, dtype)
        function = COMPILED[keras.config.backend()]
        name = f"ssdet_keras.ops.frames.{keras.config.backend()}.{function}"
        function = pkgutil.resolve_name(name)
        with mock.patch(name, wraps=function) as one_pass:
            run(videos, *(make_plan(shape, name) for name in names))
        one_pass.assert_called_once()
        compiled = compile_pass(function, *one_pass.call_args.args)
        _, entry = compiled.split("\nENTRY ")
        made = re.findall(r"= [a-z]+\d+\[([\d,]+)\]\S* ([\w-]+)\(", entry)
        batches = [
            operation
            for size, operation in made
            if np.prod([int(n) for n in size.split(",")]) >= np.prod(shape)
            and operation not in ("parameter", "bitcast")
        ]
        self.assertEqual(batches, ["fusion"])

    def test_integers_round_half_to_even(self):
        # 0.5 * k + 0.5 * 0 for k from 0 to 7.
        videos = np.zeros((2, 1, 1, 4096, 1), "uint8")
        videos[0] = np.arange(4096)[:, None] % 8
        zeros, ones = np.zeros((2, 1), "int32"), np.ones((2, 1), "int32")
        plan = {"clip_1": zeros, "frame_1": zeros, "clip_2": ones}
        plan |= {"frame_2": zeros, "move": None}
        plan["weight"] = np.full((2, 1, 1), 0.5, "float32")
        output = run(keras.ops.convert_to_tensor(videos), plan)
        self.assertEqual(
            to_numpy(output)[1, 0, 0, :8, 0].tolist(), [0, 0, 1, 2, 2, 2, 3, 4]
        )

    def test_hidden_frames_are_not_read(self):
        # Where a weight is 1, the plan names the same frame twice.
        videos = np.ones((2, 1, 64, 64, 1), "float32")
        videos[1] = np.nan
        zeros = np.zeros((2, 1), "int32")
        plan = {"clip_1": zeros, "frame_1": zeros, "clip_2": zeros}
        plan |= {"frame_2": zeros, "move": None}
        plan["weight"] = np.array([[[1.0]], [[0.0]]], "float32")
        output = run(keras.ops.convert_to_tensor(videos), plan)
        np.testing.assert_array_equal(to_numpy(output), 1)

    @parameterized.product(
        shape=SHAPES, name=("copy", "frames", "columns", "move")
    )
    def test_gradients(self, shape, name):
        rng = np.random.default_rng(1)
        videos, gradient = rng.normal(size=(2, *shape)).astype("float32")
        plan = make_plan(shape, name)
        outputs, (actual,) = gradients(
            lambda x: run(x, plan),
            [keras.ops.convert_to_tensor(videos)],
            keras.ops.convert_to_tensor(gradient),
        )
        np.testing.assert_allclose(
            to_numpy(outputs), mix(videos, plan), atol=1e-5
        )
        # The operation is linear: its derivative along any direction is itself.
        direction = rng.normal(size=shape).astype("float32")
        expected = (mix(direction, plan) * gradient).sum()
        self.assertAlmostEqual(
            (to_numpy(actual).astype("float64") * direction).sum() / 1e3,
            expected / 1e3,
            places=5,
        )
