"""The long layer, part by part: each does its harm, looks at what is left, and gives a row of figures."""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faults.harness import MODES, manifest, naive_violations, small_catalog, torn, violations, worker
from faults.season import soak_season
from hub_peer import CLIENT, SECRET, peer_over
from workshop import Scene, build_catalog, run_plain

from agro.domain.errors import TornFile
from agro.store.backup import back_up, restore
from agro.store.history import fieldstats
from agro.store.index import places
from agro.store.publish import Store, read_asset, whole
from flows.settings import load

ROOT = Path(__file__).parents[2]
_AGRO = [sys.executable, "-c", "from agro.cli import main; main()"]


@dataclass(frozen=True)
class Row:
    """One line of the table: what was done, what came of it, and whether that is what is promised."""

    what: str
    met: str
    held: bool


def crash_points(folder: Path) -> list[Row]:
    """Each writing call of a pass over three fields goes wrong once, in each way; then one more run."""
    rows, caught, tried = [], 0, 0
    with worker(folder) as crash:
        made, ready = small_catalog(folder), folder / "ready"
        crash.run(who="ours", root=str(ready), overrides=made.overrides(ready), here=True)
        expected, store = manifest(ready), folder / "store"
        told = {"who": "ours", "root": str(store), "overrides": made.overrides(store)}
        for mode in range(1, len(MODES)):
            shutil.rmtree(store, ignore_errors=True)
            points = crash.points(mode, **told)
            broken = [v for n in range(1, points + 1) for v in violations(crash, made, expected, store, n, mode)]
            shown = f"; the first: {broken[0]}" if broken else ""
            rows.append(
                Row(
                    f"{MODES[mode]}, at each of {points} calls of a pass over three fields",
                    f"{len(broken)} violations{shown}",
                    not broken,
                )
            )
        for mode in (1, 2):
            naive = {"who": "naive", "root": str(folder / "naive"), "ready": str(ready)}
            points = crash.points(mode, **naive)
            tried += points
            caught += sum(bool(naive_violations(crash, ready, folder / "naive", n, mode)) for n in range(1, points + 1))
    rows.append(
        Row("the same kills of the naive publisher (the mutant)", f"caught at {caught} of {tried}", caught > tried / 2)
    )
    return rows


def random_kills(folder: Path, kills: int = 200) -> list[Row]:
    """`kill -9` at random times of runs without a server, in this process's warm children."""
    made, expected, broken, fired, longest = small_catalog(folder, 3), {}, [], 0, 0.0
    chance = random.Random(11)  # noqa: S311
    run_plain(load("stac", made.overrides(folder / "ready")))
    expected = manifest(folder / "ready")
    lasting = 0.0
    tries = 0
    while fired < kills and tries < 3 * kills:
        tries += 1
        store = folder / "store"
        shutil.rmtree(store, ignore_errors=True)
        settings = load("stac", made.overrides(store))
        lasting = lasting or _lasts(lambda: run_plain(load("stac", made.overrides(folder / "timed"))))
        status, _ = _child(lambda: run_plain(settings), chance.uniform(0, lasting))  # noqa: B023
        fired += status == -signal.SIGKILL
        broken += [f"half visible: {place}" for place in torn(store)]
        status, took = _child(lambda: run_plain(settings), None)  # noqa: B023
        longest = max(longest, took)
        broken += [f"the next run ended with {status}"] if status else []
        broken += ["something else is there"] if manifest(store) != expected else []
    return [
        Row(
            f"{fired} random `kill -9` of a run of three passes without a server",
            f"{len(broken)} violations; the next run took at most {longest:.1f} s",
            not broken and fired == kills and longest <= 10,
        )
    ]


def _lasts(work: Callable[[], object]) -> float:
    return _child(work, None)[1]


