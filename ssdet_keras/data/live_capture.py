"""Frames of a camera, a stream, or a file that is played."""

import os
import threading
import time

from ssdet_keras.data.frame_ring import FrameRing
from ssdet_keras.data.frame_sampling import FrameSampling
from ssdet_keras.data.geometry import centre_box
from ssdet_keras.data.live_window import LiveWindow
from ssdet_keras.data.resize_frame import resize_frame
from ssdet_keras.data.video_read_error import VideoReadError

_SECONDS_TO_CLOSE = 2.0


class LiveCapture:
    """Windows over a live stream that never lag behind it.

    A thread takes every frame from the source as soon as it comes, and keeps
    the newest ones that a model wants, cropped and resized as those of
    `VideoWindows`. Each step of an iteration gives the window that is the
    newest at that moment, about every `hop` seconds. Where the model takes
    longer, there are fewer windows, and frames may be dropped; what it gets is
    never older than one pass of it.

    All windows have the same shape: before the first one is full, the first
    frame is repeated at its beginning.

    Args:
        source: Integer, the number of a camera; string or path of a video
            file, which is played at its own speed; or an URL that FFmpeg
            reads, such as `rtsp://...`. Or an object with the methods
            `grab()`, `retrieve()`, `get()` and `release()` of
            `cv2.VideoCapture`.
        window: Integer. Frames of a window. Defaults to `16`.
        frame_stride: Integer. Frames of the stream, at the rate that it says
            it has, from one frame of a window to the next. Defaults to `5`,
            unless there is a `frame_rate`.
        frame_rate: Float or `None`. Frames of a window per second, in place
            of `frame_stride`.
        size: Integer. Height and width of the frames. Defaults to `224`.
        crop_scale: Float in `(0, 1]`. Side of the centre crop, as a share of
            the short side. Defaults to `0.875`.
        hop: Float. Seconds from one window to the next, at least. With `0`,
            there is one for every new frame. Defaults to `1.0`.
        timeout: Float. Seconds without a frame after which the stream counts
            as stalled. Defaults to `5.0`.
        clock: Object with the functions `monotonic()` and `sleep()` of the
            module `time`, which is the default.

    Attributes:
        fps: Float. Frames per second that the source says it has; 0 where it
            does not.
        interval: Float. Seconds from one frame of a window to the next.
        num_captured: Integer. Frames that came.
        num_sampled: Integer. Those that were wanted for windows.
        num_dropped: Integer. Those that were wanted, but which no window held,
            as the next one was asked for too late.

    Returns:
        A context manager, and in it an iterable of `LiveWindow`, which ends
        where a file ends. Leaving it closes the source.

    Raises:
        VideoReadError: If the source can't be opened, or from an iteration
            if a stream ends or stalls.
        ValueError: If an argument is out of its range, or if a
            `frame_stride` is given, or none of both, for a source that does
            not tell its frame rate.

    Example:

    ```python
    with ssdet_keras.data.LiveCapture(0, frame_rate=5) as capture:
        for window in capture:
            logits = detector.predict_on_batch(window.frames[None])[0]
            print(logits[-1], capture.time - window.times[-1])
    ```
    """

    def __init__(
        self,
        source,
        window=16,
        frame_stride=None,
        frame_rate=None,
        size=224,
        crop_scale=0.875,
        hop=1.0,
        timeout=5.0,
        clock=time,
    ):
        sampling = FrameSampling(frame_stride, frame_rate)
        _check(window, size, crop_scale, hop, timeout)
        self._size = size
        self._crop_scale = crop_scale
        self._hop = hop
        self._timeout = timeout
        self._clock = clock
        self._name = _name(source)
        self._is_file = isinstance(source, str | os.PathLike) and (
            "://" not in os.fspath(source)
        )
        self._stream = _open(source, self._name, self._is_file, timeout)
        self.fps = _read_fps(self._stream)
        if self._is_file and not self.fps:
            raise VideoReadError(self._name, "it tells no frame rate")
        self.interval = _find_interval(sampling, self.fps, self._name)
        self.num_captured = 0
        self._ring = FrameRing(window, self.interval)
        self._start = None
        # When the first frame of a file would have been shown.
        self._begin = 0.0
        self._error = None
        self._has_ended = False
        self._is_closed = False
        # Guards what both threads use, and tells of what has changed.
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._capture, daemon=True)

    @property
    def num_sampled(self):
        return self._ring.num_sampled

    @property
    def num_dropped(self):
        return self._ring.num_dropped

    @property
    def time(self):
        """Seconds since the capture began."""
        return self._clock.monotonic() - self._start

    def __enter__(self):
        self._start = self._clock.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._is_closed = True
        # A camera that hangs keeps its thread, which ends with the process.
        self._thread.join(_SECONDS_TO_CLOSE)

    def __iter__(self):
        due = 0.0
        while (window := self._wait(due)) is not None:
            yield window
            # Frames come a little early or late.
            due = window.times[-1] + self._hop - self.interval / 2

    def _wait(self, due):
        """Returns the first window whose newest frame is due, or `None`."""
        ring = self._ring
        with self._changed:
            while not (ring.num_unread and ring.newest_time >= due):
                if self._has_ended:
                    break
                if not self._changed.wait(self._timeout):
                    raise VideoReadError(
                        self._name, f"no frame came for {self._timeout:g} s"
                    )
            if ring.num_unread:
                num_new = ring.num_unread
                return LiveWindow(*ring.read(), num_new)
            if self._error is not None:
                raise self._error
            if not self._is_file and not self._is_closed:
                raise VideoReadError(self._name, "the stream ended")
            return None

    def _capture(self):
        """Takes frames until the end. Runs in a thread of its own."""
        try:
            while not self._is_closed and self._stream.grab():
                if self._is_file:
                    self._wait_to_show()
                with self._changed:
                    self._ring.add(self.time, self._read_frame)
                    self.num_captured += 1
                    self._changed.notify_all()
        except Exception as error:
            # Raised again in the thread that iterates.
            self._error = error
        finally:
            self._stream.release()
            with self._changed:
                self._has_ended = True
                self._changed.notify_all()

    def _wait_to_show(self):
        delay = self._begin + self.num_captured / self.fps - self.time
        if delay > 0:
            self._clock.sleep(delay)
        else:
            # Decoded too late: it goes on from here, and does not catch up.
            self._begin -= delay

    def _read_frame(self):
        import cv2

        is_decoded, frame = self._stream.retrieve()
        if not is_decoded:
            return None
        top, left, height, width = centre_box(
            *frame.shape[:2], self._crop_scale
        )
        frame = frame[top : top + height, left : left + width]
        frame = resize_frame(frame, self._size, self._size)
        return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def _check(window, size, crop_scale, hop, timeout):
    for name, value in (("window", window), ("size", size)):
        if value < 1:
            raise ValueError(
                f"`{name}` must be positive. Received: {name}={value}"
            )
    if not 0 < crop_scale <= 1:
        raise ValueError(
            "`crop_scale` must be in the range (0, 1]. "
            f"Received: crop_scale={crop_scale}"
        )
    if not hop >= 0:
        raise ValueError(f"`hop` must not be negative. Received: hop={hop}")
    if not timeout > 0:
        raise ValueError(
            f"`timeout` must be positive. Received: timeout={timeout}"
        )


