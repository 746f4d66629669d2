"""Runs of MLflow."""

import io
import pathlib


class MLflowTracker:
    """Logs numbers and pictures to MLflow.

    The settings are those of the client: `MLFLOW_TRACKING_URI`, which is a
    server or a local data base, and `MLFLOW_EXPERIMENT_NAME`. A run that is
    resumed goes on under its id, which is kept in `WORKDIR/mlflow_run.txt`.

    Args:
        workdir: Folder of the run.
        settings: Dict of the settings of the run, for its page.

    Raises:
        ImportError: If `mlflow` is not installed.

    Example:

    ```python
    tracker = ssdet_keras.training.MLflowTracker("run", {"seed": 0})
    tracker.log_values({"loss": 0.5}, step=0)
    tracker.close()
    ```
    """

    def __init__(self, workdir, settings):
        import mlflow

        self._mlflow = mlflow
        workdir = pathlib.Path(workdir)
        path = workdir / "mlflow_run.txt"
        if path.exists():
            self._run = mlflow.start_run(run_id=path.read_text().strip())
        else:
            self._run = mlflow.start_run(run_name=workdir.resolve().name)
            mlflow.log_params(settings)
            path.write_text(f"{self._run.info.run_id}\n")

    def log_values(self, values, step):
        """Logs a dict of names to floats."""
        self._mlflow.log_metrics(values, step=step)

    def log_picture(self, name, png, step):
        """Logs the bytes of a PNG file."""
        from PIL import Image

        picture = Image.open(io.BytesIO(png))
        self._mlflow.log_image(picture, key=name, step=step)

    def close(self):
        """Ends the run."""
        self._mlflow.end_run()
