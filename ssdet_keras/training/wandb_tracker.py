"""Runs of Weights & Biases."""

import io
import pathlib


class WandbTracker:
    """Logs numbers and pictures to Weights & Biases.

    The settings are those of the client: `WANDB_PROJECT`, `WANDB_ENTITY`, and
    `WANDB_MODE=offline` for a run without a network, which `wandb sync` sends
    later. A run that is resumed goes on under its id, which is kept in
    `WORKDIR/wandb_run.txt`. Of epochs that are trained again, the client drops
    what is logged, as its steps must increase.

    Args:
        workdir: Folder of the run.
        settings: Dict of the settings of the run, for its page.

    Raises:
        ImportError: If `wandb` is not installed.

    Example:

    ```python
    tracker = ssdet_keras.training.WandbTracker("run", {"seed": 0})
    tracker.log_values({"loss": 0.5}, step=0)
    tracker.close()
    ```
    """

    def __init__(self, workdir, settings):
        import wandb

        self._wandb = wandb
        workdir = pathlib.Path(workdir)
        path = workdir / "wandb_run.txt"
        run_id = path.read_text().strip() if path.exists() else None
        self._run = wandb.init(
            dir=str(workdir),
            name=workdir.resolve().name,
            config=settings,
            id=run_id,
            resume="allow",
        )
        path.write_text(f"{self._run.id}\n")

    def log_values(self, values, step):
        """Logs a dict of names to floats."""
        self._run.log(values, step=step)

    def log_picture(self, name, png, step):
        """Logs the bytes of a PNG file."""
        from PIL import Image

        picture = self._wandb.Image(Image.open(io.BytesIO(png)))
        self._run.log({name: picture}, step=step)

    def close(self):
        """Ends the run, once all is sent."""
        self._run.finish()
