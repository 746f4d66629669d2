"""The processes that launchers have started."""

import dataclasses
import json
import os

import keras

# What launchers set: rank, number of processes, rank on the machine.
_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
_KERAS = (
    "KERAS_DISTRIBUTION_PROCESS_ID",
    "KERAS_DISTRIBUTION_NUM_PROCESSES",
)
_SRUN = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID")


@dataclasses.dataclass(frozen=True)
class Processes:
    """This process among those that are started for one run.

    Attributes:
        rank: Integer. Number of this process.
        num_processes: Integer.
        address: String. `host:port` at which they find together, of rank 0.
            With TensorFlow, where each has its own, that of this process.
        local_rank: Integer. Number of this process on its machine.
    """

    rank: int
    num_processes: int
    address: str
    local_rank: int = 0

    def __post_init__(self):
        if not 0 <= self.rank < self.num_processes:
            raise ValueError(
                "The rank of a process must be in the range [0, number of "
                f"processes). Received: rank={self.rank}, "
                f"num_processes={self.num_processes}"
            )

    def explain(self, error, timeout):
        """Returns a text on why the processes did not find together."""
        text = str(error)
        reason = text.splitlines()[0][:300] if text else type(error).__name__
        # Each library has its own words.
        if any(
            word in text.lower()
            for word in ("eaddrinuse", "already in use", "could not start grpc")
        ):
            return (
                f"The port of {self.address} is taken, by another run perhaps: "
                f"choose another one. ({reason})"
            )
        return (
            f"Not all of {self.num_processes} processes came to "
            f"{self.address} within {timeout} s. Are as many started, each "
            "with its own rank, and is the address that of rank 0? Received: "
            f"rank={self.rank}. ({reason})"
        )


def read_processes():
    """Returns the `Processes` that the environment tells of, or `None`.

    They are those of `srun` with any backend, of `torchrun` with PyTorch, of
    `TF_CONFIG` with TensorFlow, and of the `KERAS_DISTRIBUTION_` variables of
    Keras with JAX.

    Raises:
        ValueError: If the environment contradicts itself.
    """
    backend, environment = keras.config.backend(), os.environ
    if backend == "torch" and _TORCHRUN[1] in environment:
        return _read(_TORCHRUN, _read_address())
    if backend == "tensorflow" and "TF_CONFIG" in environment:
        return _read_tf_config(environment["TF_CONFIG"])
    if backend == "jax" and _KERAS[1] in environment:
        addresses = environment.get("KERAS_DISTRIBUTION_JOB_ADDRESSES", "")
        return _read(_KERAS, addresses.split(",")[0])
    # Without `srun`, a batch job has one process, however many it may start.
    if environment.get(_SRUN[1], "1") != "1":
        return _read(_SRUN, _read_address())
    return None


def _read(names, address):
    try:
        rank, num_processes, *local_rank = (
            int(os.environ[name]) for name in names
        )
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"The environment must hold the integers {', '.join(names)}. "
            f"Received: {error!r}"
        ) from error
    return Processes(rank, num_processes, address, *local_rank)


def _read_address():
    host = os.environ.get("MASTER_ADDR")
    if host is None:
        # Of the machine on which `srun` was called, in a batch job the first.
        host = os.environ.get("SLURM_LAUNCH_NODE_IPADDR", "127.0.0.1")
    port = os.environ.get("MASTER_PORT")
    if port is None:
        # Jobs that share a machine have different ones.
        port = 29500 + int(os.environ.get("SLURM_JOB_ID", 0)) % 1000
    return f"{host}:{port}"


def _read_tf_config(text):
    try:
        config = json.loads(text)
        workers = config["cluster"]["worker"]
        rank = int(config["task"]["index"])
        # Negative ones are refused by `Processes`.
        address = workers[rank % len(workers)]
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ValueError(
            "TF_CONFIG must be JSON with cluster.worker, a list of addresses, "
            f"and task.index. Received: TF_CONFIG={text}"
        ) from error
    return Processes(rank, len(workers), address)
