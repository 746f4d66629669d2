"""The videos of the benchmark of the loaders."""

import cv2
import numpy as np

from ssdet_keras import data
from ssdet_keras.data import frame_writers

SECONDS = 10
_HEIGHT, _WIDTH = 256, 340
_NUM_VIDEOS = 8


def make_frames(seed, fps):
    """Returns frames that pan over a texture, with some noise."""
    rng = np.random.default_rng(seed)
    texture = np.zeros((3 * _HEIGHT, 3 * _WIDTH, 3), "float32")
    for scale in (8, 32, 128):
        coarse = rng.normal(size=(scale, scale, 3)).astype("float32")
        texture += cv2.resize(coarse, texture.shape[1::-1]) / scale**0.2
    texture = (128 + 50 * texture).clip(0, 255).astype("uint8")
    phase, speed = rng.uniform(0, 6, 2), rng.uniform(0.5, 1.5, 2)
    frames = []
    for t in range(SECONDS * fps):
        place = 0.5 + 0.5 * np.sin(phase + speed * t / fps)
        top, left = (place * (2 * _HEIGHT, 2 * _WIDTH)).astype(int)
        frame = texture[top : top + _HEIGHT, left : left + _WIDTH]
        noise = rng.integers(-3, 4, frame.shape, "int16")
        frames.append((frame + noise).clip(0, 255).astype("uint8"))
    return np.stack(frames)


def make_records(folder, fps):
    """Writes the videos and returns their records."""
    records = []
    for seed in range(_NUM_VIDEOS):
        path = str(folder / f"{seed}.mp4")
        # The key frames of x264, unless told otherwise, are 250 frames apart.
        with (
            frame_writers.FFmpegWriter(path, fps, _HEIGHT, _WIDTH, 250)
            if frame_writers.has_ffmpeg()
            else frame_writers.OpenCVWriter(path, fps, _HEIGHT, _WIDTH)
        ) as writer:
            writer.write(make_frames(seed, fps))
        records.append(
            data.VideoRecord(str(seed), path, segments=((0, 0.0, 10.0),))
        )
    return records
