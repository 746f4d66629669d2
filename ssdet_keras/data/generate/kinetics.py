"""Generated clips of one action, in the format of Kinetics."""

import os

import numpy as np

from ssdet_keras.data.generate import files
from ssdet_keras.data.generate.motions import check_motions
from ssdet_keras.data.generate.scene import Scene

_COLUMNS = ("label", "youtube_id", "time_start", "time_end", "split")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Part of every seed, so that no other data set has the same videos.
_KEY = 400


def generate_kinetics(
    folder,
    num_train=480,
    num_val=64,
    duration=10.0,
    size=64,
    fps=25,
    motions=None,
    seed=0,
    num_processes=1,
    verbose=True,
):
    """Generates clips of one action each, in the format of Kinetics.

    In every clip a textured shape performs one motion from beginning to end,
    sometimes in front of another one that is at rest. Shape, colours, texture,
    place, background and pose are drawn in the same way for all motions, so a
    single frame does not tell the class. Each class has equally many clips.

        folder/kinetics/
            train.csv, val.csv    label,youtube_id,time_start,time_end,split
            classes.txt           one class a line
            videos/train/ID_000012_000022.mp4
            videos/val/...
            settings.json         the arguments, to recognise them again

    What is already there is not generated again, and what was interrupted is
    completed. A video depends on the seed, its split and its number there, but
    neither on the other videos nor on the number of processes.

    Args:
        folder: String. The folder in which `kinetics` is created.
        num_train: Integer. Number of training clips. Defaults to `480`.
        num_val: Integer. Number of validation clips. Defaults to `64`.
        duration: Float. Duration of a clip, in seconds. Defaults to `10.0`.
        size: Integer. Height and width, in pixels. Defaults to `64`.
        fps: Integer. Frames per second. Defaults to `25`.
        motions: Sequence of names from `MOTIONS`, the classes, or `None` for
            all of them. Defaults to `None`.
        seed: Integer. Defaults to `0`.
        num_processes: Integer. Number of processes. With more than one, call
            this from under `if __name__ == "__main__":`. Defaults to `1`.
        verbose: Boolean. Whether to show the progress. Defaults to `True`.

    Returns:
        The path of the folder `kinetics`.

    Raises:
        ValueError: If an argument is out of range, or if the folder holds
            anything else than a data set with the same settings.

    Example:

    ```python
    folder = ssdet_keras.data.generate.generate_kinetics("generated")
    records = ssdet_keras.data.read_kinetics(
        f"{folder}/train.csv",
        f"{folder}/videos",
        class_names=f"{folder}/classes.txt",
    )
    ```
    """
    motions = check_motions(motions)
    files.check_range("num_train", num_train, 1, 10**6)
    files.check_range("num_val", num_val, 0, 10**6)
    files.check_range("duration", duration, 1, 600, float)
    files.check_common_arguments(size, fps, seed, num_processes)
    folder = os.path.join(folder, "kinetics")
    files.open_folder(
        folder,
        {
            "num_train": num_train,
            "num_val": num_val,
            "duration": float(duration),
            "size": size,
            "fps": fps,
            "motions": motions,
            "seed": seed,
        },
    )

    videos, rows = {}, {}
    for split, count in (("train", num_train), ("val", num_val)):
        rows[split] = []
        for index in range(count):
            row, scene = plan_clip(
                split, index, duration, size, fps, motions, seed
            )
            name = f"{row[1]}_{row[2]:06d}_{row[3]:06d}.mp4"
            videos[os.path.join(folder, "videos", split, name)] = scene
            rows[split].append(row)
    files.write_videos(videos, num_processes, verbose)
    files.write_text(
        os.path.join(folder, "classes.txt"),
        "".join(f"{name}\n" for name in motions),
    )
    for split, split_rows in rows.items():
        files.write_table(
            os.path.join(folder, f"{split}.csv"), _COLUMNS, split_rows
        )
    return folder


def plan_clip(split, index, duration, size, fps, motions, seed):
    """Draws one clip.

    Returns:
        Its row of the CSV file, and its `Scene`.
    """
    number = 2 * index + ("train", "val").index(split)
    rng = np.random.default_rng([_KEY, seed, number])
    num_frames = round(duration * fps)
    order = np.random.default_rng(
        # In every run of as many clips as there are classes, each occurs once.
        [_KEY, seed, number % 2, index // len(motions), 2]
    ).permutation(len(motions))
    label = motions[order[index % len(motions)]]
    roles = [
        {
            "actions": [(label, 0, num_frames)],
            "place": rng.uniform(0.44, 0.56, 2),
        }
    ]
    if rng.random() < 0.3:
        roles.insert(0, {"place": rng.uniform(0.15, 0.85, 2)})
    start = int(rng.integers(0, 300))
    video_id = files.encode_id(([_KEY, seed], number), _ALPHABET, 11)
    row = (label, video_id, start, start + -int(-duration // 1), split)
    return row, Scene(roles, size, num_frames, fps, [_KEY, seed, number, 1])
