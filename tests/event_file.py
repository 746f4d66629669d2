"""Event files of TensorBoard, read without the code that writes them."""

import struct

from tensorboardX.proto.event_pb2 import Event


def read_events(folder):
    """Returns the events of all files of a folder, oldest file first."""
    events = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        content, start = path.read_bytes(), 0
        while start < len(content):
            # Length, checksum, content, checksum.
            (length,) = struct.unpack_from("<Q", content, start)
            start += 12
            events.append(Event.FromString(content[start : start + length]))
            start += length + 4
    return events
