"""What a video file is like."""

import dataclasses
import hashlib
import os

from ssdet_keras.data.video_file import VideoFile
from ssdet_keras.data.video_read_error import VideoReadError

_BYTES_PER_PART = 2**16


@dataclasses.dataclass(frozen=True)
class VideoFacts:
    """What a video file is like, whatever the annotations say of it.

    Args:
        error: String or `None`. Why the video can't be read.
        num_frames: Integer or `None`. Number of frames, as far as it is
            known. Unless `thorough`, that of the header, which is a guess in
            formats that don't store it, such as `.mkv`.
        fps: Float or `None`. Frames per second.
        height: Integer or `None`, in pixels, after the rotation.
        width: Integer or `None`, in pixels, after the rotation.
        rotation: Integer. Degrees by which the file asks to be turned.
        codec: String. Four characters, such as `"h264"`, or `"frames"` for a
            folder of pictures.
        parts_digest: String or `None`. Equal for equal videos: of the size
            and some parts of the file.
        whole_digest: String or `None`. The same of the whole file.
        thorough: Boolean. Whether every frame was decoded.
    """

    error: str | None = None
    num_frames: int | None = None
    fps: float | None = None
    height: int | None = None
    width: int | None = None
    rotation: int = 0
    codec: str = ""
    parts_digest: str | None = None
    whole_digest: str | None = None
    thorough: bool = False


def probe_video(path, thorough=False):
    """Finds out what a video file is like.

    Args:
        path: String or path. A video file, or a folder of pictures.
        thorough: Boolean. Whether to decode every frame, which takes about
            as long as a pass of training over the whole video, rather than
            to read the header and the first frame. Defaults to `False`.

    Returns:
        `VideoFacts`.
    """
    path = os.fspath(path)
    try:
        _check_end(path)
        with VideoFile(path) as video:
            video.read([0])
            num_frames = video.header_num_frames
            if thorough:
                num_frames = _decode(video)
            return VideoFacts(
                num_frames=num_frames,
                fps=video.fps,
                height=video.height,
                width=video.width,
                rotation=video.rotation,
                codec=video.codec,
                parts_digest=_digest(path, is_whole=False),
                whole_digest=_digest(path, is_whole=True) if thorough else None,
                thorough=thorough,
            )
    except VideoReadError as error:
        return VideoFacts(error=error.reason, thorough=thorough)
    except OSError as error:
        reason = error.strerror or str(error)
        return VideoFacts(error=reason, thorough=thorough)


def _decode(video):
    """Returns the number of frames, all of which can be decoded."""
    num_decodable = video.count_decodable_frames()
    if num_decodable < video.num_frames:
        raise VideoReadError(
            video.path,
            f"it has {video.num_frames} frames, of which only {num_decodable} "
            "can be decoded",
        )
    return num_decodable


def _check_end(path):
    """Raises an error if the end of an mp4 file is missing.

    Its boxes tell how long they are. The header alone may be fine: players
    start on such files, and stop somewhere.
    """
    if os.path.isdir(path):
        return
    size = os.path.getsize(path)
    position = 0
    with open(path, "rb") as file:
        if file.read(8)[4:] != b"ftyp":
            return
        while position < size:
            file.seek(position)
            header = file.read(16)
            length, kind = int.from_bytes(header[:4], "big"), header[4:8]
            if length == 1:
                length = int.from_bytes(header[8:], "big")
            if length < 8:
                # The last box, or none at all.
                return
            position += length
    if position > size and kind in (b"mdat", b"moov", b"moof"):
        raise VideoReadError(
            path,
            f"the file is cut off: {position - size:,} of {position:,} bytes "
            "are missing",
        )


def _digest(path, is_whole):
    """Returns a hash of the content, whatever the names of the files."""
    digest = hashlib.blake2b(digest_size=16)
    files = [path]
    if os.path.isdir(path):
        names = sorted(os.listdir(path))
        digest.update(b"%d " % len(names))
        if not is_whole:
            names = [names[0], names[len(names) // 2], names[-1]]
        files = [os.path.join(path, name) for name in names]
    for name in files:
        with open(name, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(b"%d " % size)
            if is_whole:
                while block := file.read(2**20):
                    digest.update(block)
                continue
            last = max(0, size - _BYTES_PER_PART)
            for start in (0, last // 2, last):
                file.seek(start)
                digest.update(file.read(_BYTES_PER_PART))
    return digest.hexdigest()
