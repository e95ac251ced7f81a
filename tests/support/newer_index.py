"""An index that has a newer version of everything: what somebody will publish tomorrow."""

import re
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

VERSION = "9999.0"
_METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
_WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def publish(names: Iterable[str], directory: Path) -> Path:
    """Write an empty wheel of version 9999.0 for each name; pip finds them by PIP_FIND_LINKS."""
    for name in names:
        _publish(re.sub("[-.]+", "_", name), directory)
    return directory


def _publish(name: str, directory: Path) -> None:
    information = f"{name}-{VERSION}.dist-info"
    with ZipFile(directory / f"{name}-{VERSION}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{information}/METADATA", _METADATA.format(name=name, version=VERSION))
        wheel.writestr(f"{information}/WHEEL", _WHEEL)
        wheel.writestr(f"{information}/RECORD", "")
