r"""Fine-tunes X3D, SlowFast or Coarse-Fine for detection on Charades.

The flag defaults are the settings of [Kahatapitiya et al., 2023](
https://arxiv.org/abs/2111.13675).

    KERAS_BACKEND=torch python recipes/finetune_charades.py \
        --annotations=charades/Charades_v1_train.csv \
        --video_root=charades/Charades_v1_480 \
        --class_names=charades/Charades_v1_classes.txt \
        --initial_model=runs/joint/model.keras --workdir=runs/joint_charades

Two streams are trained together, or the second one on features of the first,
by --model, --slow_checkpoint, --fast_checkpoint and --features. The settings of
[Kahatapitiya and Ryoo, 2021](https://arxiv.org/abs/2103.01302), whose first
stream is trained as above, at --learning_rate=0.01:

    python recipes/finetune_charades.py ... --model=coarse_fine \
        --slow_checkpoint=runs/joint/model.keras \
        --fast_checkpoint=runs/joint_charades/model.keras \
        --features=charades/fast_features --num_frames=64 \
        --learning_rate=0.02 --milestones=30,50,70 --workdir=runs/coarse_fine

Then measure it:

    python recipes/evaluate.py --model=runs/joint_charades/model.keras \
        --annotations=charades/Charades_v1_test.csv \
        --video_root=charades/Charades_v1_480
"""

from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras.recipes import finetuning

flags.adopt_module_key_flags(finetuning)  # For --help.


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    finetuning.finetune(data.read_charades, "charades")


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