def _child(work: Callable[[], object], dies_after_s: float | None) -> tuple[int, float]:
    """Do work in a forked child, killed after a while: how it ended, and how long it took."""
    import dask.threaded

    began = time.monotonic()
    child = os.fork()
    if child == 0:
        dask.threaded.default_pool = None
        dask.threaded.pools.clear()
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    if dies_after_s is not None:
        time.sleep(dies_after_s)
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, time.monotonic() - began


def kills_with_server(folder: Path, kills: int = 20) -> list[Row]:
    """`kill -9` of `agro run` with Prefect's server, then `agro run` again."""
    made = small_catalog(folder, 3)
    run_plain(load("stac", made.overrides(folder / "ready")))
    expected, broken, fired, longest = manifest(folder / "ready"), [], 0, 0.0
    chance, lasting = random.Random(12), 0.0  # noqa: S311
    told = {**os.environ, "AGRO_HOME": str(folder / "home")}
    for n in range(2 * kills + 1):
        if fired == kills:
            break
        store = folder / f"store{n}"
        sets = [word for one in made.overrides(store, "output.after_run=false") for word in ("--set", one)]
        command = [*_AGRO, "run", "--config", "stac", "--json", *sets]
        if lasting:
            first = subprocess.Popen(command, env=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                first.wait(chance.uniform(0.5, 1.1) * lasting)
            except subprocess.TimeoutExpired:
                first.kill()
            fired += first.wait() == -9
            broken += [f"half visible: {place}" for place in torn(store)]
        began = time.monotonic()
        again = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
        lasting = lasting or time.monotonic() - began
        broken += [f"the next run ended with {again.returncode}: {again.stderr[-200:]}"] if again.returncode else []
        longest = max(longest, json.loads(again.stdout)["seconds"] if not again.returncode else 0.0)
        broken += ["something else is there"] if manifest(store) != expected else []
    return [
        Row(
            f"{fired} random `kill -9` of `agro run` with Prefect's server",
            f"{len(broken)} violations; the next run took at most {longest:.1f} s after start-up",
            not broken and fired == kills and longest <= 10,
        )
    ]


def flipped_bytes(folder: Path, flips: int = 1000) -> list[Row]:
    """One byte of a published file changed to another one, a thousand times."""
    made, store = small_catalog(folder, 3), Store(folder / "store")
    run_plain(load("stac", made.overrides(store.root)))
    files = [file for place in places(store) for file in sorted((store.root / place).iterdir())]
    chance, seen = random.Random(13), 0  # noqa: S311
    for _ in range(flips):
        file = chance.choice(files)
        content = file.read_bytes()
        at = chance.randrange(len(content))
        file.write_bytes(content[:at] + bytes([content[at] ^ chance.randrange(1, 256)]) + content[at + 1 :])
        seen += _damaged(store, file.parent.relative_to(store.root).as_posix())
        file.write_bytes(content)
    assert not torn(store.root)
    return [Row(f"{flips} bytes changed in {len(files)} published files", f"{seen} detected", seen == flips)]


def _damaged(store: Store, place: str) -> bool:
    try:
        result = whole(store, place)
        for name in result.item["assets"]:
            read_asset(store, result, name)
    except TornFile:
        return True
    return False


def orders(folder: Path) -> list[Row]:
    """Four passes, three of them products of one look, arrive one after the other in all orders."""
    datatake = {"s2:datatake_id": "GS2A_20210701T050000_031000_N04.00", "s2:mgrs_tile": "45UVB"}
    looks = [
        Scene("old", baseline="04.00", offset=-0.1, properties=datatake),
        Scene("new", baseline="05.10", offset=-0.1, properties=datatake),
        Scene("later", "2021-07-09T05:00:00Z", scl=9),
        Scene("earlier", "2021-06-09T05:00:00Z"),
    ]
    ends = set()
    for n, order in enumerate(itertools.permutations(looks)):
        for k in range(1, 5):
            made = build_catalog(folder, order[:k], name=f"o{n}k{k}")
            ran = run_plain(load("stac", made.overrides(folder / f"s{n}")))
            assert len(ran.done) == 1 and not ran.refused
            shutil.rmtree(made.folder)
        table = fieldstats(Store(folder / f"s{n}")).to_csv()
        ends.add((json.dumps(manifest(folder / f"s{n}"), sort_keys=True), table))
    return [Row("four passes in all 24 orders of arrival", f"{len(ends)} end state", len(ends) == 1)]


def poisoned(folder: Path) -> list[Row]:
    """Some of the passes and of the outlines are bad in different ways; the others must not differ by a byte."""
    looks = [Scene(f"s{i}", f"2021-07-{i + 1:02}T05:00:00Z") for i in range(8)]
    clean = build_catalog(folder, looks[:4], name="clean")
    run_plain(load("stac", clean.overrides(folder / "a")))
    bad = build_catalog(folder, looks, name="bad")
    for name, harm in (
        ("s4", lambda path: path.write_bytes(path.read_bytes()[:300])),
        ("s5", lambda path: path.write_bytes(b"<html>log in</html>")),
        ("s6", lambda path: path.unlink()),
    ):
        harm(bad.item(name).parent / "red.tif")
    bad.item("s7").write_text('{"type": "Feature", "id": "s7"')
    fields = json.loads(bad.fields.read_text())
    bow = {"type": "Polygon", "coordinates": [[[85.0, 55.0], [85.1, 55.1], [85.1, 55.0], [85.0, 55.1], [85.0, 55.0]]]}
    fields["features"] += [
        {"type": "Feature", "properties": {"field_id": "bow", "district": "topki"}, "geometry": bow},
        {"type": "Feature", "properties": {"field_id": "none", "district": "topki"}, "geometry": None},
    ]
    bad.fields.write_text(json.dumps(fields))
    ran = run_plain(load("stac", bad.overrides(folder / "b")))
    same = manifest(folder / "a") == manifest(folder / "b")
    named = sorted(refusal.code for refusal in [*ran.refused.values(), *ran.plan.refused])
    return [
        Row(
            "4 of 8 passes and 2 of 4 outlines bad in six ways",
            f"results of the others {'identical to the byte' if same else 'DIFFER'}; named: {', '.join(sorted(set(named)))}",
            same and len(ran.done) == 4,
        )
    ]


def secrets(folder: Path) -> list[Row]:
    """A planted secret, a service that refuses and fails, and everything that is left and said."""
    made, found = build_catalog(folder, [Scene("a"), Scene("b", "2021-07-04T05:00:00Z")]), 0
    os.environ |= {"SH_CLIENT_ID": CLIENT, "SH_CLIENT_SECRET": SECRET, "AGRO_SMTP_PASSWORD": SECRET}
    told = {**os.environ, "AGRO_HOME": str(folder / "home")}
    said = ""
    with peer_over(made.catalog) as peer:
        peer.misbehave("process", "403", "500", "html")
        sets = peer.sets(folder / "ledger", f"fields.path={made.fields}", f"store.path={folder / 'store'}")
        words = [word for one in [*sets, "output.after_run=false"] for word in ("--set", one)]
        for command in (["run", "--json"], ["doctor", "--json"], ["doctor"]):
            did = subprocess.run(
                [*_AGRO, *command, "--config", "sentinel-hub", *words],
                env=told,
                capture_output=True,
                text=True,
                check=False,
            )
            said += did.stdout + did.stderr
        assert peer.count("process"), f"the service was never asked: {said[-500:]}"
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(made.folder)]
    found = said.count(SECRET) + sum(SECRET.encode() in path.read_bytes() for path in files)
    for name in ("SH_CLIENT_ID", "SH_CLIENT_SECRET", "AGRO_SMTP_PASSWORD"):
        del os.environ[name]
    return [
        Row(f"a planted secret, sought in {len(files)} files and all output", f"found in {found} places", not found)
    ]


