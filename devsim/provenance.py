"""What a result was made with."""

import platform
from datetime import UTC, datetime
from importlib import metadata


def provenance() -> dict[str, str]:
    """Versions, platform and time, as netCDF attributes."""
    packages = ("devsim-cosim", "jax", "jaxlib", "numpy", "equinox")
    versions = {}
    for package in packages:
        try:
            versions[f"version_{package.replace('-', '_')}"] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[f"version_{package.replace('-', '_')}"] = "not installed"
    return versions | {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
