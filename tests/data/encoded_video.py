"""Numbered videos in formats that OpenCV does not write, by ffmpeg."""

import os
import shutil
import subprocess
import unittest

from data.numbered_video import number_frame

# x265 wants no less.
HEIGHT, WIDTH = 64, 128


def encode_video(path, num_frames, *options, fps=25):
    """Writes a video whose frames show their numbers.

    Args:
        path: String. Its suffix is the format.
        num_frames: Integer.
        *options: Options of ffmpeg for the output.
        fps: Number of frames per second.
    """
    frames = [
        number_frame(number, HEIGHT, WIDTH).tobytes()
        for number in range(num_frames)
    ]
    source = f"-f rawvideo -pix_fmt bgr24 -s {WIDTH}x{HEIGHT} -r {fps} -i -"
    options = ("-pix_fmt", "yuv420p", *options)
    run_ffmpeg(*source.split(), *options, path, data=b"".join(frames))
    return os.fspath(path)


def run_ffmpeg(*arguments, data=None):
    """Runs ffmpeg. Skips the test where it, or an encoder, is missing."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise unittest.SkipTest("The program ffmpeg is not installed.")
    result = subprocess.run(
        [program, "-y", "-v", "error", *arguments],
        input=data,
        capture_output=True,
    )
    message = result.stderr.decode(errors="replace")
    if "Unknown encoder" in message:
        raise unittest.SkipTest(message.strip())
    if result.returncode:
        raise RuntimeError(message)
