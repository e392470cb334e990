"""A sweep on a Dask cluster: the same bits as in this process, and a clear word where there is no cluster."""

import os
import pickle
import socket
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from devsim.check import InputError
from devsim.sweep import cluster, sweep
from devsim.sweep.worker import Recipe
from devsim.variability import varied
from tests.sweep.divider import Divider
from tests.sweep.test_sweep import DIES, KEY, OVER, assert_same_bits, swept

distributed = pytest.importorskip("distributed")


@pytest.fixture
def nobody():
    """The port of a listener that never answers."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        yield deaf.getsockname()[1]


@pytest.mark.parametrize("listens", [False, True])
def test_a_dead_scheduler_is_told_within_ten_seconds(listens, nobody, tmp_path, monkeypatch):
    assert 2 * cluster.ANSWERS_WITHIN <= 10
    monkeypatch.setattr(cluster, "ANSWERS_WITHIN", 0.3)
    port, started = nobody if listens else 1, time.monotonic()
    with pytest.raises(InputError, match=f"No Dask scheduler answers at `127.0.0.1:{port}` .*or use `--engine local`"):
        swept(tmp_path / "out", engine=f"dask://127.0.0.1:{port}")
    assert time.monotonic() - started < 10
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "engine", ["dusk", "dask", "dask://", "dask://here", "dask://here:0", "dask://here:99999", "dask://a b:1"]
)
def test_an_engine_that_is_none_is_refused(engine):
    with pytest.raises(InputError, match="`--engine` must be `local` or `dask://HOST:PORT`"):
        swept(engine=engine)


def test_shards_are_not_for_clusters(tmp_path):
    with pytest.raises(InputError, match="Give one of the two"):
        swept(tmp_path, engine="dask://127.0.0.1:1", shard="0/2")


def test_a_varied_chip_travels_whole():
    chip = varied(Divider.design(), process={"upper.resistance": 0.1}, key=KEY)
    recipe = pickle.loads(pickle.dumps(Recipe.of(plan_of(chip), None)))
    assert recipe.plan().identity == plan_of(chip).identity


def plan_of(chip):
    from devsim.sweep.design import Design
    from devsim.sweep.plan import Plan

    return Plan.of(chip, Design.planned(chip, OVER, kind="grid", points=None, key=KEY), dies=DIES, key=KEY)


def test_a_chip_travels_as_its_name_and_arrays():
    chip = Divider.design().set("lower.resistance", 123.0)
    recipe = Recipe.of(plan_of(chip), None)
    assert recipe.chip == (Divider.__module__, "Divider")
    assert all(isinstance(array, np.ndarray) for array in recipe.arrays)
    again = recipe.plan()
    assert again.identity == plan_of(chip).identity
    assert jax.tree.structure(again.chip) == jax.tree.structure(chip)


@pytest.mark.slow
def test_two_workers_find_the_same_bytes(tmp_path, monkeypatch):
    places = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(places))
    told = []
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as workers:
        address = workers.scheduler_address.replace("tcp://", "dask://")
        found = swept(tmp_path, engine=address, chunk=8, tell=told.append)
        assert len(workers.scheduler_info["workers"]) == 2
    assert_same_bits(found, swept())
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.nc"]
    assert len(told) == 1 and "`--engine local` would need" in told[0]


@pytest.mark.slow
def test_a_scheduler_without_workers_is_told():
    with distributed.LocalCluster(n_workers=0, processes=True, dashboard_address=None) as empty:
        address = empty.scheduler_address
        with pytest.raises(InputError, match="has no workers; start some"):
            sweep(Divider.design(), OVER, dies=1, key=KEY, engine=address.replace("tcp://", "dask://"))
