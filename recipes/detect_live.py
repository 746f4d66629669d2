r"""Detects activities live: in a camera, a network stream, or a played file.

    python recipes/detect_live.py --model=runs/joint_charades/model.keras \
        --source=0

--source is the number of a camera, a video file, which is played at its own
speed, or an URL such as rtsp://user:password@192.168.1.20/stream. Every --hop
seconds the newest frames are scored, and a line tells the activities with the
highest scores:

      time  latency  activities
     1.0 s   0.09 s  Sitting in a chair 0.83, Holding a book 0.41, ...

Latency is the age of the newest frame when its scores are printed. It does not
grow where the model is slower than the stream: there are fewer lines, and
frames are dropped, which the summary at the end counts. Press Ctrl-C to end.

The exit status is 0 after Ctrl-C, or at the end of a file, and 1 if a stream
ends or stalls, or a flag is wrong.
"""

import contextlib
import csv
import os
import sys

import keras
import numpy as np
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import visualization
from ssdet_keras.recipes import trained_detector

flags.adopt_module_key_flags(trained_detector)  # For --help.

# Stream.
_SOURCE = flags.DEFINE_string(
    "source", None, "Number of a camera, video file, or URL.", required=True
)
_TIMEOUT = flags.DEFINE_float(
    "timeout", 5, "Seconds without a frame after which it ends.", 0.1
)
_HOP = flags.DEFINE_float("hop", 1, "Seconds between updates, at least.", 0)

# Model.
_WINDOW = flags.DEFINE_integer(
    "window",
    None,
    "Frames that the model sees at once. Default: those of a training clip.",
    2,
)

# Output.
_TOP = flags.DEFINE_integer("top", 3, "Activities to show.", 1)
_OUTPUT = flags.DEFINE_string(
    "output", None, "CSV file of the scores of all classes at each update."
)
_DISPLAY = flags.DEFINE_bool(
    "display", False, "Show what the model sees in a window. Q closes it."
)
_DISPLAY_SIZE = 720


class LiveDetector(trained_detector.TrainedDetector):
    """A trained detector, which is used on windows of a stream.

    Attributes:
        window: Integer. Frames that the model sees at once.
    """

    def __init__(self):
        super().__init__()
        self.window = _WINDOW.value or self.description.get("num_frames", 16)

    def warm_up(self):
        """Scores an empty window: the first call takes longer, it compiles."""
        size = self.frames["size"]
        shape = (1, self.window, size, size, 3)
        self.model.predict_on_batch(np.zeros(shape, "uint8"))

    def score(self, window):
        """Returns the mean scores of the new frames of a `data.LiveWindow`."""
        logits = self.model.predict_on_batch(window.frames[None])[0]
        scores = keras.ops.convert_to_numpy(
            keras.ops.sigmoid(np.asarray(logits, "float32"))
        )
        return scores[-window.num_new :].mean(0)


def open_capture(detector):
    source = _SOURCE.value
    try:
        return data.LiveCapture(
            int(source) if source.isdecimal() else source,
            hop=_HOP.value,
            timeout=_TIMEOUT.value,
            window=detector.window,
            **detector.frames,
        )
    except data.VideoReadError as error:
        raise app.UsageError(
            f"--source can't be opened: {error.path} ({error.reason})"
        ) from error
    except ValueError as error:
        # A camera may not tell its frame rate.
        raise app.UsageError(f"Set --frame_rate: {error}") from error


@contextlib.contextmanager
def open_output(class_names):
    """Yields a function that writes an update to --output, if there is one."""
    if _OUTPUT.value is None:
        yield lambda time, latency, scores: None
        return
    with contextlib.ExitStack() as stack:
        try:
            # Line by line, so that it can be followed, and nothing is lost.
            file = stack.enter_context(
                open(_OUTPUT.value, "w", 1, encoding="utf-8", newline="")
            )
        except OSError as error:
            raise app.UsageError(
                f"--output can't be written: {error}"
            ) from error
        writer = csv.writer(file)
        writer.writerow(["time_s", "latency_s", *class_names])
        yield lambda time, latency, scores: writer.writerow(
            [f"{time:.3f}", f"{latency:.3f}", *(f"{x:.4f}" for x in scores)]
        )


def check_display():
    # Without one, the window system would end the process.
    has_display = sys.platform != "linux" or (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if _DISPLAY.value and not has_display:
        raise app.UsageError("--display needs a display, and there is none.")


def show(frame, names, scores):
    """Shows the newest frame. Returns whether to go on."""
    import cv2

    frame = cv2.resize(frame, (_DISPLAY_SIZE, _DISPLAY_SIZE))
    picture = visualization.draw_overlay(frame, names, scores)
    cv2.imshow("detect_live", picture[:, :, ::-1])
    return cv2.waitKey(1) & 0xFF not in (ord("q"), ord("Q"))


def detect(detector, capture, write, latencies):
    """Prints an update for each window, and appends its latency in seconds."""
    sys.stdout.write("   time  latency  activities\n")
    for window in capture:
        scores = detector.score(window)
        top = np.argsort(-scores, kind="stable")[: _TOP.value]
        names = [detector.class_names[index] for index in top]
        time = window.times[-1]
        latency = capture.time - time
        latencies.append(latency)
        activities = ", ".join(
            f"{name} {score:.2f}"
            for name, score in zip(names, scores[top], strict=True)
        )
        sys.stdout.write(f"{time:5.1f} s {latency:6.2f} s  {activities}\n")
        sys.stdout.flush()
        write(time, latency, scores)
        if _DISPLAY.value and not show(window.frames[-1], names, scores[top]):
            break


def summarize(capture, seconds, latencies):
    sys.stdout.write(
        f"\n{len(latencies)} updates in {seconds:.1f} s, "
        f"{len(latencies) / seconds:.2f} per second\n"
    )
    if latencies:
        median, high = np.percentile(latencies, [50, 95])
        sys.stdout.write(
            f"latency: {median:.2f} s median, {high:.2f} s 95th percentile\n"
        )
    sys.stdout.write(
        f"frames: {capture.num_captured} captured, {capture.num_sampled} for "
        f"windows, {capture.num_dropped} of these dropped\n"
    )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    check_display()
    detector = LiveDetector()
    detector.warm_up()
    capture = open_capture(detector)
    logging.info(
        "A window has %d frames, one every %.3f s.",
        detector.window,
        capture.interval,
    )
    latencies, failure = [], None
    with open_output(detector.class_names) as write, capture:
        try:
            detect(detector, capture, write, latencies)
        except KeyboardInterrupt:
            logging.info("Interrupted.")
        except data.VideoReadError as error:
            failure = f"{error.path}: {error.reason}"
        summarize(capture, capture.time, latencies)
    if failure:
        raise SystemExit(failure)


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
