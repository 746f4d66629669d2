"""What two processes on one machine are told of each other."""

import json
import socket

import keras


def find_ports(number):
    """Returns ports that are free."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def make_environment(rank, ports):
    """Returns the variables of one of two processes."""
    addresses = [f"127.0.0.1:{port}" for port in ports]
    return {
        "torch": {
            "RANK": str(rank),
            "WORLD_SIZE": "2",
            "LOCAL_RANK": str(rank),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(ports[0]),
        },
        "tensorflow": {
            "TF_CONFIG": json.dumps(
                {
                    "cluster": {"worker": addresses},
                    "task": {"type": "worker", "index": rank},
                }
            )
        },
        "jax": {
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": addresses[0],
            "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
            "KERAS_DISTRIBUTION_PROCESS_ID": str(rank),
        },
    }[keras.config.backend()]
