"""A journal of results, which survives that its writer is killed."""

import json
import os


class Journal:
    """Remembers the result of each file until the file changes.

    One line of JSON is appended for each result, at once, so that a program
    that was killed loses those alone that it was working on. A line that was
    cut off, or damaged, is as if it was not there.

    Args:
        path: String or `None`. The file, which is made where it is missing.
            With `None`, nothing is remembered.
        version: Integer. Results of another version are not read.

    Example:

    ```python
    with Journal("journal.jsonl", version=1) as journal:
        key = (path, size, mtime_ns)
        if key not in journal.results:
            journal.add(key, {"num_frames": 250})
    ```
    """

    def __init__(self, path, version):
        self._version = version
        self._file = None
        self.results = {}
        if path is None:
            return
        self._file = open(path, "ab+")  # noqa: SIM115
        self._file.seek(0)
        is_complete = True
        for line in self._file:
            is_complete = line.endswith(b"\n")
            self._read_line(line)
        if not is_complete:
            self._file.write(b"\n")
            self._file.flush()

    def add(self, key, result):
        """Appends a result, a dict, of a key, a tuple."""
        self.results[key] = result
        if self._file is None:
            return
        entry = {"version": self._version, "key": key, "result": result}
        line = json.dumps(entry) + "\n"
        # In one write, so that several writers don't mix their lines.
        os.write(self._file.fileno(), line.encode("ascii"))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._file is not None:
            self._file.close()

    def _read_line(self, line):
        try:
            entry = json.loads(line)
            if entry["version"] == self._version:
                self.results[tuple(entry["key"])] = dict(entry["result"])
        except (ValueError, KeyError, TypeError):
            pass
