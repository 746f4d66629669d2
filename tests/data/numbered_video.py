"""Videos that carry the number of each frame in the picture."""

import os

import cv2
import numpy as np

HEIGHT, WIDTH = 32, 64


def number_frame(number, height=HEIGHT, width=WIDTH):
    """Returns a frame with ten blocks: the binary digits of a number."""
    bits = [(number >> bit) & 1 for bit in range(10)]
    blocks = np.array(bits, "uint8").reshape(2, 5) * 200 + 30
    frame = cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.repeat(frame[:, :, None], 3, axis=2)


def read_number(frame):
    """Returns the number in a frame."""
    height, width = frame.shape[:2]
    rows = [height // 4, 3 * height // 4]
    columns = [width * (2 * i + 1) // 10 for i in range(5)]
    bits = frame[np.ix_(rows, columns)].mean(-1).ravel() > 128
    return int(sum(1 << i for i in range(10) if bits[i]))


def write_video(path, num_frames, fps=25.0, codec="mp4v", shape=None):
    """Writes a video whose frames show their numbers."""
    height, width = shape or (HEIGHT, WIDTH)
    writer = cv2.VideoWriter(
        os.fspath(path), cv2.VideoWriter_fourcc(*codec), fps, (width, height)
    )
    for number in range(num_frames):
        writer.write(number_frame(number, height, width))
    writer.release()
    return os.fspath(path)


def write_folder(path, num_frames, digits=6):
    """Writes a folder of JPEG frames, numbered from 1."""
    os.makedirs(path)
    stem = os.path.basename(path)
    for number in range(num_frames):
        cv2.imwrite(
            os.path.join(path, f"{stem}-{number + 1:0{digits}d}.jpg"),
            number_frame(number),
        )
    return os.fspath(path)
