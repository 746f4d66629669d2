"""The settings of `reproduce.py` at each scale."""

import dataclasses

# Partly disjoint: two classes of each data set are not in the other one.
_SHARED_MOTIONS = "shaking sideways,circling,spinning,pulsing,growing,blinking"
_PRETRAINING_MOTIONS = (
    f"{_SHARED_MOTIONS},leaning left and right,stretching sideways"
)
_DETECTION_MOTIONS = f"{_SHARED_MOTIONS},stretching up and down,falling"
_DISTRACTOR_MOTIONS = "hopping,rocking"


@dataclasses.dataclass(frozen=True)
class Scale:
    """Flags of the recipes.

    Attributes:
        generate: Tuple of flags of `generate_dataset.py`, or `None` to take
            real data sets.
        warm_up: Tuple of flags of `pretrain_kinetics.py` for the model that
            every pretraining starts from, or `None` to take a given one.
        pretrain: Tuple of flags of `pretrain_kinetics.py`, the same for every
            pretraining.
        finetune: Tuple of flags of `finetune_charades.py`.
        finetune_slow: Tuple of flags of `finetune_charades.py` for the second
            stream, on features of the first one.
        window: Tuple of flags of `evaluate.py` and `extract_features.py`.
        heads: Dict of the name of a head to a tuple of flags of
            `train_head.py`.
    """

    generate: tuple | None
    warm_up: tuple | None
    pretrain: tuple
    finetune: tuple
    finetune_slow: tuple
    window: tuple
    heads: dict

    @property
    def is_generated(self):
        """Boolean. Whether the data sets are generated."""
        return self.generate is not None


def _make_generated_scale(
    factor,
    size,
    model,
    num_clips,
    num_videos,
    warm_up_steps,
    steps,
    epochs,
    slow_epochs,
    heads,
    num_workers=1,
    common=(),
):
    """Returns a scale whose numbers of videos and steps have a factor."""

    def scaled(number, least=1):
        return max(least, round(number * factor))

    clips = (
        f"--size={size}",
        "--frame_stride=5",
        "--min_crop=0.9",
        "--max_crop=1",
        f"--num_workers={num_workers}",
        "--cache_gib=4",
        "--pictured_clips=0",
    )
    optimizer = ("--optimizer=adamw", "--schedule=cosine", "--dropout=0.2")
    training = (*clips, *optimizer, *common)
    pretraining = (
        "--batch_size=16",
        "--steps_per_epoch=50",
        "--learning_rate=0.004",
        "--backbone_factor=1",
        *training,
    )
    finetuning = (
        "--batch_size=8",
        "--learning_rate=0.004",
        "--backbone_factor=0.25",
        *training,
    )
    return Scale(
        generate=(
            f"--motions={_PRETRAINING_MOTIONS}",
            f"--charades_motions={_DETECTION_MOTIONS}",
            f"--distractor_motions={_DISTRACTOR_MOTIONS}",
            f"--size={size}",
            "--kinetics_duration=6",
            f"--num_kinetics_train={scaled(num_clips, 16)}",
            f"--num_kinetics_val={scaled(num_clips // 8, 16)}",
            f"--num_charades_train={scaled(num_videos, 8)}",
            f"--num_charades_test={scaled(num_videos, 8)}",
        ),
        warm_up=(
            "--initialization=motion",
            *model,
            f"--steps={scaled(warm_up_steps)}",
            f"--warmup_steps={scaled(warm_up_steps // 10)}",
            *pretraining,
        ),
        pretrain=(
            "--augmentation_rate=0.5",
            f"--steps={scaled(steps)}",
            f"--warmup_steps={scaled(steps // 10)}",
            *pretraining,
        ),
        finetune=(
            "--num_frames=32",
            f"--epochs={scaled(epochs)}",
            f"--warmup_epochs={scaled(epochs // 8)}",
            *finetuning,
        ),
        finetune_slow=(
            "--num_frames=64",
            f"--epochs={scaled(slow_epochs)}",
            f"--warmup_epochs={scaled(slow_epochs // 8)}",
            *finetuning,
        ),
        window=("--window=64",),
        heads={
            head: (*flags, f"--epochs={scaled(20)}")
            for head, flags in heads.items()
        },
    )


def make_laptop_scale(factor=1):
    """Small models on generated videos."""
    return _make_generated_scale(
        factor,
        size=48,
        model=("--width=0.35", "--depth=0.2"),
        num_clips=800,
        num_videos=64,
        warm_up_steps=2000,
        steps=400,
        epochs=12,
        slow_epochs=8,
        heads={
            "super_event": ("--learning_rate=0.01",),
            "tgm_super_event": ("--learning_rate=0.01",),
            "pdan": (
                '--head_options={"units": 128}',
                "--batch_size=8",
                "--learning_rate=0.003",
            ),
        },
    )


def make_workstation_scale(factor=1):
    """X3D-M of half the depth, on more and larger generated videos."""
    return _make_generated_scale(
        factor,
        size=112,
        model=("--depth=0.5",),
        num_clips=4000,
        num_videos=200,
        warm_up_steps=5000,
        steps=5000,
        epochs=30,
        slow_epochs=30,
        heads={
            "super_event": ("--learning_rate=0.01",),
            "tgm_super_event": ("--learning_rate=0.01",),
            "pdan": ("--learning_rate=0.001",),
        },
        num_workers=8,
        common=("--mixed_precision=bfloat16", "--distribution=none"),
    )


def make_paper_scale(factor=1):
    """The defaults of the recipes, which are the settings of the papers."""
    if factor != 1:
        raise ValueError("The numbers of steps of the paper have no factor.")
    return Scale(
        generate=None,
        warm_up=None,
        pretrain=("--mixed_precision=bfloat16", "--distribution=none"),
        finetune=("--distribution=none",),
        finetune_slow=(
            "--distribution=none",
            "--num_frames=64",
            "--learning_rate=0.02",
            "--milestones=30,50,70",
        ),
        window=(),
        heads={"super_event": (), "tgm_super_event": (), "pdan": ()},
    )


SCALES = {
    "laptop": make_laptop_scale,
    "workstation": make_workstation_scale,
    "paper": make_paper_scale,
}
