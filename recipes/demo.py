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

import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import time

import keras
from absl import app
from absl import flags

from ssdet_keras import data
from ssdet_keras.recipes import demo_report

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

_NUM_STAGES = 10
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


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    root = pathlib.Path(_WORKDIR.value)
    run = root / f"{keras.config.backend()}_seed{_SEED.value}"
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise app.UsageError(f"--workdir can't be made: {error}") from error
    stages, seconds = [], []
    try:
        for make in (make_stages, make_last_stages):
            # The last ones show videos that the first ones generate.
            for stage in make(root, run):
                stages.append(stage)
                name = f"[{len(stages)}/{_NUM_STAGES}]"
                seconds.append(run_stage(stage, name))
    except subprocess.CalledProcessError as error:
        sys.exit(f"A stage failed; see above. Exit status {error.returncode}.")
    difference = demo_report.write_report(
        root, run, stages, seconds, _ARMS, _SEED.value
    )
    print(  # noqa: T201
        f"Detection pretraining changed the per-frame mAP by {difference:+.1f} "
        f"points.\nLook at {root / 'index.html'}",
        flush=True,
    )


if __name__ == "__main__":
    app.run(main)
