r"""Runs the whole job on generated videos, in minutes, without a GPU.

    make demo

or, with a backend and a folder of your choice,

    KERAS_BACKEND=tensorflow python recipes/demo.py --workdir=demo_output

It generates videos, warms a small X3D up on classification, goes on with
detection pretraining and, for as many steps, with classification pretraining,
fine-tunes both with new heads, evaluates both, detects activities in one video,
and draws what happened into WORKDIR/index.html. Every stage is one of the
other recipes, as it would be run on real data. A second call goes on where the
first one stopped.
"""

import csv
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import keras
import numpy as np
from absl import app
from absl import flags

from ssdet_keras import data
from ssdet_keras import visualization

_WORKDIR = flags.DEFINE_string("workdir", "demo_output", "Folder to write.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of weights and clips.", 0)
_SCALE = flags.DEFINE_float(
    "scale",
    1,
    "Factor on the numbers of videos and steps. Less than 1 is quicker, and "
    "shows less.",
    0.01,
    100,
)

_RECIPES = pathlib.Path(__file__).resolve().parent
_CLIPS = ["--size=48", "--num_workers=1"]
# Motions last longer than 16 frames at the paper's stride of 10.
_CLIPS += ["--frame_stride=5", "--min_crop=0.9", "--max_crop=1"]
_CLIPS += ["--cache_gib=3"]
_MODEL = ["--width=0.5", "--depth=0.2", "--initialization=motion"]
# Those that a model this small can learn in minutes.
_MOTIONS = (
    "shaking sideways,shaking up and down,circling,spinning,rocking,pulsing,"
    "growing,shrinking,stretching sideways,stretching up and down,"
    "leaning left and right,blinking"
)
_TRAINING = ["--optimizer=adamw", "--schedule=cosine", "--dropout=0.2"]
_ARMS = {
    "classification": "Classification",
    "detection": "Detection (joint, single)",
}


@dataclasses.dataclass
class Stage:
    """One step of the demo: a recipe, and the file that it ends with."""

    title: str
    command: list
    result: pathlib.Path


def scaled(number, least=1):
    return max(least, round(number * _SCALE.value))


def make_stages(root, run):
    """Returns the stages, in their order, up to evaluation."""
    charades = root / "data" / "charades"
    stages = [
        Stage(
            "Generate videos",
            [
                "generate_dataset.py",
                f"--output_dir={root / 'data'}",
                f"--motions={_MOTIONS}",
                f"--num_kinetics_train={scaled(800, 16)}",
                f"--num_kinetics_val={scaled(96, 16)}",
                f"--num_charades_train={scaled(64, 8)}",
                f"--num_charades_test={scaled(64, 4)}",
            ],
            charades / "settings.json",
        ),
        make_pretraining(
            "Warm up on classification",
            root,
            run / "warm_up",
            500,
            ["--task=classification", *_MODEL],
        ),
    ]
    for task, title in _ARMS.items():
        stages.append(
            make_pretraining(
                f"Pretrain: {title}",
                root,
                run / f"pretrain_{task}",
                350,
                [
                    f"--task={task}",
                    "--augmentation=joint_single",
                    "--augmentation_rate=0.5",
                    f"--initial_model={run / 'warm_up' / 'model.keras'}",
                ],
            )
        )
    for task, title in _ARMS.items():
        stages.append(
            make_finetuning(f"Fine-tune: {title}", charades, run, task)
        )
    for task, title in _ARMS.items():
        model = run / f"finetune_{task}" / "model.keras"
        stages.append(
            Stage(
                f"Evaluate: {title}",
                [
                    "evaluate.py",
                    f"--model={model}",
                    f"--annotations={charades / 'Charades_v1_test.csv'}",
                    f"--video_root={charades / 'Charades_v1_480'}",
                    "--window=64",
                ],
                model.with_name("results.json"),
            )
        )
    return stages


