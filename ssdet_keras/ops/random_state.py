"""Random states of the active backend that no layer holds."""

import keras
import numpy as np


def get_random_state():
    """Returns the global random states, a list of uint8 arrays.

    PyTorch alone has them: of the CPU, then of each GPU. With it, `Dropout`
    without a seed draws from them, and not from the state of its layer.
    """
    if keras.config.backend() != "torch":
        return []
    import torch

    states = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]
    return [state.numpy().copy() for state in states]


def set_random_state(states):
    """Sets the global random states to those of `get_random_state()`.

    States of GPUs that are not there are left out.
    """
    if keras.config.backend() != "torch" or not states:
        return
    import torch

    states = [torch.from_numpy(np.array(state)) for state in states]
    torch.set_rng_state(states[0])
    torch.cuda.set_rng_state_all(states[1 : 1 + torch.cuda.device_count()])
