r"""Time and results of the demo, over backends and seeds.

    python benchmarks/demo.py --workdir=demo_output --seeds=0,1,2 \
        --backends=torch,tensorflow

Runs the demo for each, one after the other, on the same generated videos, and
prints two tables in Markdown: the seconds of every stage, and the mean average
precision after both pretrainings with its spread. What was run before is not
run again.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys

from absl import app
from absl import flags

_WORKDIR = flags.DEFINE_string("workdir", "demo_output", "Folder of the demos.")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds.")
_BACKENDS = flags.DEFINE_list(
    "backends", ["torch", "tensorflow"], "Keras backends."
)

_RECIPES = pathlib.Path(__file__).resolve().parents[1] / "recipes"
# Files of seconds, by stage.
_STAGES = {
    "generate videos": ["data/charades/settings"],
    "warm up": ["{run}/warm_up/model"],
    "pretrain, classification": ["{run}/pretrain_classification/model"],
    "pretrain, detection": ["{run}/pretrain_detection/model"],
    "fine-tune both": ["{run}/finetune_*/model"],
    "evaluate both": ["{run}/finetune_*/results"],
    "detect, draw": ["{run}/detections/*", "{run}/augmentations"],
}
_STAGES["all"] = [path for paths in _STAGES.values() for path in paths]
TASKS = ("classification", "detection")
PROTOCOLS = ("charades_official", "per_frame")


def run_recipe(backend, name, *arguments):
    subprocess.run(
        [sys.executable, str(_RECIPES / name), *map(str, arguments)],
        check=True,
        env={**os.environ, "KERAS_BACKEND": backend},
    )


def run_demo(backend, seed):
    """Runs the demo and returns the folder of the run."""
    run_recipe(
        backend, "demo.py", f"--workdir={_WORKDIR.value}", f"--seed={seed}"
    )
    return pathlib.Path(_WORKDIR.value) / f"{backend}_seed{seed}"


def read_mean(folder, protocol):
    """Returns the mean average precision of an evaluation, in %."""
    results = json.loads((folder / "results.json").read_text())
    return 100 * results[protocol]["mean"]


def describe(values):
    """Returns the mean of the runs, and of several their deviation."""
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"


def describe_pair(first, second):
    """Describes the means of two groups of runs, and their differences."""
    differences = [y - x for x, y in zip(first, second, strict=True)]
    return map(describe, (first, second, differences))


def print_row(*cells):
    print("| " + " | ".join(cells) + " |")


def read_seconds(run, patterns):
    """Returns the seconds of a run that files of some names hold."""
    return sum(
        float(path.read_text())
        for pattern in patterns
        for path in run.parent.glob(f"{pattern}.seconds".format(run=run.name))
    )


def print_times(runs):
    print_row("stage, s", *runs)
    print_row("---", *["---:"] * len(runs))
    for stage, patterns in _STAGES.items():
        seconds = [
            statistics.median(
                read_seconds(folder, patterns) for folder in group
            )
            for group in runs.values()
        ]
        print_row(stage, *(f"{value:.0f}" for value in seconds))


def print_results(runs):
    print_row(
        "backend", "protocol", "classification", "detection", "difference"
    )
    print_row("---", "---", "---:", "---:", "---:")
    for backend, folders in runs.items():
        for protocol in PROTOCOLS:
            means = {
                task: [
                    read_mean(folder / f"finetune_{task}", protocol)
                    for folder in folders
                ]
                for task in TASKS
            }
            print_row(backend, protocol, *describe_pair(*means.values()))


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    runs = {
        backend: [run_demo(backend, seed) for seed in _SEEDS.value]
        for backend in _BACKENDS.value
    }
    print()
    print_times(runs)
    print()
    print_results(runs)


if __name__ == "__main__":
    app.run(main)