def make_pretraining(title, root, workdir, num_steps, flags_of_task):
    kinetics = root / "data" / "kinetics"
    command = [
        "pretrain_kinetics.py",
        f"--annotations={kinetics / 'train.csv'}",
        f"--validation_annotations={kinetics / 'val.csv'}",
        f"--video_root={kinetics / 'videos'}",
        f"--class_names={kinetics / 'classes.txt'}",
        f"--workdir={workdir}",
        *flags_of_task,
        f"--steps={scaled(num_steps)}",
        "--steps_per_epoch=50",
        f"--warmup_steps={scaled(num_steps // 10)}",
        "--batch_size=16",
        "--learning_rate=0.004",
        "--backbone_factor=1",
        f"--seed={_SEED.value}",
        *_CLIPS,
        *_TRAINING,
    ]
    return Stage(title, command, workdir / "model.json")


def make_finetuning(title, charades, run, task):
    workdir = run / f"finetune_{task}"
    command = [
        "finetune_charades.py",
        f"--annotations={charades / 'Charades_v1_train.csv'}",
        f"--video_root={charades / 'Charades_v1_480'}",
        f"--class_names={charades / 'Charades_v1_classes.txt'}",
        f"--workdir={workdir}",
        f"--initial_model={run / f'pretrain_{task}' / 'model.keras'}",
        "--num_frames=32",
        "--batch_size=8",
        f"--epochs={scaled(16)}",
        f"--warmup_epochs={scaled(2)}",
        "--learning_rate=0.004",
        "--backbone_factor=0.25",
        f"--seed={_SEED.value}",
        *_CLIPS,
        *_TRAINING,
    ]
    return Stage(title, command, workdir / "model.json")


def make_last_stages(root, run):
    """Returns the stages that show single videos."""
    charades = root / "data" / "charades"
    videos = charades / "Charades_v1_480"
    test = data.read_charades(
        charades / "Charades_v1_test.csv",
        videos,
        class_names=charades / "Charades_v1_classes.txt",
    )
    shown = test[0]
    kinetics = data.read_kinetics(
        root / "data" / "kinetics" / "val.csv",
        root / "data" / "kinetics" / "videos",
    )
    pair = kinetics[:2]
    names = [kinetics.class_names[r.segments[0][0]] for r in pair]
    return [
        Stage(
            "Detect activities in a video",
            [
                "detect.py",
                f"--model={run / 'finetune_detection' / 'model.keras'}",
                f"--output_dir={run / 'detections'}",
                f"--charades_annotations={charades / 'Charades_v1_test.csv'}",
                "--window=64",
                str(shown.path),
            ],
            run / "detections" / f"{shown.id}.png",
        ),
        Stage(
            "Draw the augmentations",
            [
                "preview_augmentations.py",
                f"--output={run / 'augmentations.png'}",
                f"--names={','.join(names)}",
                *(str(record.path) for record in pair),
            ],
            run / "augmentations.png",
        ),
    ]


