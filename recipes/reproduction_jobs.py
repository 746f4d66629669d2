"""The jobs of one seed of `reproduce.py`."""

import pathlib

from ssdet_keras.recipes.job_runner import Job

# Every pretraining but the classification is the detection task.
PRETRAININGS = {
    "classification": ("--task=classification",),
    "pseudo_labels": ("--augmentation=none",),
    "freeze": ("--augmentation=freeze",),
    "freeze_3_segments": ("--augmentation=freeze", "--freeze_segments=3"),
    "mixup": ("--augmentation=mixup",),
    "cutmix": ("--augmentation=cutmix",),
    "cutmix_window": ("--augmentation=cutmix", "--cutmix_mode=window"),
    "cutmix_view": ("--augmentation=cutmix", "--cutmix_mode=view"),
    "joint": ("--augmentation=joint",),
    "joint_single": ("--augmentation=joint_single",),
    "manifold": ("--augmentation=joint_single", "--augmentation_depth=random"),
}


class ReproductionJobs:
    """Makes the jobs that results need, each once.

    Every method returns a `Job`, after it has made those that this one needs.
    The jobs are named, and their files lie, under `seedN/`.

    Args:
        scale: `Scale`.
        root: Path of the folder of all seeds.
        seed: Integer. That of generated data, weights, clips and
            augmentations.
        datasets: Dict of `"kinetics"`, `"charades"` and `"multithumos"` to
            folders, where the scale takes real ones.
        initial_model: Path of the model that every pretraining starts from,
            where the scale takes a given one.

    Attributes:
        jobs: List of `Job`, each after those that it needs.

    Raises:
        ValueError: By a method, if it needs a folder or a model that is not
            given.
    """

    def __init__(self, scale, root, seed, datasets=None, initial_model=None):
        self.scale = scale
        self.seed = seed
        self._root = root / f"seed{seed}"
        self._datasets = datasets or {}
        self._initial_model = initial_model
        self._jobs = {}

    @property
    def jobs(self):
        return list(self._jobs.values())

    def detector(self, pretraining, dataset="charades", copy=0):
        """The evaluation of an X3D.

        Args:
            pretraining: Name from `PRETRAININGS`.
            dataset: `"charades"` or `"multithumos"`.
            copy: Integer. Another one is fine-tuned with another seed.
        """
        dataset = self._available(dataset)
        training = self._finetune(pretraining, dataset, copy)
        return self._evaluate(training, dataset)

    def two_streams(self, model, slow, fast):
        """The evaluation of a detector of two streams on Charades.

        Args:
            model: `"slowfast"` or `"coarse_fine"`.
            slow: Name of the pretraining of Slow, or Coarse.
            fast: Name of the pretraining of Fast, or Fine.
        """
        features = self._extract(fast, "charades", "pyramid")
        slow_model = self._pretrain(slow)
        fast_model = self._finetune(fast, "charades")
        training = self._train(
            f"{model}_{slow}_{fast}",
            "finetune_charades.py",
            (
                *self._training_videos("charades"),
                f"--model={model}",
                f"--slow_checkpoint={_model(slow_model)}",
                f"--fast_checkpoint={_model(fast_model)}",
                f"--features={features.result.parent}",
                *self.scale.finetune_slow,
            ),
            (slow_model, fast_model, features),
        )
        return self._evaluate(training, "charades")

    def head(self, head, pretraining, dataset="charades"):
        """The evaluation of a head on features of an X3D."""
        dataset = self._available(dataset)
        features = self._extract(pretraining, dataset, "features")
        name = f"{head}_{pretraining}{_suffix(dataset)}"
        workdir = self._root / name
        test = self._annotations(dataset, is_test=True)
        training = self._add(
            name,
            "train_head.py",
            (
                f"--head={head}",
                f"--features={features.result.parent}",
                f"--dataset={dataset}",
                *self._annotations(dataset),
                *(flag.replace("--", "--test_", 1) for flag in test),
                self._class_names(dataset),
                f"--workdir={workdir}",
                f"--seed={self.seed}",
                *self.scale.heads[head],
            ),
            workdir / "predictions.npz",
            (features,),
        )
        return self._evaluate_files(name, [training], workdir, dataset)

    def ensemble(self, name, evaluations, dataset="charades"):
        """The evaluation of the mean of the scores of others."""
        dataset = self._available(dataset)
        name = f"ensemble_{name}{_suffix(dataset)}"
        return self._evaluate_files(
            name, evaluations, self._root / name, dataset
        )

    def _evaluate(self, training, dataset):
        """The evaluation of a detector on videos."""
        workdir = training.result.parent
        return self._add(
            f"evaluate_{workdir.name}",
            "evaluate.py",
            (
                f"--model={_model(training)}",
                f"--dataset={dataset}",
                *self._annotations(dataset, is_test=True),
                self._videos(dataset),
                self._class_names(dataset),
                *self.scale.window,
            ),
            workdir / "results.json",
            (training,),
        )

    def _evaluate_files(self, name, jobs, folder, dataset):
        """The evaluation of files of scores."""
        return self._add(
            f"evaluate_{name}",
            "evaluate.py",
            (
                f"--dataset={dataset}",
                *self._annotations(dataset, is_test=True),
                self._class_names(dataset),
                f"--output_dir={folder}",
                *(str(job.result.with_name("predictions.npz")) for job in jobs),
            ),
            folder / "results.json",
            tuple(jobs),
        )

    def _extract(self, pretraining, dataset, outputs):
        detector = self._finetune(pretraining, dataset)
        folder = self._root / f"{outputs}_{pretraining}{_suffix(dataset)}"
        parts = self._annotations(dataset)
        if outputs == "features":
            test = self._annotations(dataset, is_test=True)
            parts = dict.fromkeys((*parts, *test))
        return self._add(
            folder.name,
            "extract_features.py",
            (
                f"--model={_model(detector)}",
                f"--dataset={dataset}",
                *parts,
                self._videos(dataset),
                self._class_names(dataset),
                f"--outputs={outputs}",
                f"--output_dir={folder}",
                *self.scale.window,
            ),
            folder / "failures.txt",
            (detector,),
            # 1 where videos can't be read: the others have features.
            statuses=(0, 1),
        )

    def _finetune(self, pretraining, dataset, copy=0):
        pretrained = self._pretrain(pretraining)
        recipe = f"finetune_{dataset}.py"
        copy_suffix = f"_{copy}" if copy else ""
        return self._train(
            f"finetune_{pretraining}{_suffix(dataset)}{copy_suffix}",
            recipe,
            (
                *self._training_videos(dataset),
                f"--initial_model={_model(pretrained)}",
                *self.scale.finetune,
            ),
            (pretrained,),
            seed=self.seed + 1000 * copy,
        )

    def _pretrain(self, pretraining):
        if self.scale.warm_up is None:
            needs = ()
            initial_model = _given(self._initial_model, "initial_model")
        else:
            needs = (self._warm_up(),)
            initial_model = _model(*needs)
        return self._train(
            f"pretrain_{pretraining}",
            "pretrain_kinetics.py",
            (
                *self._kinetics_flags(),
                *PRETRAININGS[pretraining],
                f"--initial_model={initial_model}",
                *self.scale.pretrain,
            ),
            needs,
        )

    def _warm_up(self):
        return self._train(
            "warm_up",
            "pretrain_kinetics.py",
            (
                *self._kinetics_flags(),
                "--task=classification",
                *self.scale.warm_up,
            ),
        )

    def _train(self, name, recipe, arguments, needs=(), seed=None):
        """A training on clips, which ends with the description of its model."""
        workdir = self._root / name
        return self._add(
            name,
            recipe,
            (
                *arguments,
                f"--workdir={workdir}",
                f"--seed={self.seed if seed is None else seed}",
            ),
            workdir / "model.json",
            needs,
        )

    def _add(self, name, recipe, arguments, result, needs, **options):
        name = f"seed{self.seed}/{name}"
        if self.scale.is_generated:
            needs = (self._generate(), *needs)
        return self._jobs.setdefault(
            name, Job(name, (recipe, *arguments), result, needs, **options)
        )

    def _generate(self):
        folder = self._root / "data"
        name = f"seed{self.seed}/generate"
        return self._jobs.setdefault(
            name,
            Job(
                name,
                (
                    "generate_dataset.py",
                    f"--output_dir={folder}",
                    f"--seed={self.seed}",
                    *self.scale.generate,
                ),
                folder / "charades" / "Charades_v1_test.csv",
            ),
        )

    def _folder(self, dataset):
        if self.scale.is_generated:
            return self._root / "data" / dataset
        return pathlib.Path(_given(self._datasets.get(dataset), dataset))

    def _available(self, dataset):
        """Returns the data set that takes the place of another one."""
        return "charades" if self.scale.is_generated else dataset

    def _kinetics_flags(self):
        folder = self._folder("kinetics")
        return (
            f"--annotations={folder / 'train.csv'}",
            f"--validation_annotations={folder / 'val.csv'}",
            f"--video_root={folder / 'videos'}",
            f"--class_names={folder / 'classes.txt'}",
        )

    def _annotations(self, dataset, is_test=False):
        """Returns the flags of the training or the test videos."""
        folder = self._folder(dataset)
        if dataset == "charades":
            split = "test" if is_test else "train"
            return (f"--annotations={folder / f'Charades_v1_{split}.csv'}",)
        return (
            f"--annotations={folder / 'multithumos.json'}",
            f"--split={'testing' if is_test else 'training'}",
        )

    def _training_videos(self, dataset):
        return (
            *self._annotations(dataset),
            self._videos(dataset),
            self._class_names(dataset),
        )

    def _class_names(self, dataset):
        name = {
            "charades": "Charades_v1_classes.txt",
            "multithumos": "class_list.txt",
        }[dataset]
        return f"--class_names={self._folder(dataset) / name}"

    def _videos(self, dataset):
        name = {"charades": "Charades_v1_480", "multithumos": "videos"}[dataset]
        return f"--video_root={self._folder(dataset) / name}"


def _model(job):
    return job.result.with_name("model.keras")


def _given(value, flag):
    if value is None:
        raise ValueError(f"needs --{flag}.")
    return value


def _suffix(dataset):
    return "" if dataset == "charades" else f"_{dataset}"
