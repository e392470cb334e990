"""The gallery: one file is one chip. `devsim` never imports this package; it finds chips through entry points."""