def _name(source):
    if isinstance(source, int):
        return f"camera {source}"
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return type(source).__name__


def _open(source, name, is_file, timeout):
    """Returns an opened `cv2.VideoCapture`, or an object that is like one."""
    import cv2

    if is_file:
        if not os.path.isfile(source):
            raise VideoReadError(name, "there is no such file")
        stream = cv2.VideoCapture(name, cv2.CAP_FFMPEG)
    elif isinstance(source, str):
        milliseconds = int(1000 * timeout)
        stream = cv2.VideoCapture(
            source,
            cv2.CAP_FFMPEG,
            [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                milliseconds,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                milliseconds,
            ],
        )
    elif isinstance(source, int):
        stream = cv2.VideoCapture(source)
        # Drivers would keep a few frames, the oldest first.
        stream.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    else:
        return source
    if not stream.isOpened():
        raise VideoReadError(name, "it can't be opened")
    return stream


def _read_fps(stream):
    import cv2

    fps = stream.get(cv2.CAP_PROP_FPS)
    # Streams without a frame rate give their time base, or nothing.
    return float(fps) if 0 < fps <= 1000 else 0.0


def _find_interval(sampling, fps, name):
    if sampling.frame_rate is not None:
        return 1 / sampling.frame_rate
    if not fps:
        raise ValueError(
            "`frame_rate` must be given for a source that does not tell its "
            f"own. Received: frame_stride={sampling.frame_stride} for {name}"
        )
    return sampling.frame_stride / fps
