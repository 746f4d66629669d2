r"""Compares training runs on one page.

    python recipes/report.py runs/classification_charades runs/joint_charades \
        --annotations=charades/Charades_v1_test.csv \
        --video_root=charades/Charades_v1_480

The folders are those of the training recipes, in which `evaluate.py` has left
its results. All are compared with the first one. OUTPUT_DIR/index.html shows,
of what there is,

-   the runs, and the settings in which they differ;
-   the results by every protocol;
-   the classes with the largest gains and losses;
-   the curves of training;
-   with --annotations, the videos that are scored best and worst: the scores
    over time, and what is annotated.

The pictures lie beside it, as PNG files.
"""

import pathlib

from absl import app
from absl import flags
from absl import logging

from ssdet_keras import training
from ssdet_keras import visualization
from ssdet_keras.recipes import annotation_flags
from ssdet_keras.recipes import report_sections
from ssdet_keras.recipes import report_videos

flags.adopt_module_key_flags(annotation_flags)  # For --help.

_OUTPUT_DIR = flags.DEFINE_string("output_dir", "report", "Folder to write.")


def read_runs(paths):
    """Returns a dict of distinct names to `training.Run`."""
    try:
        runs = [training.read_run(path) for path in paths]
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise app.UsageError("Name each folder once.")
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run.path) for run in runs]
    return dict(zip(names, runs, strict=True))


def find_class_names(runs):
    """Returns the class names of the runs that were evaluated, or `None`.

    Raises:
        app.UsageError: If two of the runs have other classes.
    """
    first, shared = None, None
    for name, run in runs.items():
        class_names = name_classes(run)
        if class_names is None:
            continue
        if shared is None:
            first, shared = name, class_names
        if len(class_names) != len(shared):
            raise app.UsageError(
                f"Runs must have the same classes. Received: {len(shared)} of "
                f"{first}, {len(class_names)} of {name}"
            )
        for index, pair in enumerate(zip(shared, class_names, strict=True)):
            if pair[0] != pair[1]:
                raise app.UsageError(
                    f"Runs must have the same classes. Received: class {index} "
                    f"is {pair[0]!r} of {first}, {pair[1]!r} of {name}"
                )
    return shared


def name_classes(run):
    """Returns the class names of a run, or `None` where it has no results."""
    for result in run.results.values():
        return list(result["per_class"])
    if run.predictions_path:
        return report_videos.load_predictions(run).class_names
    return None


def main(argv):
    if len(argv) < 2:
        raise app.UsageError("Name at least one folder of a training run.")
    runs = read_runs(argv[1:])
    class_names = find_class_names(runs)
    records = None
    if annotation_flags.ANNOTATIONS.value is not None:
        records = annotation_flags.read_records(class_names)
    folder = pathlib.Path(_OUTPUT_DIR.value)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sections = [
            *report_sections.show_runs(runs),
            *report_sections.show_results(runs),
            *report_sections.show_classes(runs, class_names, records, folder),
            *report_sections.show_training(runs, folder),
            *report_videos.show_videos(
                runs,
                records,
                annotation_flags.VIDEO_ROOT.value is not None,
                folder,
            ),
        ]
        title = " and ".join(runs)
        if len(runs) > 2:
            title = f"{len(runs)} training runs"
        visualization.write_page(folder / "index.html", title, sections)
    except OSError as error:
        raise app.UsageError(f"--output_dir: {error}") from error
    logging.info("Look at %s", folder / "index.html")


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
