"""Writers of frames: mp4 files and folders of JPEG files.

They are context managers, whose `write()` appends frames: uint8, RGB, shape
`(T, height, width, 3)`. What they write is complete when they are left without
an error.
"""

import fractions
import functools
import os
import shutil
import subprocess

from ssdet_keras.data.folder_frames import FPS_FILE


class FFmpegWriter:
    """Writes an H.264 file with the program ffmpeg.

    Args:
        path: String. The file.
        fps: Float. Frames per second.
        height: Integer, even.
        width: Integer, even.
        key_frame_interval: Integer. Frames from one key frame to the next.
        encoder: `"libx264"`, or `"libx264rgb"`, which keeps the resolution of
            the colours, and is not played by all players.

    Raises:
        OSError: If the program fails.
    """

    def __init__(
        self,
        path,
        fps,
        height,
        width,
        key_frame_interval,
        encoder="libx264",
    ):
        # 29.97 frames per second are 30000 / 1001.
        rate = fractions.Fraction(fps).limit_denominator(1001)
        # fmt: off
        command = [
            "ffmpeg", "-v", "error", "-nostdin", "-y",
            "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
            "-r", f"{rate}", "-i", "pipe:0",
            # Videos are encoded beside each other: one thread for each.
            "-threads", "1", "-c:v", encoder, "-preset", "fast", "-crf", "20",
            "-pix_fmt", "yuv420p" if encoder == "libx264" else "rgb24",
            # A key frame at every interval, and at no scene cut between.
            "-g", str(key_frame_interval), "-sc_threshold", "0",
            "-movflags", "+faststart", path,
        ]
        # fmt: on
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def __enter__(self):
        return self

    def write(self, frames):
        """Appends frames."""
        self._process.stdin.write(frames.tobytes())

    def __exit__(self, error_class, *error):
        # The program has failed by itself if it takes no more frames.
        is_ours = error_class not in (None, BrokenPipeError)
        if is_ours:
            self._process.kill()
        _, messages = self._process.communicate()
        if self._process.returncode and not is_ours:
            lines = messages.decode(errors="replace").strip().splitlines()
            raise OSError(f"ffmpeg failed: {(lines or ['no message'])[-1]}")


class OpenCVWriter:
    """Writes a video file with OpenCV, MPEG-4 with a key frame every 12 frames.

    Args:
        path: String. The file.
        fps: Float. Frames per second.
        height: Integer, even.
        width: Integer, even.
        codec: String of four characters. Defaults to MPEG-4.

    Raises:
        OSError: If OpenCV can't write it.
    """

    def __init__(self, path, fps, height, width, codec="mp4v"):
        import cv2

        codec = cv2.VideoWriter.fourcc(*codec)
        self._writer = cv2.VideoWriter(path, codec, fps, (width, height))
        if not self._writer.isOpened():
            raise OSError(f"OpenCV cannot write {path}")

    def __enter__(self):
        return self

    def write(self, frames):
        """Appends frames."""
        for frame in frames:
            self._writer.write(frame[:, :, ::-1].copy())

    def __exit__(self, *error):
        self._writer.release()


class FolderWriter:
    """Writes JPEG files `ID/ID-000001.jpg`, and the frame rate to `fps.txt`.

    Args:
        path: String. The folder, which is made.
        fps: Float. Frames per second.
    """

    def __init__(self, path, fps):
        os.makedirs(path)
        self._path = path
        self._num_frames = 0
        with open(os.path.join(path, FPS_FILE), "w") as file:
            file.write(f"{fps!r}\n")

    def __enter__(self):
        return self

    def write(self, frames):
        """Appends frames."""
        import cv2

        stem = os.path.basename(self._path)
        for frame in frames:
            self._num_frames += 1
            name = f"{stem}-{self._num_frames:06d}.jpg"
            _, data = cv2.imencode(
                ".jpg", frame[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95]
            )
            data.tofile(os.path.join(self._path, name))

    def __exit__(self, *error):
        """Does nothing: the files are complete."""


def open_mp4_writer(path, fps, height, width, key_frame_interval):
    """Returns a writer of an mp4 file: H.264 by ffmpeg, else MPEG-4.

    The interval of key frames is that of H.264 alone.
    """
    if has_ffmpeg():
        return FFmpegWriter(path, fps, height, width, key_frame_interval)
    return OpenCVWriter(path, fps, height, width)


def open_mkv_writer(path, fps, height, width):
    """Returns a writer of an mkv file whose colours are kept apart.

    H.264 by ffmpeg, with a key frame every 16 frames, or else FFV1, without
    any loss.
    """
    encoder = "libx264rgb"
    if has_ffmpeg(encoder):
        return FFmpegWriter(path, fps, height, width, 16, encoder)
    return OpenCVWriter(path, fps, height, width, codec="FFV1")


@functools.cache
def has_ffmpeg(encoder="libx264"):
    """Tells whether the program ffmpeg is there, with an encoder."""
    if shutil.which("ffmpeg") is None:
        return False
    result = subprocess.run(
        ["ffmpeg", "-v", "error", "-encoders"],
        capture_output=True,
        text=True,
        check=False,
    )
    return encoder in result.stdout.split()
