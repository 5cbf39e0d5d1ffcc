"""Where a file lies: SQLite needs a disk of this machine."""

from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

NETWORK = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "coda", "lustre", "beegfs",
        "glusterfs", "fuse.sshfs", "fuse.glusterfs", "fuse.davfs", "fuse.s3fs", "fuse.rclone", "davfs",
    }
)  # fmt: skip


def network_file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The kind of network file system that `path` lies on; nothing for a local disk.

    Only Linux tells (`/proc/self/mountinfo`); elsewhere every place counts as local.
    Source: proc(5), /proc/pid/mountinfo.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    wanted = path.resolve()
    kind, depth = "", -1
    for line in lines:
        place, _, rest = line.partition(" - ")
        fields = place.split(" ")
        if len(fields) < 5 or not rest:
            continue
        point = Path(_unescaped(fields[4]))
        # A later mount over the same place hides the earlier one.
        if wanted.is_relative_to(point) and len(point.parts) >= depth:
            kind, depth = rest.split(" ", 1)[0], len(point.parts)
    return kind if kind in NETWORK else None


def _unescaped(point: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point
