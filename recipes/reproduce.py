r"""Runs the experiments of the paper, and tabulates them beside its figures.

    make reproduce

or, with a backend, a folder and seeds of your choice,

    KERAS_BACKEND=tensorflow python recipes/reproduce.py --scale=laptop \
        --workdir=reproduction --seeds=3,4,5

Every pretraining starts from the same classification warm-up and has the same
number of steps. Each is fine-tuned, evaluated, and compared with the first row
of its table, seed by seed. --scale says with what:

-   laptop: small models on generated videos, without a GPU;
-   workstation: larger ones, on more generated videos, on a GPU;
-   paper: the settings of the paper, on the real data sets:

        python recipes/reproduce.py --scale=paper --workdir=reproduction \
            --kinetics=kinetics400 --charades=charades \
            --multithumos=multithumos --initial_model=x3d_m.keras

    Folders are laid out as docs/reproduction.md says.

--dry_run prints the commands, which are those of the other recipes, and runs
nothing. Stop the run at any time; the same command goes on. What fails is
named at the end, and what does not depend on it goes on.

WORKDIR gets report.html, report.md, results.png and results.json, and of each
job in jobs/ a record of its command, commit, backend and time, and its output.
"""

import os
import pathlib
import sys

from absl import app
from absl import flags
from absl import logging

from ssdet_keras.recipes import reproduction_report
from ssdet_keras.recipes.job_runner import JobRunner
from ssdet_keras.recipes.reproduction_jobs import ReproductionJobs
from ssdet_keras.recipes.reproduction_scales import SCALES
from ssdet_keras.recipes.reproduction_tables import TABLES

_WORKDIR = flags.DEFINE_string("workdir", "reproduction", "Folder to write.")
_SCALE = flags.DEFINE_enum("scale", "laptop", list(SCALES), "Data and models.")
_SEEDS = flags.DEFINE_list("seeds", ["3", "4", "5"], "Seeds.")
_TABLES = flags.DEFINE_multi_enum(
    "table",
    None,
    [table.name for table in TABLES],
    "Tables, by repeating the flag. Default: all.",
)
_PROCESSES = flags.DEFINE_integer(
    "num_processes",
    None,
    "Jobs at a time. Default: the CPU cores, at most 4, or 1 with "
    "--scale=workstation and --scale=paper.",
    1,
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print the commands alone.")
_FACTOR = flags.DEFINE_float(
    "factor",
    1,
    "Factor on the numbers of generated videos and of steps, to try it out.",
    0.001,
    100,
)

# With --scale=paper.
_DATASETS = {
    name: flags.DEFINE_string(name, None, f"Folder of {title}, at paper scale.")
    for name, title in (
        ("kinetics", "Kinetics-400"),
        ("charades", "Charades"),
        ("multithumos", "MultiTHUMOS"),
    )
}
_INITIAL_MODEL = flags.DEFINE_string(
    "initial_model",
    None,
    "Model (.keras) that every pretraining starts from, at paper scale: X3D-M "
    "trained on Kinetics-400, see docs/checkpoints.md.",
)


def make_scale():
    """Returns the `Scale` of the flags, which must fit it."""
    try:
        scale = SCALES[_SCALE.value](_FACTOR.value)
    except ValueError as error:
        raise app.UsageError(f"--factor: {error}") from error
    for name, flag in {**_DATASETS, "initial_model": _INITIAL_MODEL}.items():
        if scale.is_generated and flag.value is not None:
            raise app.UsageError(f"--{name} needs --scale=paper.")
        is_read = flag.value is not None and not _DRY_RUN.value
        if is_read and not os.path.exists(flag.value):
            raise app.UsageError(f"--{name} not found: {flag.value}")
    return scale


def read_seeds():
    """Returns the integers of --seeds."""
    try:
        seeds = [int(seed) for seed in _SEEDS.value]
    except ValueError as error:
        raise app.UsageError(f"--seeds must be integers: {error}") from error
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise app.UsageError(
            "--seeds must be different integers from 0 upwards. "
            f"Received: {_SEEDS.value}"
        )
    return seeds


def choose_tables(scale):
    """Returns the tables of --table, or all that a scale has."""
    tables = [
        table
        for table in TABLES
        if table.name in (_TABLES.value or [table.name])
    ]
    if not scale.is_generated:
        return tables
    for table in tables:
        if table.repeats and _TABLES.value:
            raise app.UsageError(
                f"--table={table.name} has the rows of other tables where the "
                "videos are generated: it needs --scale=paper."
            )
    return [table for table in tables if not table.repeats]


def count_processes():
    """Returns how many jobs run at a time."""
    if _PROCESSES.value is not None:
        return _PROCESSES.value
    # Each of a laptop holds up to 4 GiB of decoded videos.
    return min(4, os.cpu_count() or 1) if _SCALE.value == "laptop" else 1


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    scale, seeds = make_scale(), read_seeds()
    tables = choose_tables(scale)
    root = pathlib.Path(_WORKDIR.value)
    jobs, commands, evaluations = [], [], {}
    for seed in seeds:
        maker = ReproductionJobs(
            scale,
            root,
            seed,
            {name: flag.value for name, flag in _DATASETS.items()},
            _INITIAL_MODEL.value,
        )
        for table in tables:
            for row in table.rows:
                try:
                    evaluation = row.make(maker)
                except ValueError as error:
                    raise app.UsageError(
                        f"--table={table.name}: {error}"
                    ) from error
                evaluations[table.name, row.title, seed] = evaluation
        jobs += maker.jobs
        commands = commands or [job.text for job in jobs]
    if _DRY_RUN.value:
        for job in jobs:
            print(f"# {job.name}\n{job.text}\n")  # noqa: T201
        return
    runner = JobRunner(root / "jobs", count_processes())
    try:
        failures = runner.run(jobs)
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    reproduction_report.write_report(
        root,
        tables,
        seeds,
        evaluations,
        runner,
        commands,
        scale.is_generated,
    )
    logging.info("Look at %s", root / "report.html")
    for name, reason in failures.items():
        logging.error("Failed: %s: %s", name, reason)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
