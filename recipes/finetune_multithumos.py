r"""Fine-tunes X3D, SlowFast or Coarse-Fine for detection on MultiTHUMOS.

The recipe is that of Charades, as in [Kahatapitiya et al., 2023](
https://arxiv.org/abs/2111.13675).

    KERAS_BACKEND=torch python recipes/finetune_multithumos.py \
        --annotations=multithumos/multithumos.json \
        --video_root=thumos14/videos --class_names=multithumos/class_list.txt \
        --initial_model=runs/joint/model.keras --workdir=runs/joint_multithumos

Detectors of two streams are trained as finetune_charades.py says.

Then measure it:

    python recipes/evaluate.py --dataset=multithumos --split=testing \
        --model=runs/joint_multithumos/model.keras \
        --annotations=multithumos/multithumos.json --video_root=thumos14/videos
"""

from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras.recipes import finetuning

flags.adopt_module_key_flags(finetuning)  # For --help.

_SPLIT = flags.DEFINE_string("split", "training", "Split to train on.")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    finetuning.finetune(
        data.read_multithumos, "multithumos", split=_SPLIT.value
    )


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
