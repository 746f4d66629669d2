r"""Fine-tunes X3D for detection on Charades.

The flag defaults are the settings of [Kahatapitiya et al., 2023](
https://arxiv.org/abs/2111.13675).

    KERAS_BACKEND=torch python recipes/finetune_charades.py \
        --annotations=charades/Charades_v1_train.csv \
        --video_root=charades/Charades_v1_480 \
        --class_names=charades/Charades_v1_classes.txt \
        --initial_model=runs/joint/model.keras --workdir=runs/joint_charades

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
