"""What `reproduce.py` would run."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from ssdet_keras.recipes.reproduction_jobs import PRETRAININGS
from ssdet_keras.recipes.reproduction_jobs import ReproductionJobs
from ssdet_keras.recipes.reproduction_scales import SCALES
from ssdet_keras.recipes.reproduction_tables import TABLES

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPES = FOLDER.parents[1] / "recipes"
ROOT = pathlib.Path("/root")
DATASETS = {
    name: f"/{name}" for name in ("kinetics", "charades", "multithumos")
}


def make_maker(scale, seed=4, factor=1):
    return ReproductionJobs(
        SCALES[scale](factor), ROOT, seed, DATASETS, "/x3d_m.keras"
    )


def make_all_jobs(scale, seed=4):
    maker = make_maker(scale, seed)
    for table in TABLES:
        for row in table.rows:
            row.make(maker)
    return maker.jobs


def for_all_scales():
    return ((scale, make_all_jobs(scale)) for scale in SCALES)


def collect_needs(job):
    """Returns the jobs that one needs, and that those need, and so on."""
    needs = set(job.needs)
    return needs.union(*map(collect_needs, needs))


def get_flag(job, name):
    (value,) = (
        flag.partition("=")[2]
        for flag in job.command
        if flag.startswith(f"--{name}=")
    )
    return value


class ReproductionJobsTest(unittest.TestCase):
    def find(self, jobs, name):
        (job,) = (job for job in jobs if job.name == f"seed4/{name}")
        return job

    def test_every_job_is_after_those_that_it_needs(self):
        for _, jobs in for_all_scales():
            before = set()
            for job in jobs:
                self.assertLessEqual(set(job.needs), before, job.name)
                before.add(job)

    def test_every_job_is_made_once(self):
        for scale, jobs in for_all_scales():
            names = [job.name for job in jobs]
            self.assertEqual(len(set(names)), len(names))
            results = {job.result for job in jobs}
            self.assertEqual(len(results), len(jobs))
            # No row takes the job of another one that has the same name only.
            by_name = {job.name: job for job in jobs}
            rows = [row for table in TABLES for row in table.rows]
            for row in rows:
                maker = make_maker(scale)
                evaluation = row.make(maker)
                self.assertIs(evaluation, maker.jobs[-1])
                self.assertEqual(evaluation.command[0], "evaluate.py")
                self.assertEqual(evaluation.result.name, "results.json")
                for job in maker.jobs:
                    other = by_name[job.name]
                    self.assertEqual(job.command, other.command)
                    self.assertEqual(job.result, other.result)
                    self.assertEqual(
                        [need.name for need in job.needs],
                        [need.name for need in other.needs],
                    )

    def test_files_are_those_of_jobs_that_are_needed(self):
        for _, jobs in for_all_scales():
            for job in jobs:
                needs = collect_needs(job)
                folders = {need.result.parent for need in needs}
                # Generated data lies in folders of this one.
                folders |= {
                    need.result.parents[1]
                    for need in needs
                    if need.command[0] == "generate_dataset.py"
                }
                paths = [
                    pathlib.Path(argument.split("=")[-1])
                    for argument in job.command[1:]
                    if not argument.startswith(("--workdir=", "--output_dir="))
                ]
                paths = [path for path in paths if ROOT in path.parents]
                for path in paths:
                    self.assertTrue(
                        folders.intersection([path, *path.parents]),
                        f"{job.name}: {path}",
                    )
                if job.command[0] not in ("generate_dataset.py", "evaluate.py"):
                    own = [flag for flag in job.command if str(ROOT) in flag]
                    self.assertIn(str(job.result.parent), own[-1])

    def test_ensembles_read_the_scores_of_their_members(self):
        for _, jobs in for_all_scales():
            ensembles = [
                job for job in jobs if "/evaluate_ensemble" in job.name
            ]
            self.assertGreaterEqual(len(ensembles), 7)
            for job in ensembles:
                files = [a for a in job.command[1:] if not a.startswith("--")]
                members = [n for n in job.needs if "/generate" not in n.name]
                is_large = job.name.endswith("coarse_fine_both")
                self.assertEqual(len(files), 6 if is_large else 3)
                self.assertEqual(
                    files,
                    [
                        str(member.result.parent / "predictions.npz")
                        for member in members
                    ],
                )
                # Which evaluations of models write, and trainings of heads.
                for member in members:
                    self.assertEqual(member.command[0], "evaluate.py")

    def test_members_of_ensembles(self):
        jobs = make_all_jobs("paper")
        for name, members in (
            ("x3d", "finetune_{}"),
            ("x3d_multithumos", "finetune_{}_multithumos"),
            ("pdan_multithumos", "pdan_{}_multithumos"),
            ("super_event", "super_event_{}"),
            ("coarse_fine", "coarse_fine_{}_classification"),
            ("slowfast", "slowfast_{0}_{0}"),
        ):
            job = self.find(jobs, f"evaluate_ensemble_{name}")
            self.assertEqual(
                [need.name for need in job.needs],
                [
                    f"seed4/evaluate_{members.format(augmentation)}"
                    for augmentation in ("freeze", "mixup", "cutmix")
                ],
            )

    def test_pretrainings_differ_in_nothing_else(self):
        expected = set(PRETRAININGS)
        for _, jobs in for_all_scales():
            prefix = "seed4/pretrain_"
            found = {
                job.name.removeprefix(prefix): job
                for job in jobs
                if job.name.startswith(prefix)
            }
            self.assertEqual(set(found), expected)
            rests = set()
            for name, job in found.items():
                own = (*PRETRAININGS[name], f"--workdir={job.result.parent}")
                for flag in own:
                    self.assertEqual(job.command.count(flag), 1)
                rests.add(tuple(f for f in job.command if f not in own))
            self.assertEqual(len(rests), 1)
            (rest,) = rests
            flags = [flag.partition("=")[0] for flag in rest[1:]]
            self.assertEqual(len(set(flags)), len(flags))
            self.assertIn("--seed=4", rest)
            self.assertEqual(len({job.needs for job in found.values()}), 1)

    def test_pretrainings_start_from_one_warm_up(self):
        for scale in ("laptop", "workstation"):
            jobs = make_all_jobs(scale)
            warm_up = self.find(jobs, "warm_up")
            self.assertIn("--task=classification", warm_up.command)
            for name in PRETRAININGS:
                job = self.find(jobs, f"pretrain_{name}")
                self.assertIn(warm_up, job.needs)
                self.assertEqual(
                    get_flag(job, "initial_model"),
                    str(ROOT / "seed4" / "warm_up" / "model.keras"),
                )

    def test_pretrained_models_reach_what_follows(self):
        maker = make_maker("laptop")
        folder = ROOT / "seed4"
        maker.two_streams("slowfast", "mixup", "freeze")
        finetuning = self.find(maker.jobs, "finetune_freeze")
        self.assertEqual(
            get_flag(finetuning, "initial_model"),
            f"{folder}/pretrain_freeze/model.keras",
        )
        features = self.find(maker.jobs, "pyramid_freeze")
        self.assertEqual(
            get_flag(features, "model"), f"{folder}/finetune_freeze/model.keras"
        )
        self.assertEqual(get_flag(features, "outputs"), "pyramid")
        training = self.find(maker.jobs, "slowfast_mixup_freeze")
        for flag, value in (
            ("model", "slowfast"),
            ("slow_checkpoint", f"{folder}/pretrain_mixup/model.keras"),
            ("fast_checkpoint", f"{folder}/finetune_freeze/model.keras"),
            ("features", f"{folder}/pyramid_freeze"),
        ):
            self.assertEqual(get_flag(training, flag), value)
        evaluation = self.find(maker.jobs, "evaluate_slowfast_mixup_freeze")
        self.assertEqual(
            get_flag(evaluation, "model"),
            f"{folder}/slowfast_mixup_freeze/model.keras",
        )
        self.assertIn("Charades_v1_test.csv", " ".join(evaluation.command))
        self.assertNotIn("Charades_v1_train.csv", " ".join(evaluation.command))

    def test_copies_have_other_seeds(self):
        maker = make_maker("laptop")
        evaluations = [
            maker.detector("classification", "charades", copy)
            for copy in range(3)
        ]
        self.assertIs(maker.detector("classification"), evaluations[0])
        trainings = [
            self.find(maker.jobs, f"finetune_classification{suffix}")
            for suffix in ("", "_1", "_2")
        ]
        self.assertEqual(
            [get_flag(job, "seed") for job in trainings],
            ["4", "1004", "2004"],
        )
        self.assertEqual(len({job.needs for job in trainings}), 1)

    def test_seeds_share_nothing(self):
        for scale in SCALES:
            first, second = make_all_jobs(scale, 1), make_all_jobs(scale, 2)
            self.assertFalse({j.name for j in first} & {j.name for j in second})
            for jobs, other in ((first, "/seed2/"), (second, "/seed1/")):
                for job in jobs:
                    self.assertNotIn(other, " ".join(job.command))
        generate = make_all_jobs("laptop", 7)[0]
        self.assertEqual(generate.command[0], "generate_dataset.py")
        self.assertEqual(get_flag(generate, "seed"), "7")

    def test_generated_charades_take_the_place_of_multithumos(self):
        for scale in ("laptop", "workstation"):
            maker = make_maker(scale)
            for make in (
                lambda maker, *dataset: maker.detector("freeze", *dataset),
                lambda maker, *dataset: maker.head("pdan", "freeze", *dataset),
                lambda maker, *dataset: maker.ensemble(
                    "x3d", [maker.detector("freeze")], *dataset
                ),
            ):
                job = make(maker, "multithumos")
                self.assertIs(make(maker), job)
                self.assertEqual(get_flag(job, "dataset"), "charades")
            for job in make_all_jobs(scale):
                self.assertNotIn("multithumos", " ".join(job.command))

    def test_paper_takes_the_given_folders(self):
        jobs = make_all_jobs("paper")
        recipes = {job.command[0] for job in jobs}
        self.assertNotIn("generate_dataset.py", recipes)
        self.assertEqual(
            self.find(jobs, "pretrain_freeze").command,
            (
                "pretrain_kinetics.py",
                "--annotations=/kinetics/train.csv",
                "--validation_annotations=/kinetics/val.csv",
                "--video_root=/kinetics/videos",
                "--class_names=/kinetics/classes.txt",
                "--augmentation=freeze",
                "--initial_model=/x3d_m.keras",
                "--mixed_precision=bfloat16",
                "--distribution=none",
                "--workdir=/root/seed4/pretrain_freeze",
                "--seed=4",
            ),
        )
        self.assertEqual(self.find(jobs, "pretrain_freeze").needs, ())
        self.assertEqual(
            self.find(jobs, "finetune_freeze").command,
            (
                "finetune_charades.py",
                "--annotations=/charades/Charades_v1_train.csv",
                "--video_root=/charades/Charades_v1_480",
                "--class_names=/charades/Charades_v1_classes.txt",
                "--initial_model=/root/seed4/pretrain_freeze/model.keras",
                "--distribution=none",
                "--workdir=/root/seed4/finetune_freeze",
                "--seed=4",
            ),
        )
        videos = (
            "--video_root=/multithumos/videos",
            "--class_names=/multithumos/class_list.txt",
        )
        annotations = "--annotations=/multithumos/multithumos.json"
        self.assertEqual(
            self.find(jobs, "finetune_freeze_multithumos").command,
            (
                "finetune_multithumos.py",
                annotations,
                "--split=training",
                *videos,
                "--initial_model=/root/seed4/pretrain_freeze/model.keras",
                "--distribution=none",
                "--workdir=/root/seed4/finetune_freeze_multithumos",
                "--seed=4",
            ),
        )
        self.assertEqual(
            self.find(jobs, "features_freeze_multithumos").command,
            (
                "extract_features.py",
                "--model=/root/seed4/finetune_freeze_multithumos/model.keras",
                "--dataset=multithumos",
                annotations,
                "--split=training",
                "--split=testing",
                *videos,
                "--outputs=features",
                "--output_dir=/root/seed4/features_freeze_multithumos",
            ),
        )
        self.assertEqual(
            self.find(jobs, "pdan_freeze_multithumos").command,
            (
                "train_head.py",
                "--head=pdan",
                "--features=/root/seed4/features_freeze_multithumos",
                "--dataset=multithumos",
                annotations,
                "--split=training",
                "--test_annotations=/multithumos/multithumos.json",
                "--test_split=testing",
                videos[1],
                "--workdir=/root/seed4/pdan_freeze_multithumos",
                "--seed=4",
            ),
        )
        self.assertEqual(
            self.find(jobs, "evaluate_finetune_freeze_multithumos").command,
            (
                "evaluate.py",
                "--model=/root/seed4/finetune_freeze_multithumos/model.keras",
                "--dataset=multithumos",
                annotations,
                "--split=testing",
                *videos,
            ),
        )

    def test_paper_has_no_factor(self):
        with self.assertRaisesRegex(ValueError, "have no factor"):
            SCALES["paper"](0.5)

    def test_factor(self):
        for scale in ("laptop", "workstation"):
            numbers = {}
            for factor in (1, 0.1, 1e-5):
                maker = make_maker(scale, factor=factor)
                maker.detector("freeze")
                job = self.find(maker.jobs, "pretrain_freeze")
                numbers[factor] = int(get_flag(job, "steps"))
                # A batch must be there.
                job = self.find(maker.jobs, "generate")
                for name in ("num_kinetics_train", "num_kinetics_val"):
                    self.assertGreaterEqual(int(get_flag(job, name)), 16)
                for name in ("num_charades_train", "num_charades_test"):
                    self.assertGreaterEqual(int(get_flag(job, name)), 8)
            self.assertEqual(numbers[0.1], numbers[1] // 10)
            self.assertEqual(numbers[1e-5], 1)

    def test_data_sets_are_partly_disjoint(self):
        for scale in ("laptop", "workstation"):
            generate = make_all_jobs(scale)[0]
            pretraining, detection, distractors = (
                set(get_flag(generate, name).split(","))
                for name in (
                    "motions",
                    "charades_motions",
                    "distractor_motions",
                )
            )
            self.assertTrue(pretraining - detection)
            self.assertTrue(detection - pretraining)
            self.assertTrue(detection & pretraining)
            self.assertTrue(distractors)
            self.assertFalse(distractors & (pretraining | detection))


class ReproductionFlagsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cases = {}
        for scale in SCALES:
            for job in make_all_jobs(scale):
                recipe, *arguments = job.command
                cases = cls.cases.setdefault(recipe, {})
                cases[f"{scale}: {job.name}"] = arguments
        # Flags of other recipes, which must be told.
        arguments = {
            recipe: [*cases.values(), ["--learning_rate=1"], ["--motions=a"]]
            for recipe, cases in cls.cases.items()
        }
        result = subprocess.run(
            [sys.executable, FOLDER / "parse_recipe_flags.py", RECIPES],
            input=json.dumps(arguments),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        if "PARSED" not in result.stdout:
            raise AssertionError(result.stderr[-5000:])
        cls.parsed = json.loads(result.stdout.split("PARSED")[1])

    def test_recipes_take_all_flags(self):
        self.assertEqual(len(self.cases), 7)
        for recipe, cases in self.cases.items():
            parsed = self.parsed[recipe][: len(cases)]
            for name, values in zip(cases, parsed, strict=True):
                self.assertIsInstance(
                    values, dict, f"{recipe}: {name}: {values}"
                )
                has_files = recipe == "evaluate.py" and not values["model"]
                self.assertEqual(bool(values[""]), has_files, name)

    def test_unknown_flags_are_told(self):
        unknown = {
            recipe: [
                flag
                for flag, message in zip(
                    ("learning_rate", "motions"), parsed[-2:], strict=True
                )
                if isinstance(message, str)
                and f"Unknown command line flag '{flag}'" in message
            ]
            for recipe, parsed in self.parsed.items()
        }
        trainings = {
            *("pretrain_kinetics.py", "train_head.py"),
            *("finetune_charades.py", "finetune_multithumos.py"),
        }
        for recipe, names in unknown.items():
            expected = ["learning_rate", "motions"]
            if recipe in trainings:
                expected = ["motions"]
            if recipe == "generate_dataset.py":
                expected = ["learning_rate"]
            self.assertEqual(names, expected, recipe)

    def test_tasks(self):
        cases = self.cases["pretrain_kinetics.py"]
        parsed = self.parsed["pretrain_kinetics.py"][: len(cases)]
        for name, values in zip(cases, parsed, strict=True):
            is_classification = name.endswith(
                ("/warm_up", "/pretrain_classification")
            )
            task = "classification" if is_classification else "detection"
            self.assertEqual(values["task"], task, name)


class ReproductionTablesTest(unittest.TestCase):
    def test_figures_are_those_of_the_paper(self):
        # Figures without one are not in the tables of its main part.
        expected = {
            "table_2a": [
                17.28, None, 18.79, 19.18, 18.99, None, 19.11, 20.50, None,
            ],
            "augmentations": [None] * 10,
            "freeze": [None] * 2,
            "cutmix": [None] * 2,
            "depth": [None] * 2,
            "ensembles": [None] * 2,
            "table_2b_slowfast": [20.31, 21.22],
            "table_2b_coarse_fine": [23.29, 22.83, 23.57, 24.29, 24.61],
            "table_1_x3d": [20.66, 22.36, 23.94],
            "table_1_super_events": [21.79, 22.24, 23.92],
            "table_1_tgm": [23.84, 24.11, 25.50],
            "table_1_slowfast": [22.80, 24.73, 25.32],
            "table_1_coarse_fine": [25.10, 26.19, 26.95],
            "table_3_x3d": [37.17, 38.92, 40.88],
            "table_3_tgm": [39.16, 41.55, 43.15],
            "table_3_pdan": [39.20, 42.13, 44.35],
        }  # fmt: skip
        self.assertEqual([table.name for table in TABLES], list(expected))
        for table in TABLES:
            figures = [row.paper for row in table.rows]
            self.assertEqual(figures, expected[table.name], table.name)
            is_official = table.name.startswith("table_1")
            self.assertEqual(
                table.protocol,
                "charades_official" if is_official else "per_frame",
            )

    def test_repeated_tables(self):
        """All jobs of those at generated scales are those of others."""
        names = [table.name for table in TABLES if table.repeats]
        self.assertEqual(names, ["table_3_x3d", "table_3_tgm"])
        maker = make_maker("laptop")
        for table in sorted(TABLES, key=lambda table: table.repeats):
            num_jobs = len(maker.jobs)
            for row in table.rows:
                row.make(maker)
            if table.repeats:
                self.assertEqual(len(maker.jobs), num_jobs)

    def test_titles_differ(self):
        for titles in (
            [table.title for table in TABLES],
            *([row.title for row in table.rows] for table in TABLES),
        ):
            self.assertEqual(len(set(titles)), len(titles))
            # They are cells of Markdown.
            self.assertNotIn("|", "".join(titles))

    def test_rows_are_those_of_the_titles(self):
        """Names of jobs, by hand, of the rows of every table."""
        maker = make_maker("paper")
        augmentations = [
            *("finetune_pseudo_labels", "finetune_freeze"),
            *("finetune_freeze_3_segments", "finetune_mixup"),
            *("finetune_cutmix", "finetune_cutmix_window"),
            *("finetune_cutmix_view", "finetune_joint_single"),
            *("finetune_joint", "finetune_manifold"),
        ]
        expected = {
            "table_2a": [
                *("finetune_classification", "finetune_pseudo_labels"),
                *("finetune_freeze", "finetune_mixup", "finetune_cutmix"),
                *("finetune_joint_single", "finetune_joint", "ensemble_x3d"),
                "ensemble_classification",
            ],
            "augmentations": augmentations,
            "freeze": ["finetune_freeze", "finetune_freeze_3_segments"],
            "cutmix": ["finetune_cutmix_window", "finetune_cutmix_view"],
            "depth": ["finetune_joint_single", "finetune_manifold"],
            "ensembles": ["ensemble_classification", "ensemble_x3d"],
            "table_2b_slowfast": [
                "slowfast_classification_classification",
                "slowfast_cutmix_cutmix",
            ],
            "table_2b_coarse_fine": [
                "coarse_fine_classification_classification",
                "coarse_fine_cutmix_cutmix",
                "coarse_fine_cutmix_classification",
                "ensemble_coarse_fine",
                "ensemble_coarse_fine_both",
            ],
            "table_1_slowfast": [
                "slowfast_classification_classification",
                "slowfast_joint_single_joint_single",
                "ensemble_slowfast",
            ],
            "table_1_coarse_fine": [
                "coarse_fine_classification_classification",
                "coarse_fine_joint_single_classification",
                "ensemble_coarse_fine",
            ],
        }
        for name, member, ensemble in (
            ("table_1_x3d", "finetune_{}", "x3d"),
            ("table_1_super_events", "super_event_{}", "super_event"),
            ("table_1_tgm", "tgm_super_event_{}", "tgm_super_event"),
            ("table_3_x3d", "finetune_{}_multithumos", "x3d_multithumos"),
            (
                "table_3_tgm",
                "tgm_super_event_{}_multithumos",
                "tgm_super_event_multithumos",
            ),
            ("table_3_pdan", "pdan_{}_multithumos", "pdan_multithumos"),
        ):
            expected[name] = [
                member.format("classification"),
                member.format("joint_single"),
                f"ensemble_{ensemble}",
            ]
        for table in TABLES:
            self.assertEqual(
                [row.make(maker).name for row in table.rows],
                [f"seed4/evaluate_{name}" for name in expected[table.name]],
            )


if __name__ == "__main__":
    unittest.main()
