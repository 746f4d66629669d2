"""The error of a training run that ends before its last epoch."""


class TrainingStopped(Exception):
    """Raised when training can't go on, or was told to stop.

    Args:
        message: String. The reason, and what can be done.
        exit_status: Integer. Status for a program to exit with: `1`, or 128
            plus the number of a signal, as shells have it. Defaults to `1`.
    """

    def __init__(self, message, exit_status=1):
        super().__init__(message)
        self.exit_status = exit_status