def backups(folder: Path) -> list[Row]:
    """Backups made while a run publishes, each restored."""
    made, store = small_catalog(folder, 12), folder / "store"
    running = threading.Thread(target=lambda: run_plain(load("stac", made.overrides(store))))
    running.start()
    taken = []
    while running.is_alive():
        if store.exists():
            taken.append(back_up(Store(store), folder / f"b{len(taken)}"))
        time.sleep(0.2)
    running.join()
    back = [restore(folder / f"b{n}", folder / f"r{n}") for n in range(len(taken))]
    same = sum(
        a.manifest == b.manifest and not a.damaged and not torn(folder / f"r{n}")
        for n, (a, b) in enumerate(zip(taken, back, strict=True))
    )
    mid = sum(0 < one.results < len(list(places(Store(store)))) for one in taken)
    return [
        Row(
            f"{len(taken)} backups during a run of 12 passes ({mid} of them of a half-filled store), restored",
            f"{same} to the same manifest",
            same == len(taken) and mid > 0,
        )
    ]


def clock(folder: Path) -> list[Row]:
    """The clock stands three years back for the second of three runs, and a day ahead for the third."""
    made, store = small_catalog(folder, 3), folder / "store"
    run_plain(load("stac", made.overrides(folder / "ready")))
    looks = sorted(made.catalog.parent.glob("sentinel-2-l2a/s*/s*.json"))
    hidden = [path.rename(path.with_suffix(".away")) for path in looks]
    for n, by in enumerate((0, -94_608_000, 86_400)):
        hidden[n].rename(looks[n])
        (folder / f"w{n}").mkdir()
        with worker(folder / f"w{n}", FI_CLOCK_S=str(by)) as crash:
            did = crash.run(who="ours", root=str(store), overrides=made.overrides(store), here=True)
        assert did["codes"] == [] or n < 2, did
    order = [item.properties["agro:acquisition_id"] for item in _items(store)]
    same = manifest(store) == manifest(folder / "ready")
    return [
        Row(
            "the clock three years back in the second of three runs, a day ahead in the third",
            f"made in the order {', '.join(order)}; {'the same results' if same else 'OTHER results'}",
            same and order == ["s0", "s1", "s2"],
        )
    ]


