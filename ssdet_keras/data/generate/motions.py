r"""The motions that generated actors perform.

Every actor has the same eleven pose channels, each with a state in `[0, 1)`
that starts uniformly random. A motion is one channel whose state moves; all
others hold still. Every way of moving keeps a uniform state uniform, so a
single frame has the same distribution whichever motion is performed, and says
nothing about the class:

    still      u ________        the channel of another motion, or idle
    swing      u /\/\/\/\        to 1 and back
    forward    u /|/|/|/|        to 1, then from 0 again
    backward   u |\|\|\|\        to 0, then from 1 again
    turn       u                 forward or backward
    steps      u _/-_/-_/-       so by quarters, with a pause after each
"""

import numpy as np

CHANNELS = (
    "x",
    "y",
    "hop",
    "orbit",
    "angle",
    "rock",
    "scale",
    "width",
    "height",
    "shear",
    "opacity",
)

# No class is the mirror image of another: clips may be flipped sideways.
_MOTIONS = {
    "shaking sideways": ("x", "swing"),
    "shaking up and down": ("y", "swing"),
    "rising": ("y", "backward"),
    "falling": ("y", "forward"),
    "hopping": ("hop", "swing"),
    "circling": ("orbit", "turn"),
    "spinning": ("angle", "turn"),
    "turning in steps": ("angle", "steps"),
    "rocking": ("rock", "swing"),
    "pulsing": ("scale", "swing"),
    "growing": ("scale", "forward"),
    "shrinking": ("scale", "backward"),
    "stretching sideways": ("width", "swing"),
    "stretching up and down": ("height", "swing"),
    "leaning left and right": ("shear", "swing"),
    "blinking": ("opacity", "swing"),
}

MOTIONS = tuple(_MOTIONS)

# In seconds. At five frames per second a period is six to nine frames.
_PERIOD_RANGE = (1.2, 1.8)

# Part of a period in which a step is made.
_STEP_TIME = 0.4


def check_motions(motions):
    """Returns names of motions as a tuple, all of them for `None`."""
    motions = MOTIONS if motions is None else tuple(motions)
    unknown = [name for name in motions if name not in _MOTIONS]
    if unknown or len(motions) < 2 or len(set(motions)) < len(motions):
        raise ValueError(
            "`motions` must be two or more different names of "
            f"{', '.join(MOTIONS)}. Received: motions={motions}"
        )
    return motions


def check_distractor_motions(distractor_motions, motions):
    """Returns names of motions, none of which is a class, as a tuple."""
    names = tuple(distractor_motions)
    if not set(names) <= set(MOTIONS) - set(motions):
        raise ValueError(
            "`distractor_motions` must be names of "
            f"{', '.join(MOTIONS)}, and none of `motions`. Received: "
            f"distractor_motions={names}, motions={motions}"
        )
    return names


def move(state, way, periods, rng):
    """Moves the state of a channel.

    Args:
        state: Float in `[0, 1]`. The state to start from.
        way: String. One of `"swing"`, `"forward"`, `"backward"`, `"turn"` and
            `"steps"`.
        periods: Array of floats from zero upwards. Times, in periods.
        rng: `numpy.random.Generator`.

    Returns:
        Array of the states in `[0, 1]` at these times.
    """
    if way == "swing":
        start = rng.choice([state, 2 - state])
        return 1 - np.abs(1 - (start + 2 * periods) % 2)
    if way == "steps":
        clock = rng.uniform() + periods
        fraction = np.minimum(clock % 1 / _STEP_TIME, 1)
        smooth = fraction * fraction * (3 - 2 * fraction)
        periods = (np.floor(clock) + smooth) / 4
        periods = periods - periods[0]
    if way == "backward" or (way != "forward" and rng.random() < 0.5):
        periods = -periods
    return (state + periods) % 1


def draw_states(actions, num_frames, fps, rng):
    """Draws the states of an actor's channels in every frame.

    Args:
        actions: List of `(motion, start, end)` in order of time: the name of a
            motion and the frames `start <= t < end` in which it is performed.
            A state goes on from where it was left, so nothing jumps.
        num_frames: Integer. Number of frames.
        fps: Number. Frames per second.
        rng: `numpy.random.Generator`.

    Returns:
        Dict of channel names to arrays of shape `(num_frames,)`.
    """
    states = {name: np.full(num_frames, rng.uniform()) for name in CHANNELS}
    for motion, start, end in actions:
        channel, way = _MOTIONS[motion]
        state = states[channel]
        periods = np.arange(end - start) / (fps * rng.uniform(*_PERIOD_RANGE))
        path = move(state[start], way, periods, rng)
        state[start + 1 : end] = path[1:]
        state[end:] = state[end - 1]
    return states
