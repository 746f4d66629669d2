"""The report of the demo."""

import csv
import json

import keras
import numpy as np

from ssdet_keras import data
from ssdet_keras import visualization


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


def write_report(root, run, stages, seconds, arms, seed):
    """Writes index.html.

    Args:
        root: Folder of the report and the data.
        run: Folder of this run.
        stages: List of the stages, which have a `title`, a `command` and a
            `result`. The last two are the detection and the preview.
        seconds: List of the seconds of each stage.
        arms: Dict of the two pretraining tasks to their titles.
        seed: Integer.

    Returns:
        What detection pretraining changed of the per-frame mAP, in points.
    """
    results = {
        task: read_json(run / f"finetune_{task}" / "results.json")
        for task in arms
    }
    descriptions = {
        task: read_json(run / f"pretrain_{task}" / "model.json")
        for task in arms
    }
    accuracies = [
        f"{100 * descriptions[task]['clip_accuracy']:.1f}" for task in arms
    ]
    scores = [
        [f"{name} mAP, %"]
        + [f"{100 * results[task][name]['mean']:.1f}" for task in arms]
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
                for task, title in arms.items()
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
                f"Backend: {keras.config.backend()}. Seed: {seed}.",
            ),
            ("heading", "Results on the test videos"),
            (
                "table",
                ["after pretraining for", *(t.lower() for t in arms.values())],
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
            (
                "paragraph",
                "To play the video over them, open "
                f"{detect.result.with_suffix('.html').relative_to(root)}.",
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
