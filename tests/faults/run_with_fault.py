"""Runs a recipe in which something goes wrong at a given place.

    python run_with_fault.py FAULT RECIPE.py FLAG...

FAULT is one of

    none
    kill_after=N           kill -9 after N steps of this process
    kill_in=NAME           kill -9 when half of a checkpoint is written
    full_disk_after=N      files can't grow beyond a few bytes after N steps
    full_disk_at_end       the same before the trained model is written
"""

import importlib.util
import os
import resource
import signal
import sys
import zipfile

from absl import app
from absl import logging

from ssdet_keras import training


def after_steps(num_steps, function):
    """Calls a function once so many steps are done, before they are saved."""
    on_train_batch_end = training.Checkpoints.on_train_batch_end
    counted = []

    def on_batch_end(self, batch, logs=None):
        counted.append(batch)
        if len(counted) == num_steps:
            function()
        on_train_batch_end(self, batch, logs)

    training.Checkpoints.on_train_batch_end = on_batch_end


def before_the_end(function):
    """Calls a function before the trained model is written."""
    save_model = training.WorkDir.save_model

    def save(self, model):
        function()
        save_model(self, model)

    training.WorkDir.save_model = save


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def fill_disk():
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))


def kill_in_checkpoint(name):
    writestr = zipfile.ZipFile.writestr

    def write(self, member, content, *args, **kwargs):
        if name in str(self.filename) and member == "training_state.npz":
            self.fp.flush()
            kill()
        writestr(self, member, content, *args, **kwargs)

    zipfile.ZipFile.writestr = write


def main():
    fault, path, *arguments = sys.argv[1:]
    name, _, value = fault.partition("=")
    if name == "kill_after":
        after_steps(int(value), kill)
    elif name == "full_disk_after":
        after_steps(int(value), fill_disk)
    elif name == "full_disk_at_end":
        before_the_end(fill_disk)
    elif name == "kill_in":
        kill_in_checkpoint(value)
    # Compiling takes longer than these runs.
    trainer = sys.modules["keras.src.trainers.trainer"]
    trainer.model_supports_jit = lambda model: False
    spec = importlib.util.spec_from_file_location("recipe", path)
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    logging.set_verbosity(logging.INFO)
    app.run(recipe.main, argv=[path, *arguments])


if __name__ == "__main__":
    main()
