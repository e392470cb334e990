"""The benches that come with devsim: how devices are usually measured, one family to a file."""
