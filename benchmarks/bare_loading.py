"""The frames of clips by OpenCV alone."""

import multiprocessing
import time
from unittest import mock

import cv2
import numpy as np

from ssdet_keras import data
from ssdet_keras.data.video_file import resize_frame


def plan_clips(source):
    """Returns what `VideoFile` is asked to read for the clips of an epoch."""
    clips = []

    def read(video, indices, size, box, past_end):
        clips.append((video.path, indices.tolist(), size, box))
        return np.zeros((len(indices), *size, 3), "uint8")

    with mock.patch.object(data.VideoFile, "read", read):
        for index in range(len(source)):
            source[index]
    return clips


def read_bare(clips):
    """Reads clips by OpenCV, in one thread."""
    cv2.setNumThreads(0)
    for path, indices, size, (top, left, height, width) in clips:
        capture = cv2.VideoCapture(
            path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]
        )
        position, frames = 0, []
        for index in indices:
            while position <= index:
                capture.grab()
                position += 1
            frame = capture.retrieve()[1]
            frame = frame[top : top + height, left : left + width]
            frame = resize_frame(frame, *size)
            frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        np.stack(frames)


def time_loops(clips, num_processes):
    """Returns the seconds of bare loops that share the clips."""
    loops = [
        multiprocessing.get_context("fork").Process(
            target=read_bare, args=(clips[i::num_processes],)
        )
        for i in range(num_processes)
    ]
    start = time.perf_counter()
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()
    return time.perf_counter() - start
