r"""Detectors of two streams beside one, on the videos of the demo.

    python benchmarks/detectors.py --workdir=demo_output --seeds=0,1,2 \
        --backends=torch

Runs the demo for each seed, whose detector after detection pretraining is the
single stream. Then every other detector is fine-tuned from the same pretrained
model in both of its streams, by the same flags, for as many steps, and
evaluated. Prints the mean average precision with its spread over seeds, and the
difference to the single stream of the same seed, in Markdown. What was run
before is not run again.
"""

import demo
from absl import app
from absl import flags

flags.adopt_module_key_flags(demo)  # For --help.

_SINGLE = "detection"
# Folder of a run, title of its row, and flags.
_DETECTORS = {
    _SINGLE: ("X3D", []),
    "slowfast": ("SlowFast", ["--model=slowfast"]),
    "coarse_fine": ("Coarse-Fine, Grid Pool", ["--model=coarse_fine"]),
    **{
        f"coarse_fine_{pooling}": (
            f"Coarse-Fine, {pooling}",
            ["--model=coarse_fine", f"--pooling={pooling}"],
        )
        for pooling in ("stride", "max", "average")
    },
}


def train(backend, run, name, model_flags):
    """Fine-tunes and evaluates a detector beside those of the demo."""
    workdir = run / f"finetune_{name}"
    charades = run.parent / "data" / "charades"
    if not (workdir / "model.keras").exists():
        demo.run_recipe(
            backend,
            "finetune_charades.py",
            f"--flagfile={run / f'finetune_{_SINGLE}' / 'flags.txt'}",
            f"--workdir={workdir}",
            *model_flags,
        )
    if not (workdir / "results.json").exists():
        demo.run_recipe(
            backend,
            "evaluate.py",
            f"--model={workdir / 'model.keras'}",
            f"--annotations={charades / 'Charades_v1_test.csv'}",
            f"--video_root={charades / 'Charades_v1_480'}",
            "--window=64",
        )


def print_results(backend, runs):
    demo.print_row("backend", "detector", *demo.PROTOCOLS, "difference")
    demo.print_row("---", "---", *["---:"] * 3)
    single = None
    for name, (title, _) in _DETECTORS.items():
        means = [
            [demo.read_mean(run / f"finetune_{name}", protocol) for run in runs]
            for protocol in demo.PROTOCOLS
        ]
        # Per frame, the last one.
        single = single or means[-1]
        differences = [x - y for x, y in zip(means[-1], single, strict=True)]
        demo.print_row(
            backend, title, *map(demo.describe, [*means, differences])
        )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    for backend in flags.FLAGS.backends:
        runs = []
        for seed in flags.FLAGS.seeds:
            runs.append(demo.run_demo(backend, seed))
            for name, (_, model_flags) in _DETECTORS.items():
                train(backend, runs[-1], name, model_flags)
        print()
        print_results(backend, runs)


if __name__ == "__main__":
    app.run(main)
