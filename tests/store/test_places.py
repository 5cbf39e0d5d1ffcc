"""SQLite's file must lie on a disk of this machine."""

from pathlib import Path

import pytest

from nurture.store.places import network_file_system

MOUNTS = r"""22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:40 / /srv rw,relatime shared:1 - nfs4 server:/srv rw
31 30 0:41 / /srv/local rw - ext4 /dev/sdb1 rw
32 22 0:42 / /mnt/my\040share rw - cifs //server/share rw
33 22 0:43 / /again rw - nfs server:/again rw
34 22 8:2 / /again rw - xfs /dev/sdc1 rw
35 22 0:44 / /ssh rw - fuse.sshfs me@server: rw
nonsense
36 22 0:45 /nothing
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/nurture", None),
        ("/srv/nurture", "nfs4"),
        ("/srv/local/nurture", None),
        ("/srvother", None),
        ("/mnt/my share/var", "cifs"),
        ("/again/var", None),
        ("/ssh", "fuse.sshfs"),
    ],
)
def test_a_network_file_system_is_told_by_the_nearest_mount(
    tmp_path: Path, path: str, kind: str | None
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert network_file_system(Path(path), mounts) == kind


def test_where_nobody_tells_every_place_counts_as_local(tmp_path: Path) -> None:
    assert network_file_system(tmp_path, tmp_path / "no-such-file") is None


def test_this_machine_is_understood(tmp_path: Path) -> None:
    assert network_file_system(tmp_path) is None
