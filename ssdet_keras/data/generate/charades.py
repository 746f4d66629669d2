"""Generated videos of several actions, in the format of Charades."""

import os
import string

import numpy as np

from ssdet_keras.data.generate import files
from ssdet_keras.data.generate.motions import check_distractor_motions
from ssdet_keras.data.generate.motions import check_motions
from ssdet_keras.data.generate.scene import Scene

_COLUMNS = (
    "id",
    "subject",
    "scene",
    "quality",
    "relevance",
    "verified",
    "script",
    "objects",
    "descriptions",
    "actions",
    "length",
)
_ALPHABET = string.digits + string.ascii_uppercase
# Part of every seed, so that no other data set has the same videos.
_KEY = 157

# In seconds.
_ACTION_RANGE = (3.0, 8.0)
_REST_RANGE = (4.0, 12.0)


def generate_charades(
    folder,
    num_train=64,
    num_test=48,
    min_duration=20.0,
    max_duration=40.0,
    size=64,
    fps=25,
    motions=None,
    distractor_motions=(),
    seed=0,
    num_processes=1,
    verbose=True,
):
    """Generates videos of several actions each, in the format of Charades.

    Two or three textured shapes perform motions and rest in turns, each at its
    own times. So actions overlap, return, and leave stretches in which nothing
    happens. In half of the videos another shape, the distractor, drifts through
    the picture and is not annotated. It performs no motion, or those that
    `distractor_motions` names.

        folder/charades/
            Charades_v1_train.csv    the official columns, with actions such
            Charades_v1_test.csv     as c003 0.00 4.36;c011 2.12 9.80
            Charades_v1_classes.txt  c003 Circling clockwise
            Charades_v1_480/ID.mp4
            settings.json            the arguments, to recognise them again

    A frame belongs to an action if and only if `start <= time <= end`, where
    `time` is its number, from zero, over the frames per second.

    What is already there is not generated again, and what was interrupted is
    completed. A video depends on the seed, its split and its number there, but
    neither on the other videos nor on the number of processes.

    Args:
        folder: String. The folder in which `charades` is created.
        num_train: Integer. Number of training videos. Defaults to `64`.
        num_test: Integer. Number of test videos. Defaults to `48`.
        min_duration: Float. Shortest duration, in seconds. Defaults to `20.0`.
        max_duration: Float. Longest duration. Defaults to `40.0`.
        size: Integer. Height and width, in pixels. Defaults to `64`.
        fps: Integer. Frames per second. Defaults to `25`.
        motions: Sequence of names from `MOTIONS`, the classes, or `None` for
            all of them. Defaults to `None`.
        distractor_motions: Sequence of names from `MOTIONS` that are not
            classes: what distractors perform and nobody annotates. Defaults to
            `()`, nothing.
        seed: Integer. Defaults to `0`.
        num_processes: Integer. Number of processes. With more than one, call
            this from under `if __name__ == "__main__":`. Defaults to `1`.
        verbose: Boolean. Whether to show the progress. Defaults to `True`.

    Returns:
        The path of the folder `charades`.

    Raises:
        ValueError: If an argument is out of range, or if the folder holds
            anything else than a data set with the same settings.

    Example:

    ```python
    folder = ssdet_keras.data.generate.generate_charades("generated")
    records = ssdet_keras.data.read_charades(
        f"{folder}/Charades_v1_train.csv",
        f"{folder}/Charades_v1_480",
        class_names=f"{folder}/Charades_v1_classes.txt",
    )
    ```
    """
    motions = check_motions(motions)
    distractor_motions = check_distractor_motions(distractor_motions, motions)
    files.check_range("num_train", num_train, 1, 36**5 // 2)
    files.check_range("num_test", num_test, 0, 36**5 // 2)
    files.check_range("min_duration", min_duration, 1, 600, float)
    files.check_range("max_duration", max_duration, min_duration, 600, float)
    files.check_common_arguments(size, fps, seed, num_processes)
    folder = os.path.join(folder, "charades")
    files.open_folder(
        folder,
        {
            "num_train": num_train,
            "num_test": num_test,
            "min_duration": float(min_duration),
            "max_duration": float(max_duration),
            "size": size,
            "fps": fps,
            "motions": motions,
            # Not there where there are none, as in folders of before.
            **(
                {"distractor_motions": distractor_motions}
                if distractor_motions
                else {}
            ),
            "seed": seed,
        },
    )

    durations = (min_duration, max_duration)
    videos, rows = {}, {}
    for split, count in (("train", num_train), ("test", num_test)):
        rows[split] = []
        for index in range(count):
            row, scene = plan_video(
                split,
                index,
                durations,
                size,
                fps,
                motions,
                seed,
                distractor_motions,
            )
            name = f"{row[0]}.mp4"
            videos[os.path.join(folder, "Charades_v1_480", name)] = scene
            rows[split].append(row)
    files.write_videos(videos, num_processes, verbose)
    files.write_text(
        os.path.join(folder, "Charades_v1_classes.txt"),
        "".join(
            f"c{index:03d} {name.capitalize()}\n"
            for index, name in enumerate(motions)
        ),
    )
    for split, split_rows in rows.items():
        files.write_table(
            os.path.join(folder, f"Charades_v1_{split}.csv"),
            _COLUMNS,
            split_rows,
        )
    return folder


def plan_video(
    split, index, durations, size, fps, motions, seed, distractor_motions=()
):
    """Draws one video.

    Returns:
        Its row of the CSV file, and its `Scene`.
    """
    number = 2 * index + ("train", "test").index(split)
    rng = np.random.default_rng([_KEY, seed, number])
    num_frames = round(rng.uniform(*durations) * fps)
    schedules = [
        draw_schedule(rng, num_frames, fps, motions)
        for _ in range(rng.integers(2, 4))
    ]
    roles = [
        {"actions": actions, "place": place}
        for actions, place in zip(
            schedules, _draw_places(rng, len(schedules)), strict=True
        )
    ]
    if rng.random() < 0.5:
        distractor = {"place": rng.uniform(0, 1, 2), "drifts": True}
        if distractor_motions:
            distractor["actions"] = draw_schedule(
                rng, num_frames, fps, distractor_motions
            )
        roles.insert(0, distractor)

    row = (
        files.encode_id(([_KEY, seed], number), _ALPHABET, 5),
        "GEN0",
        "Generated",
        7,
        7,
        "Yes",
        f"There are {len(schedules)} shapes, each moving at its own times.",
        "shape",
        "; ".join(_describe(actions) for actions in schedules),
        _format_actions(schedules, motions, fps),
        f"{num_frames / fps:.2f}",
    )
    return row, Scene(roles, size, num_frames, fps, [_KEY, seed, number, 1])


def draw_schedule(rng, num_frames, fps, motions):
    """Draws the actions of one actor, with rests between them.

    Args:
        rng: `numpy.random.Generator`.
        num_frames: Integer. Number of frames of the video.
        fps: Number. Frames per second.
        motions: Tuple of names of motions.

    Returns:
        List of `(motion, start, end)`, frames from `start` to before `end`.
    """
    actions = []
    acts = rng.random() < 0.5
    # The first stretch began before the video.
    start, share = 0, rng.uniform(0.3, 1.0)
    while start < num_frames:
        seconds = rng.uniform(*(_ACTION_RANGE if acts else _REST_RANGE))
        end = min(num_frames, start + max(2, round(share * seconds * fps)))
        if acts and end - start >= fps:
            # One action in four is another turn of one before.
            if actions and rng.random() < 0.25:
                motion = actions[rng.integers(len(actions))][0]
            else:
                motion = motions[rng.integers(len(motions))]
            actions.append((motion, start, end))
        start, share, acts = end, 1.0, not acts
    return actions


def _draw_places(rng, count):
    """Returns places that leave some room between each other."""
    while True:
        places = rng.uniform(0.25, 0.75, (count, 2))
        distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
        if np.all(distances[~np.eye(count, dtype=bool)] > 0.36):
            return places


def _describe(actions):
    """Returns a sentence about the actions of one actor."""
    names = [motion for motion, _, _ in actions]
    return f"A shape is {', then '.join(names) or 'at rest'}."


def _format_actions(schedules, motions, fps):
    """Returns the official text, with times to a hundredth of a second.

    The start is rounded down and the end up, so that exactly the frames of the
    action lie between them.
    """
    actions = sorted(
        (start, end, motions.index(motion))
        for schedule in schedules
        for motion, start, end in schedule
    )
    return ";".join(
        f"c{label:03d} {100 * start // fps / 100:.2f} "
        f"{-(-100 * (end - 1) // fps) / 100:.2f}"
        for start, end, label in actions
    )
