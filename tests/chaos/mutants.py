"""Shows that the checker can fail: breaks the worker on purpose, in many ways, and wants each of them caught.

    ./dev mutants [NAME…]        all of them, or these
    ./dev mutants --list

One build holds every mutant (see mutant_list.py); each then runs in a small world whose gateway gives it the chance.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import pauses, plan, runner
from .mutant_list import MUTANTS, Mutant
from .testbed import Testbed
from .workers import Timing

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "payout-mutants"
SWITCH = '''//! Which mutant this process is.

/// Whether it is this one.
pub fn on(name: &str) -> bool {
    static WHICH: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| std::env::var("PAYOUT_MUTANT").unwrap_or_default());
    *WHICH == name
}
'''
AT_ONCE = 2
DRAIN = 25.0  # seconds in which a world settles after its last fault
# A world may happen not to give a mutant its chance: then one more is tried.
SEEDS = (7, 8)
# The unbroken worker in the worlds of all mutants: whatever is bad there would make a catch worth nothing.
UNBROKEN = Mutant("unbroken", "the worker as it is", [],
                  ",".join(sorted({name for mutant in MUTANTS for name in mutant.behaviours.split(",")} - {"none"})),
                  "", payouts=150)


def build() -> Path:
    """A copy of the sources with every mutant in it, compiled beside the real ones with the same dependencies."""
    folder = Path(tempfile.mkdtemp(prefix="payout-mutants-"))
    try:
        listed = subprocess.run(["git", "ls-files", "-z", "src", "migrations", "deploy", ".sqlx", "Cargo.toml", "Cargo.lock",
                                 "sqlx.toml", "rust-toolchain.toml"], cwd=ROOT, check=True, capture_output=True).stdout
        for name in filter(None, listed.decode().split("\0")):
            if (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        for mutant in MUTANTS:
            for name, text, instead in mutant.edits:
                page = (folder / name).read_text()
                if page.count(text) != 1:
                    raise SystemExit(f"mutants: {mutant.name}: its text stands {page.count(text)} times in {name}; mend "
                                     f"tests/chaos/mutant_list.py:\n{text}")
                switch = f'crate::mutant::on("{mutant.name}")'
                (folder / name).write_text(page.replace(text, instead.replace("{on}", switch)))
        (folder / "src/mutant.rs").write_text(SWITCH)
        library = folder / "src/lib.rs"
        library.write_text(library.read_text() + "\n/// The switch of the mutants.\npub mod mutant;\n")
        manifest = (folder / "Cargo.toml").read_text()
        manifest = re.sub(r"\n\[\[test\]\]\n(?:[^\[\n].*\n)*", "\n", manifest)
        manifest = manifest.replace('name = "payout-worker"', f'name = "{NAME}"').replace(
            '[[bin]]\nname = "payout"', f'[[bin]]\nname = "{NAME}"')
        (folder / "Cargo.toml").write_text(manifest)
        lock = folder / "Cargo.lock"
        lock.write_text(lock.read_text().replace('name = "payout-worker"', f'name = "{NAME}"'))
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        subprocess.run(["cargo", "build", "--quiet", "--bin", NAME], cwd=folder, check=True, env={
            **os.environ, "SQLX_OFFLINE": "true", "CARGO_TARGET_DIR": str(target), "RUSTFLAGS": os.environ.get("RUSTFLAGS", "")})
        return target / "debug" / NAME
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def one(mutant: Mutant, binary: Path, seed: int) -> int:
    """One mutant in its world; the checker's result is on the last lines."""
    testbed = world_of(mutant, binary, seed)
    try:
        await testbed.build()
        if mutant.sql:
            await testbed.cluster.sql(mutant.sql)
        for worker in testbed.workers.all:
            worker.environment["PAYOUT_MUTANT"] = mutant.name
        if mutant.pauses:
            code, _, words = await pauses.paused(testbed, mutant.pauses, seed, DRAIN)
        else:
            seconds = 8.0 if mutant.faults == "none" else 14.0
            entries = plan.make(seed, seconds, mutant.faults, {})
            code, _, words = await runner.whole(testbed, entries, mutant.payouts, seconds, DRAIN, 5.0)
        for said, times in sorted(testbed.operators.words.items()):
            print(f"on call: {times} x {said}")
        print(words.rstrip())
        return code
    finally:
        testbed.stop(False)


def world_of(mutant: Mutant, binary: Path, seed: int) -> Testbed:
    if mutant.pauses:
        return pauses.testbed_for(binary, seed)
    testbed = Testbed(binary, seed, 2, Timing(timeout=1.5, lease=3, quiet_horizon=6), mutant.behaviours, mutant.share,
                  merchants=1, cells=mutant.faults != "failover_lossy")
    testbed.scale = mutant.scale
    return testbed


def judged(mutant: Mutant, binary: Path) -> tuple[bool, str]:
    """Whether it went as it should, and what was said."""
    words = ""
    for seed in SEEDS:
        fine, words = in_world(mutant, binary, seed)
        if fine or words.startswith("NOT GOOD"):
            return fine, words
    return False, words


def in_world(mutant: Mutant, binary: Path, seed: int) -> tuple[bool, str]:
    begun = time.monotonic()
    command = [sys.executable, "-m", "chaos.mutants", "--one", mutant.name, "--binary", str(binary), "--seed", str(seed)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        return False, f"NO VERDICT  {mutant.name}: no end within 180 s"
    bad = re.findall(r"^BAD +(I\d+|late)\b", ended.stdout, re.MULTILINE)
    took = f"{time.monotonic() - begun:.0f} s"
    if not re.search(r"^payouts=\d+ ", ended.stdout, re.MULTILINE):
        return False, f"NO VERDICT  {mutant.name}: {(ended.stdout + ended.stderr)[-1500:]}"
    if mutant is UNBROKEN:
        good = ended.returncode in (0, 3)  # a slow machine may not settle all in this short time
        return good, f"{'good' if good else 'NOT GOOD'}  {mutant.what}, {took}" + ("" if good else "\n" + ended.stdout)
    caught = sorted(set(bad) & set(mutant.caught_by.split()))
    words = f"{mutant.name}: {mutant.what}; {took}"
    if caught:
        return True, f"caught by {' '.join(caught):8} {words}"
    return False, f"NOT CAUGHT (bad: {' '.join(bad) or 'nothing'}) {words}\n{ended.stdout}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev mutants", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--binary", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=SEEDS[0], help=argparse.SUPPRESS)
    options = parser.parse_args()
    known = {mutant.name: mutant for mutant in [UNBROKEN, *MUTANTS]}
    if options.list:
        for mutant in MUTANTS:
            print(f"{mutant.name:24} {mutant.what}")
        return 0
    if options.one:
        return asyncio.run(one(known[options.one], options.binary, options.seed))
    if unknown := set(options.names) - set(known):
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}; --list shows them")
    chosen = [known[name] for name in options.names] or [UNBROKEN, *MUTANTS]
    print(f"mutants: building one program with {len(MUTANTS)} of them", flush=True)
    binary = options.binary or build()
    outcomes = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for mutant, (fine, words) in zip(chosen, pool.map(lambda mutant: judged(mutant, binary), chosen)):
            outcomes[mutant.name] = fine
            print(words, flush=True)
    mutants = [mutant.name for mutant in chosen if mutant is not UNBROKEN]
    print(f"mutants={len(mutants)} caught={sum(outcomes[name] for name in mutants)} of_all={len(MUTANTS)}")
    return 0 if all(outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
