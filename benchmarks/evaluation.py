r"""Time and memory of the evaluation, at the sizes of the data sets.

    taskset -c 0 python benchmarks/evaluation.py
    KERAS_BACKEND=torch python benchmarks/evaluation.py --measure=metric

Draws scores and segments at random: 1,863 videos of 25 rows and 157 classes, as
many as the test set of Charades, and 213 videos of 1.3 million frames together
and 65 classes, the size of MultiTHUMOS. Prints tables in Markdown, of medians.

- `protocols`: the seconds of each function, in a process of its own, and the
  resident memory that it needs on top of the scores at its peak, at this and
  half the number of videos.
- `metric`: the milliseconds of a step of `fit` with and without
  `FrameAveragePrecision`, of a model that does almost nothing, with 8 clips of
  16 frames, and of its result at the end of the epoch.

Memory is read from `/proc`, so the script needs Linux.
"""

import collections
import concurrent.futures
import multiprocessing
import time

import keras
import numpy as np
import timing
from absl import app
from absl import flags
from process_memory import forget_peak
from process_memory import read_status

from ssdet_keras import evaluation

_MEASURE = flags.DEFINE_enum(
    "measure", "protocols", ["protocols", "metric"], "What to measure."
)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds.", lower_bound=2)

Record = collections.namedtuple("Record", ["id", "duration", "segments"])

# Videos, rows of each, classes, segments of each, seconds of each, and of a
# segment.
_SIZES = {
    "Charades": (1863, 25, 157, 9, 30.0, 10.0),
    "MultiTHUMOS": (213, 6103, 65, 95, 203.4, 3.3),
}
_CLIPS, _FRAMES, _STEPS = 8, 16, 60


class Records(list):
    """A list of records that names its classes."""


def make_data(size, share):
    """Returns random predictions and annotations."""
    num_videos, num_rows, num_classes, num_segments, duration, mean = size
    rng = np.random.default_rng(0)
    predictions, records = {}, Records()
    records.class_names = [str(index) for index in range(num_classes)]
    for index in range(int(share * num_videos)):
        starts = rng.uniform(0, duration, num_segments)
        ends = starts + rng.exponential(mean, num_segments)
        classes = rng.integers(num_classes, size=num_segments)
        segments = tuple(
            zip(classes.tolist(), starts.tolist(), ends.tolist(), strict=True)
        )
        records.append(Record(f"v{index}", duration, segments))
        predictions[f"v{index}"] = rng.random(
            (num_rows, num_classes), "float32"
        )
    return predictions, records


def measure_here(name, data_set, share):
    """Returns the seconds and bytes of a function, and bytes of the scores."""
    predictions, records = make_data(_SIZES[data_set], share)
    run = getattr(evaluation, name)
    if name == "segment_average_precision":
        predictions = {
            video_id: evaluation.find_segments(
                scores, fps=len(scores) / records[0].duration, threshold=0.95
            )
            for video_id, scores in predictions.items()
        }
        size = sum(map(len, predictions.values()))
    else:
        size = sum(scores.nbytes for scores in predictions.values())
    kept = read_status("VmRSS")
    forget_peak()
    start = time.perf_counter()
    run(predictions, records)
    seconds = time.perf_counter() - start
    return seconds, read_status("VmHWM") - kept, size


def measure(*arguments):
    """Returns the medians of `measure_here`, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    rounds = []
    for _ in range(_ROUNDS.value):
        with concurrent.futures.ProcessPoolExecutor(1, context) as executor:
            task = executor.submit(measure_here, *arguments)
            rounds.append(task.result())
    return np.median(rounds, axis=0)


def print_protocols():
    print(
        "| function | data | scores, MB | seconds | MB on top | scores, MB "
        "| seconds | MB on top |"
    )
    print("| --- | --- |" + " ---: |" * 6)
    for name, data_set in (
        ("charades", "Charades"),
        ("multithumos", "MultiTHUMOS"),
        ("calibration", "MultiTHUMOS"),
        ("action_conditional", "Charades"),
        ("action_conditional", "MultiTHUMOS"),
        ("segment_average_precision", "Charades"),
    ):
        cells = []
        for share in (0.5, 1.0):
            seconds, peak, size = measure(name, data_set, share)
            is_list = name == "segment_average_precision"
            cells += [
                f"{size:,.0f} segments" if is_list else f"{size / 1e6:.0f}",
                f"{seconds:.2f}",
                f"{peak / 1e6:.0f}",
            ]
        print(f"| `{name}` | {data_set} |", " | ".join(cells), "|", flush=True)


def make_fit(num_classes, metrics):
    """Returns a function that trains an epoch, and the clock of its steps."""
    rng = np.random.default_rng(0)
    shape = (_CLIPS, _FRAMES, 8)
    clips = rng.random(shape, "float32")
    labels = (rng.random((*shape[:2], num_classes)) < 0.03).astype("float32")
    model = keras.Sequential(
        [keras.Input(shape[1:]), keras.layers.Dense(num_classes)]
    )
    model.compile("sgd", "mse", metrics=metrics)

    def fit():
        model.fit(
            np.tile(clips, (_STEPS, 1, 1)),
            np.tile(labels, (_STEPS, 1, 1)),
            batch_size=_CLIPS,
            verbose=0,
            callbacks=[clock],
        )

    clock = StepClock()
    return fit, clock


class StepClock(keras.callbacks.Callback):
    """Takes the seconds of a step, without the first and the epoch's end."""

    def on_train_batch_end(self, batch, logs=None):
        # Steps may only have been started, so that all are timed together.
        if batch == 0:
            self.start = time.perf_counter()
        self.seconds = (time.perf_counter() - self.start) / max(batch, 1)


def print_metric():
    print(
        "| capacity | classes | step without, ms | step with, ms "
        "| result of a full epoch, s |"
    )
    print("| ---: |" + " ---: |" * 4)
    for capacity, num_classes in ((46_575, 157), (1_300_000, 65)):
        metric = evaluation.FrameAveragePrecision(capacity)
        steps = []
        for metrics in ([], [metric]):
            fit, clock = make_fit(num_classes, metrics)
            fit()
            fit()
            steps.append(1e3 * clock.seconds)
        rng = np.random.default_rng(0)
        metric.reset_state()
        shape = (1, capacity, num_classes)
        labels = (rng.random(shape, "float32") < 0.03).astype("float32")
        metric.update_state(labels, rng.random(shape, "float32"))
        seconds = timing.measure(metric.result, _ROUNDS.value)
        print(
            f"| {capacity:,} | {num_classes} | {steps[0]:.2f} | {steps[1]:.2f} "
            f"| {seconds:.2f} |",
            flush=True,
        )


def main(argv):
    {"protocols": print_protocols, "metric": print_metric}[_MEASURE.value]()


if __name__ == "__main__":
    app.run(main)
