"""Collate functions that spawned worker processes can import."""

import keras
import numpy as np


class CollateClips:
    """Stacks clips, augments them, and tells which worker did."""

    def __init__(self, layer):
        self.layer = layer

    def __call__(self, clips):
        import torch

        batch = {k: np.stack([clip[k] for clip in clips]) for k in clips[0]}
        batch = self.layer(batch)
        arrays = {
            key: np.array(keras.ops.convert_to_numpy(batch[key]))
            for key in ("videos", "labels")
        }
        worker = torch.utils.data.get_worker_info()
        return {**batch, **arrays, "worker": worker.id if worker else None}
