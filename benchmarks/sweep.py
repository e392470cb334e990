"""Sweeps of the crossbar chip: both cores beside one thread, two Dask workers beside this process, compilations.

Run as `python benchmarks/sweep.py [--points 2] [--dies 16]`. Every way sweeps once to compile, then again with another seed,
which is timed. What 10,000 points of 16 dies would take is extrapolated from that.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time

WAYS = ("one core", "both cores", "two Dask workers")


def measure(way, points, dies, cache):
    """Runs in a second, seconds of both sweeps, and how many blocks this process compiled for them."""
    if way == "one core":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import devsim  # noqa: F401, I001  before JAX, whose precision it sets
    import jax

    from circuits.crossbar_hopfield import CrossbarHopfield
    from devsim import runs
    from devsim.sweep import sweep
    from devsim.sweep.cache import share_compilations

    share_compilations(cache)
    chip, over = CrossbarHopfield.design(), {"array.wire_resistance": f"log:0.5:5:{points}"}

    def swept(seed, engine):
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            sweep(chip, over, dies=dies, key=jax.random.key(seed), engine=engine, out=folder, chunk=chunk)
        return time.perf_counter() - begin

    chunk = None if way != "two Dask workers" else max(4, points * dies // 8)
    if way == "two Dask workers":
        from distributed import LocalCluster

        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as workers:
            engine = workers.scheduler_address.replace("tcp://", "dask://")
            first, again = swept(0, engine), swept(1, engine)
    else:
        first, again = swept(0, "local"), swept(1, "local")
    return {"rate": points * dies / again, "first": first, "again": again, "compiled": len(runs._compiled)}


def main():
    """Each way in a process of its own, then the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=2)
    parser.add_argument("--dies", type=int, default=16)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--cache", default="")
    told = parser.parse_args()
    if told.way:
        from pathlib import Path

        print(json.dumps(measure(told.way, told.points, told.dies, Path(told.cache))))
        return
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        for way in WAYS:
            words = ["--way", way, "--points", str(told.points), "--dies", str(told.dies), "--cache", cache]
            out = subprocess.run([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True, check=True).stdout
            found[way] = json.loads(out.splitlines()[-1])
            print(f"{way}: {found[way]}; load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    one, both, dask = (found[way]["rate"] for way in WAYS)
    print(f"{told.points} points x {told.dies} dies of crossbar-hopfield, {platform.machine()}, load {os.getloadavg()[0]:.1f}")
    for way, row in found.items():
        hours = 160_000 / row["rate"] / 3600
        print(f"  {way:18} {row['rate']:8.3f} runs/s; 10,000 x 16 would take {hours:.1f} h; {row['compiled']} compiled here")
    print(f"both cores / one core: {both / one:.2f}; two Dask workers / both cores: {dask / both:.2f}")


if __name__ == "__main__":
    main()