def run_stage(stage, name):
    """Runs a stage, unless its result is there. Returns its seconds."""
    times_path = stage.result.with_suffix(".seconds")
    if stage.result.exists() and times_path.exists():
        print(f"{name} {stage.title}: done before", flush=True)  # noqa: T201
        return float(times_path.read_text())
    print(f"{name} {stage.title}", flush=True)  # noqa: T201
    for flag in stage.command:
        if flag.startswith("--workdir="):
            # What an interrupted call left is not resumed but done again.
            shutil.rmtree(flag.removeprefix("--workdir="), ignore_errors=True)
    start = time.monotonic()
    script = _RECIPES / stage.command[0]
    subprocess.run(
        [sys.executable, str(script), *stage.command[1:]],
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    seconds = time.monotonic() - start
    times_path.write_text(f"{seconds:.1f}")
    return seconds


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def read_log(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {key: [row[key] for row in rows] for key in rows[0]}


def measure_chance(root):
    """Returns the share of positive labels, the mAP of random scores."""
    charades = root / "data" / "charades"
    records = data.read_charades(
        charades / "Charades_v1_test.csv",
        charades / "Charades_v1_480",
        class_names=charades / "Charades_v1_classes.txt",
    )
    num_classes = len(records.class_names)
    labels = [
        data.labels_at(r, np.arange(0, r.duration, 0.1), num_classes)
        for r in records
    ]
    return float(np.concatenate(labels).mean())


def write_report(root, run, stages, seconds):
    """Writes index.html."""
    results = {
        task: read_json(run / f"finetune_{task}" / "results.json")
        for task in _ARMS
    }
    descriptions = {
        task: read_json(run / f"pretrain_{task}" / "model.json")
        for task in _ARMS
    }
    accuracies = [
        f"{100 * descriptions[task]['clip_accuracy']:.1f}" for task in _ARMS
    ]
    scores = [
        [f"{name} mAP, %"]
        + [f"{100 * results[task][name]['mean']:.1f}" for task in _ARMS]
        for name in results["detection"]
    ]
    scores.append(["clip accuracy before fine-tuning, %", *accuracies])
    difference = 100 * (
        results["detection"]["per_frame"]["mean"]
        - results["classification"]["per_frame"]["mean"]
    )
    for step in ("pretrain", "finetune"):
        visualization.draw_training_curves(
            run / f"{step}_loss.png",
            {
                title: read_log(run / f"{step}_{task}" / "log.csv")
                for task, title in _ARMS.items()
            },
        )
    detect, draw = stages[-2:]
    timing = [
        [stage.title, f"{value:.0f}"]
        for stage, value in zip(stages, seconds, strict=True)
    ]
    timing.append(["All", f"{sum(seconds):.0f}"])
    visualization.write_page(
        root / "index.html",
        "ssdet_keras demo",
        [
            (
                "paragraph",
                "A small X3D learned to tell which of "
                f"{len(descriptions['detection']['class_names'])} motions "
                "happen in every frame of generated videos: once after "
                "pretraining for detection, with volume augmentations, and "
                "once after pretraining for classification, from the same "
                "warm start and with the same number of steps. "
                f"Backend: {keras.config.backend()}. Seed: {_SEED.value}.",
            ),
            ("heading", "Results on the test videos"),
            (
                "table",
                ["after pretraining for", *(t.lower() for t in _ARMS.values())],
                scores,
            ),
            (
                "paragraph",
                f"Detection pretraining changed the per-frame mAP by "
                f"{difference:+.1f} points. Random scores have about "
                f"{100 * measure_chance(root):.1f} %. This is one seed of a "
                "small model on generated videos: differences of a few points "
                "between seeds are usual.",
            ),
            ("heading", "Detections in one test video"),
            (
                "picture",
                detect.result,
                f"Video {detect.result.stem}: scores of the detector, and "
                "what is annotated.",
            ),
            ("heading", "Volume augmentations"),
            (
                "picture",
                draw.result,
                "Clips after each augmentation, over the labels of their "
                "frames, as in Figure 3 of the paper.",
            ),
            ("heading", "Training"),
            (
                "picture",
                run / "pretrain_loss.png",
                "Loss of pretraining. The two tasks have different losses: "
                "their levels can't be compared.",
            ),
            ("picture", run / "finetune_loss.png", "Loss of fine-tuning."),
            ("heading", "Time"),
            ("table", ["Stage", "Seconds"], timing),
            ("heading", "Commands"),
            (
                "paragraph",
                "Each stage is a recipe, which you can run on your own data.",
            ),
            (
                "code",
                "\n\n".join(
                    " \\\n    ".join(
                        ["python recipes/" + s.command[0], *s.command[1:]]
                    )
                    for s in stages
                ),
            ),
        ],
    )
    return difference


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    root = pathlib.Path(_WORKDIR.value)
    run = root / f"{keras.config.backend()}_seed{_SEED.value}"
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise app.UsageError(f"--workdir can't be made: {error}") from error
    stages = make_stages(root, run)
    num_stages = len(stages) + 2
    seconds = []
    try:
        for make in (lambda: stages, lambda: make_last_stages(root, run)):
            for stage in make():
                name = f"[{len(seconds) + 1}/{num_stages}]"
                seconds.append(run_stage(stage, name))
    except subprocess.CalledProcessError as error:
        sys.exit(f"A stage failed; see above. Exit status {error.returncode}.")
    stages += make_last_stages(root, run)
    difference = write_report(root, run, stages, seconds)
    print(  # noqa: T201
        f"Detection pretraining changed the per-frame mAP by {difference:+.1f} "
        f"points.\nLook at {root / 'index.html'}",
        flush=True,
    )


if __name__ == "__main__":
    app.run(main)