def _items(store: Path) -> list:  # type: ignore[type-arg]
    from agro.store.index import opened

    with opened(Store(store)) as index:
        return index.items("passes")


def soak(folder: Path, passes: int = 150, fields: int = 200) -> list[Row]:
    """A season that comes in thirty deliveries, one in a hundred inputs or writes bad."""
    felt = soak_season(folder, passes, fields)
    return [
        Row(
            f"a season of {passes} passes over {fields} fields, {felt.faults} faults",
            f"{felt.violations} violations; memory {felt.memory_mb_per_pass:+.2f} MB and descriptors "
            f"{felt.files_per_pass:+.3f} a pass over the last two thirds; nothing left in staging: {felt.swept}",
            not felt.violations and felt.memory_mb_per_pass < 0.5 and abs(felt.files_per_pass) < 0.05 and felt.swept,
        )
    ]


def fuzz(folder: Path, requests: int = 10_000) -> list[Row]:
    """Nonsense for the portal's API."""
    try:
        from faults.portal_fuzz import answers
    except ImportError:
        return [Row(f"{requests} fuzzed requests", "the portal is not here yet", False)]
    told = answers(folder, requests)
    return [
        Row(
            f"{sum(told.values())} fuzzed requests",
            f"{sum(n for code, n in told.items() if code >= 500)} answers of 5xx",
            not any(code >= 500 for code in told),
        )
    ]


PARTS: dict[str, Callable[[Path], list[Row]]] = {
    "crash-points": crash_points,
    "random-kills": random_kills,
    "flipped-bytes": flipped_bytes,
    "orders": orders,
    "poisoned": poisoned,
    "secrets": secrets,
    "backups": backups,
    "clock": clock,
    "soak": soak,
    "kills-with-server": kills_with_server,
    "fuzz": fuzz,
}
