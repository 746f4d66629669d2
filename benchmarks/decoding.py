r"""Speed and exactness of the readers of video files.

    pip install --no-deps av
    python benchmarks/decoding.py

The videos are made with ffmpeg: H.264 with its defaults (B-frames, a key frame
every 250 frames), 340 x 256, 25 frames per second, 10 seconds and 10 minutes.
Every frame carries its number. A clip is 16 frames at a stride of 5, resized to
224 x 224, of a file that is opened for it, with one thread. Times are in
milliseconds, medians of rounds in which every reader runs once.

- "all frames": the 250 frames of the short video, not resized.
- "clip": at a random place of the short video.
- "far clip": in the last minute of the long video.
- "far clip, new": the same of a file that was not read before.

The last two columns are the frames of 20 clips that are those which were asked
for, in a video of constant and one of variable frame rate. "one by one" is
OpenCV passing over all frames from the start, and "POS_FRAMES" its own seeking.
PyAV is left out where it is not installed.
"""

import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile

import cv2
import numpy as np
import timing
from absl import app
from absl import flags

from ssdet_keras import data

_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", lower_bound=2)
_MINUTES = flags.DEFINE_float("minutes", 10, "Of the long video.")
_HEIGHT, _WIDTH, _FPS = 256, 340, 25
_CLIP = 5 * np.arange(16)
_SIZE = (224, 224)
_BITS = 16
_VARIABLE = "settb=1/1000,setpts=40*N+9*mod(N\\,5)+1600*gt(N\\,60)"


def make_frames(num_frames):
    """Yields a moving texture, with the number of each frame in a strip."""
    noise = np.random.default_rng(0).integers(256, size=(80, 80, 3))
    texture = cv2.resize(noise.astype("uint8"), (800, 800))
    for number in range(num_frames):
        top, left = number % 400, (number * 3) % 400
        frame = texture[top : top + _HEIGHT, left : left + _WIDTH].copy()
        bits = (number >> np.arange(_BITS)) & 1
        strip = np.repeat(bits * 200 + 28, _WIDTH // _BITS)
        frame[-32:] = 0
        frame[-32:, : len(strip)] = strip[None, :, None]
        yield frame


def read_number(frame):
    """Returns the number in a frame, of whatever size."""
    row = frame[-frame.shape[0] // 16].mean(-1)
    width = _WIDTH // _BITS * frame.shape[1] / _WIDTH
    columns = ((np.arange(_BITS) + 0.5) * width).astype(int)
    return int(((row[columns] > 128) << np.arange(_BITS)).sum())


def encode(path, num_frames, *options):
    """Writes a video."""
    source = f"-f rawvideo -pix_fmt bgr24 -s {_WIDTH}x{_HEIGHT} -r {_FPS} -i -"
    command = ["ffmpeg", "-y", "-v", "error", *source.split(), *options]
    command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", path]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        for frame in make_frames(num_frames):
            process.stdin.write(frame.tobytes())
        process.stdin.close()
    if process.returncode:
        raise RuntimeError(f"ffmpeg failed: {' '.join(command)}")


def read_with_capture(path, indices, size, seeks):
    """Reads frames with OpenCV alone."""
    options = [cv2.CAP_PROP_N_THREADS, 1]
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, options)
    position = 0
    if seeks:
        position = int(indices[0])
        capture.set(cv2.CAP_PROP_POS_FRAMES, position)
    frames = []
    for index in indices:
        while position <= index:
            capture.grab()
            position += 1
        _, frame = capture.retrieve()
        if size is not None:
            frame = cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA)
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    capture.release()
    return np.stack(frames)


def read_with_video_file(path, indices, size, reader):
    """Reads frames with the package."""
    with data.VideoFile(path, reader=reader) as video:
        return video.read(indices, size=size)


def make_readers():
    """Returns a dict of name to function of path, indices and size."""
    readers = {
        "OpenCV, one by one": functools.partial(read_with_capture, seeks=False),
        "OpenCV, POS_FRAMES": functools.partial(read_with_capture, seeks=True),
        "VideoFile, opencv": functools.partial(
            read_with_video_file, reader="opencv"
        ),
    }
    if importlib.util.find_spec("av"):
        readers["VideoFile, pyav"] = functools.partial(
            read_with_video_file, reader="pyav"
        )
    return readers


def measure(readers, run):
    """Returns the milliseconds of each reader."""
    contenders = {
        name: (functools.partial(run, read), 1)
        for name, read in readers.items()
    }
    timings = timing.interleave(contenders, _ROUNDS.value)
    return {name: 1e3 * found.seconds for name, found in timings.items()}


def count_exact(read, path, num_frames):
    """Returns the number of frames of 20 clips that are the right ones."""
    generator = np.random.default_rng(0)
    count = 0
    for start in generator.integers(num_frames - _CLIP[-1], size=20):
        frames = read(path, start + _CLIP, _SIZE)
        numbers = [read_number(frame) for frame in frames]
        count += int((numbers == start + _CLIP).sum())
    return count


def print_table(readers, columns, exact):
    """Prints a row for each reader."""
    names = [f"{name}, ms" for name in columns]
    heads = [head for name in names for head in (name, "ratio")]
    print("| reader |", " | ".join([*heads, *exact]), "|")
    print("| --- |" + " ---: |" * (len(heads) + len(exact)))
    first = next(iter(readers))
    for name in readers:
        cells = [
            f"{times[name]:.1f} | {times[name] / times[first]:.2f}"
            for times in columns.values()
        ]
        cells += [f"{counts[name]} of 320" for counts in exact.values()]
        print(f"| {name} |", " | ".join(cells), "|")


def main(argv):
    """Prints the table."""
    del argv
    if shutil.which("ffmpeg") is None:
        raise app.UsageError("The program ffmpeg is needed.")
    cv2.setNumThreads(1)
    readers = make_readers()
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        short = os.path.join(folder, "short.mp4")
        variable = os.path.join(folder, "variable.mp4")
        long = os.path.join(folder, "long.mp4")
        num_long = int(_MINUTES.value * 60 * _FPS)
        encode(short, 250)
        encode(
            variable,
            250,
            *["-vf", _VARIABLE, "-vsync", "passthrough"],
            *["-enc_time_base", "1:1000"],
        )
        encode(long, num_long)
        far = num_long - 60 * _FPS + _CLIP

        def read_clip(read):
            # The place is the same for all readers of a round.
            start = place[0] % (250 - _CLIP[-1])
            place[1] += 1
            if place[1] % len(readers) == 0:
                place[0] = int(generator.integers(1 << 30))
            read(short, start + _CLIP, _SIZE)

        def read_new(read):
            # To the readers, another time of change is another file.
            os.utime(long)
            read(long, far, _SIZE)

        place = [int(generator.integers(1 << 30)), 0]
        columns = {
            "all frames": measure(
                readers, lambda read: read(short, np.arange(250), None)
            ),
            "clip": measure(readers, read_clip),
            "far clip": measure(readers, lambda read: read(long, far, _SIZE)),
            "far clip, new": measure(readers, read_new),
        }
        exact = {
            f"exact, {kind}": {
                name: count_exact(read, path, 250)
                for name, read in readers.items()
            }
            for kind, path in (("constant", short), ("variable", variable))
        }
    print(f"OpenCV {cv2.__version__}, {os.cpu_count()} processors\n")
    print_table(readers, columns, exact)


if __name__ == "__main__":
    app.run(main)
