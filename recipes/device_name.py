"""What a machine computes with."""

import os
import pathlib
import platform
import re
import subprocess


def get_device_name():
    """Returns the names of the GPUs, or of the processor without one.

    Only NVIDIA's program is asked, so that no backend need be loaded.
    """
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=True
        )
        names = result.stdout.split("\n")[:-1]
    except (OSError, subprocess.SubprocessError):
        names = []
    if names:
        return ", ".join(names)
    name = platform.processor() or platform.machine()
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        match = re.search(r"model name\s*: (.+)", info.read_text())
        name = match.group(1) if match else name
    return f"{os.cpu_count()} cores, {name}"
