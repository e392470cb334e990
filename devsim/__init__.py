"""devsim: what will this chip do, compared with the ideal network it imitates?

Importing `devsim` is cheap: JAX and the rest are imported when a name is first used.
Arrays are 64-bit unless the environment variable `JAX_ENABLE_X64` says otherwise.
"""

import os
import sys

if "JAX_ENABLE_X64" not in os.environ:
    os.environ["JAX_ENABLE_X64"] = "1"
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", True)
