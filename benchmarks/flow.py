r"""Optical flow: how exact, how fast, and what its files cost.

    python benchmarks/flow.py VIDEO ...

Exactness and speed are those of generated patterns of 256 x 340 pixels, with
and without noise: a texture that is shifted, or turned, or shifted behind a
disk that moves the other way. The endpoint error is the mean length of the
difference, away from the border. Speed is that of one thread.

The error and the size of files are those of the videos that are named: of the
flow that is read, from that which was written, after it was rounded.
"""

import os
import tempfile
import time
from unittest import mock

import cv2
import numpy as np
from absl import app
from absl import flags

from ssdet_keras import data
from ssdet_keras.data.frame_writers import OpenCVWriter

_NUM_FRAMES = flags.DEFINE_integer("num_frames", 20, "Pairs per pattern.", 1)
_HEIGHT, _WIDTH = 256, 340
_BORDER = 24


def make_texture(rng):
    """Returns a periodic texture of details of several sizes."""
    texture = 0
    for sigma in (1.5, 4, 12):
        noise = rng.standard_normal((512, 512))
        layer = cv2.GaussianBlur(np.tile(noise, (3, 3)), (0, 0), sigma)
        layer = layer[512:1024, 512:1024]
        texture = texture + layer / layer.std()
    return (128 + 30 * texture).clip(0, 255).astype("float32")


def sample(texture, x, y):
    """Returns a texture at places, which may be anywhere."""
    return cv2.remap(
        texture,
        (x % 512).astype("float32"),
        (y % 512).astype("float32"),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_WRAP,
    )


def make_pair(pattern, rng):
    """Returns two pictures, and the flow from the first to the second."""
    ground = make_texture(rng)
    y, x = np.mgrid[:_HEIGHT, :_WIDTH].astype("float32")
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 8)
    motion = length * np.array([np.cos(angle), np.sin(angle)], "float32")
    flow = np.broadcast_to(motion, (_HEIGHT, _WIDTH, 2)).copy()
    before = sample(ground, x, y)
    if pattern == "turn":
        turn = rng.uniform(-0.04, 0.04)
        u, v = x - _WIDTH / 2, y - _HEIGHT / 2
        cos, sin = np.cos(turn), np.sin(turn)
        flow = np.stack([u * cos - v * sin - u, u * sin + v * cos - v], axis=-1)
        # The point that is here now was there before.
        after = sample(
            ground,
            u * cos + v * sin + _WIDTH / 2,
            v * cos - u * sin + _HEIGHT / 2,
        )
    else:
        after = sample(ground, x - motion[0], y - motion[1])
    if pattern == "disk":
        disk, other = make_texture(rng), -motion
        u, v = x - _WIDTH / 2, y - _HEIGHT / 2
        is_disk = np.hypot(u, v) < 60
        before = np.where(is_disk, sample(disk, x, y), before)
        is_disk_after = np.hypot(u - other[0], v - other[1]) < 60
        shifted = sample(disk, x - other[0], y - other[1])
        after = np.where(is_disk_after, shifted, after)
        flow[is_disk] = other
    return before, after, flow


def make_estimators():
    """Returns a dict of name to a function of two grey pictures."""
    estimators = {
        "Farneback": lambda a, b: cv2.calcOpticalFlowFarneback(
            a, b, None, 0.5, 3, 15, 3, 5, 1.2, 0
        )
    }
    for name in ("ULTRAFAST", "FAST", "MEDIUM"):
        preset = getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{name}")
        dis = cv2.DISOpticalFlow.create(preset)
        estimators[f"DIS, {name.lower()}"] = lambda a, b, dis=dis: dis.calc(
            a, b, None
        )
    return estimators


def measure_estimators():
    """Prints endpoint errors by pattern, and the speed."""
    cv2.setNumThreads(1)
    columns = [
        (pattern, noise)
        for pattern in ("shift", "turn", "disk")
        for noise in (0, 8)
    ]
    errors, seconds = {}, {}
    for pattern, noise in columns:
        rng = np.random.default_rng(0)
        for _ in range(_NUM_FRAMES.value):
            *pair, expected = make_pair(pattern, rng)
            pair = [
                (p + noise * rng.standard_normal(p.shape)).clip(0, 255)
                for p in pair
            ]
            pair = [np.rint(p).astype("uint8") for p in pair]
            for name, estimate in make_estimators().items():
                start = time.perf_counter()
                flow = estimate(*pair)
                seconds.setdefault(name, []).append(time.perf_counter() - start)
                error = np.linalg.norm(flow - expected, axis=-1)
                error = error[_BORDER:-_BORDER, _BORDER:-_BORDER].mean()
                errors.setdefault((name, pattern, noise), []).append(error)
    print(f"Endpoint error, pixels; {_HEIGHT} x {_WIDTH}; frames per second")
    titles = [p + (", noise" if noise else "") for p, noise in columns]
    print(f"{'':16}" + "".join(f"{t:>14}" for t in titles) + f"{'speed':>8}")
    for name in make_estimators():
        cells = [
            f"{np.mean(errors[name, *column]):14.3f}" for column in columns
        ]
        speed = 1 / np.median(seconds[name])
        print(f"{name:16}" + "".join(cells) + f"{speed:8.0f}")


def measure_files(path):
    """Prints the error and the size of the files of a video."""
    with data.VideoFile(path) as video:
        frames = video.read(range(min(100, video.num_frames)))
    with tempfile.TemporaryDirectory() as folder:
        part = os.path.join(folder, "part.mkv")
        writer = "ssdet_keras.data.frame_writers.has_ffmpeg"
        source = os.path.join(folder, "source.mkv")
        height, width = (side // 2 * 2 for side in frames.shape[1:3])
        with OpenCVWriter(source, 25.0, height, width, codec="FFV1") as file:
            file.write(frames[:, :height, :width])
        expected = None
        for name, has_ffmpeg in (("FFV1", False), ("H.264", True)):
            with mock.patch(writer, return_value=has_ffmpeg):
                start = time.perf_counter()
                data.extract_flow(source, part)
                speed = len(frames) / (time.perf_counter() - start)
            with data.VideoFile(part) as video:
                start = time.perf_counter()
                flow = data.decode_flow(video.read(range(len(frames))))
                reading = len(frames) / (time.perf_counter() - start)
            if expected is None:
                # Without any loss but that of the pictures.
                expected = flow
            error = np.abs(flow - expected)
            print(
                f"{os.path.basename(path):24} {name:6}"
                f"{os.path.getsize(part) / len(frames):14,.0f}"
                f"{error.mean():12.3f}{np.percentile(error, 99):8.3f}"
                f"{speed:10.0f}{reading:8.0f}"
            )


def main(argv):
    measure_estimators()
    if argv[1:]:
        print(f"\n{'':31}bytes per frame  error, px     99%   written    read")
    for path in argv[1:]:
        measure_files(path)


if __name__ == "__main__":
    app.run(main)
