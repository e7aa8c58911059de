"""Proves that the checker catches a broken worker: breaks the worker on purpose, in many ways, one at a time.

    ./dev mutants [NAME…]        all mutants, or these
    ./dev mutants --sample 8     eight of them, chosen by --seed
    ./dev mutants --list

One build holds every mutant (see mutant_list.py). Each then runs on a small testbed whose gateway and faults give its
bug the chance to show.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import pauses, plan, runner, settings_faults
from .mutant_list import MUTANTS, Mutant
from .testbed import Testbed
from .workers import Timing

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "payout-mutants"
SWITCH = '''//! Selects the mutant that this process runs.

/// Whether this process runs the mutant of this name.
pub fn on(name: &str) -> bool {
    static WHICH: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| std::env::var("PAYOUT_MUTANT").unwrap_or_default());
    *WHICH == name
}
'''
PARALLEL = 2
DRAIN = 25.0  # after the last fault, seconds in which nothing settles
WITHIN = 180  # seconds for one mutant with one seed
SEEDS = (7, 8)  # the second one where the first happened not to give the mutant its chance


def unbroken(name: str, dialect: str, what: str) -> Mutant:
    """The unbroken worker, with the behaviours of all mutants of a dialect. Were it BAD there, a catch would prove
    nothing."""
    of_dialect = [mutant.behaviours.split(",") for mutant in MUTANTS if mutant.dialect == dialect]
    behaviours = sorted({name for names in of_dialect for name in names} - {"none"})
    return Mutant(name, what, [], ",".join(behaviours), "", payouts=150, dialect=dialect)


UNBROKEN = [unbroken("unbroken", "bdpay", "the unbroken worker"),
            unbroken("unbroken_unsigned", "toppay", "the unbroken worker, with a gateway that signs no answer to a query")]
COPIED = ("src", "crates", "migrations", "deploy", ".sqlx", "Cargo.toml", "Cargo.lock",
          "rust-toolchain.toml")


def build() -> Path:
    """The program: a copy of the sources with every mutant in it, compiled with the dependencies of the real one."""
    folder = Path(tempfile.mkdtemp(prefix="payout-mutants-"))
    try:
        copy_sources(folder)
        for mutant in MUTANTS:
            apply(mutant, folder)
        add_switch(folder)
        rename_package(folder)
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        subprocess.run(["cargo", "build", "--quiet", "--bin", NAME], cwd=folder, check=True, env={
            **os.environ, "SQLX_OFFLINE": "true", "CARGO_TARGET_DIR": str(target),
            "RUSTFLAGS": os.environ.get("RUSTFLAGS", "")})
        return target / "debug" / NAME
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_sources(folder: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z", *COPIED], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def apply(mutant: Mutant, folder: Path) -> None:
    for name, text, replacement in mutant.edits:
        source = (folder / name).read_text()
        if source.count(text) != 1:
            raise SystemExit(f"mutants: {mutant.name}: its text occurs {source.count(text)} times in {name}; adapt "
                             f"tests/chaos/mutant_list.py:\n{text}")
        switch = f'crate::mutant::on("{mutant.name}")'
        (folder / name).write_text(source.replace(text, replacement.replace("{on}", switch)))


def add_switch(folder: Path) -> None:
    """Gives every crate that a mutant edits a module `mutant`, so that each edit can say `crate::mutant::on`."""
    edited = {name for mutant in MUTANTS for name, _, _ in mutant.edits}
    for source in sorted({folder / name[:name.index("src/")] / "src" for name in edited}):
        (source / "mutant.rs").write_text(SWITCH)
        library = source / "lib.rs"
        library.write_text(library.read_text() + "\n/// The switch of the mutants.\npub mod mutant;\n")


def rename_package(folder: Path) -> None:
    """Under its own name the program does not replace the real one in the shared target folder."""
    manifest = (folder / "Cargo.toml").read_text()
    manifest = re.sub(r"\n\[\[test\]\]\n(?:[^\[\n].*\n)*", "\n", manifest)
    # What is not copied is no member.
    manifest = re.sub(r"\ndefault-members = .*", "", manifest).replace(', "tests/model"]', "]")
    manifest = manifest.replace('name = "payout-worker"', f'name = "{NAME}"').replace(
        '[[bin]]\nname = "payout"', f'[[bin]]\nname = "{NAME}"')
    (folder / "Cargo.toml").write_text(manifest)
    lock = folder / "Cargo.lock"
    lock.write_text(lock.read_text().replace('name = "payout-worker"', f'name = "{NAME}"'))


async def run_on_testbed(mutant: Mutant, binary: Path, seed: int, guarded: bool) -> int:
    """One mutant on its testbed, with the database's guard or without. The checker's verdict is what is printed last."""
    testbed = testbed_for(mutant, binary, seed)
    try:
        await testbed.build()
        if mutant.sql and not guarded:
            await testbed.cluster.sql(mutant.sql)
        for worker in testbed.workers.all:
            worker.environment["PAYOUT_MUTANT"] = mutant.name
        if mutant.pauses:
            code, _, report = await pauses.run_pauses(testbed, mutant.pauses, seed, DRAIN)
        else:
            planned = plan.make_plan(seed, mutant.seconds, mutant.faults, {})
            code, _, report = await runner.run_plan(testbed, planned, mutant.payouts, mutant.seconds, DRAIN, 5.0)
        refused = await testbed.cluster.sql("select count(*) from payout.evidence where refused")
        print(f"evidence whose move the database refused: {refused}")
        for refusal, times in sorted(testbed.operators.refusals.items()):
            print(f"operators: {times} x {refusal}")
        print(report.rstrip())
        return code
    finally:
        testbed.stop(False)


def testbed_for(mutant: Mutant, binary: Path, seed: int) -> Testbed:
    if mutant.pauses:
        return pauses.testbed_for(binary, seed)
    testbed = Testbed(binary, seed, 2, Timing(timeout=1.5, lease=3, quiet_horizon=6), mutant.behaviours, mutant.share,
                      merchants=1, cells=mutant.faults != "failover_lossy", dialect=mutant.dialect,
                      server_clock=mutant.faults in settings_faults.CLOCK)
    testbed.scale = mutant.scale
    return testbed


def try_mutant(mutant: Mutant, binary: Path) -> tuple[bool, str]:
    """Whether it ended as it should, and one line that says how."""
    if mutant.caught_by == "guard":
        good, refused = try_seeds(mutant, binary, True)
        return good, f"caught by guard    {mutant.name}: {mutant.what}; {refused}" if good else refused
    good, line = try_seeds(mutant, binary, False)
    if good and mutant.guarded:
        good, refused = try_seeds(mutant, binary, True)
        line += f"; {refused}"
    return good, line


def try_seeds(mutant: Mutant, binary: Path, guarded: bool) -> tuple[bool, str]:
    line = ""
    for seed in SEEDS:
        good, line = try_seed(mutant, binary, seed, guarded)
        if good or line.startswith("NOT GOOD"):
            return good, line
    return False, line


def try_seed(mutant: Mutant, binary: Path, seed: int, guarded: bool) -> tuple[bool, str]:
    begun = time.monotonic()
    command = [sys.executable, "-m", "chaos.mutants", "--one", mutant.name, "--binary", str(binary),
               "--seed", str(seed)] + ["--guarded"] * guarded
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN)
    except subprocess.TimeoutExpired:
        return False, f"NO VERDICT  {mutant.name}: did not end within {WITHIN} s"
    took = f"{time.monotonic() - begun:.0f} s"
    if not re.search(r"^payouts=\d+ ", ended.stdout, re.MULTILINE):
        return False, f"NO VERDICT  {mutant.name}: {(ended.stdout + ended.stderr)[-1500:]}"
    if mutant in UNBROKEN:
        good = ended.returncode in (0, 3)  # a slow machine may not settle everything in this short time
        return good, f"{'good' if good else 'NOT GOOD'}  {mutant.what}, {took}" + ("" if good else "\n" + ended.stdout)
    bad = re.findall(r"^BAD +(C\d+|late)\b", ended.stdout, re.MULTILINE)
    caught = sorted(set(bad) & set(mutant.caught_by.split()))
    if guarded:
        return judge_guard(mutant, bad, ended.stdout, took)
    line = f"{mutant.name}: {mutant.what}; {took}"
    if caught:
        return True, f"caught by {' '.join(caught):8} {line}"
    return False, f"NOT CAUGHT (bad: {' '.join(bad) or 'nothing'}) {line}\n{ended.stdout}"


def judge_guard(mutant: Mutant, bad: list[str], printed: str, took: str) -> tuple[bool, str]:
    """Behind the guard a mutant does no harm, though it settles nothing, and the database refused what it tried."""
    refused = re.search(r"^evidence whose move the database refused: (\d+)", printed, re.MULTILINE)
    times = int(refused.group(1)) if refused else 0
    if times and not set(bad) - {"C10"}:
        return True, f"its guard refused {times}, {took}"
    return False, (f"NOT STOPPED by its guard (bad: {' '.join(bad) or 'nothing'}, refused: {times}) {mutant.name}: "
                   f"{mutant.what}; {took}\n{printed}")


def sample(size: int | None, seed: int | None) -> list[Mutant]:
    """That many mutants, chosen by the seed; without a size all of them."""
    if size is None:
        return MUTANTS
    if seed is None:
        seed = random.SystemRandom().randrange(1, 10**6)
    print(f"mutants: to repeat this sample: ./dev mutants --sample {size} --seed {seed}", flush=True)
    return random.Random(seed).sample(MUTANTS, min(size, len(MUTANTS)))


def with_unbroken(mutants: list[Mutant]) -> list[Mutant]:
    """The mutants, and before them the unbroken worker in each dialect that one of them speaks."""
    dialects = {mutant.dialect for mutant in mutants}
    return [*(mutant for mutant in UNBROKEN if mutant.dialect in dialects), *mutants]


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev mutants", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a mutant; default: all")
    parser.add_argument("--list", action="store_true", help="print every mutant and exit")
    parser.add_argument("--sample", type=int, metavar="N", help="N mutants chosen at random; prints the seed")
    parser.add_argument("--seed", type=int, metavar="S", help="the seed that chose an earlier sample")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--binary", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--guarded", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    known = {mutant.name: mutant for mutant in [*UNBROKEN, *MUTANTS]}
    if options.list:
        for mutant in MUTANTS:
            print(f"{mutant.name:30} {mutant.what}")
        return 0
    if options.one:
        return asyncio.run(run_on_testbed(known[options.one], options.binary, options.seed or SEEDS[0],
                                          options.guarded))
    if unknown := set(options.names) - set(known):
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}; --list prints them")
    chosen = [known[name] for name in options.names] or with_unbroken(sample(options.sample, options.seed))
    print(f"mutants: building one program that holds all {len(MUTANTS)}", flush=True)
    binary = options.binary or build()
    outcomes = {}
    with ThreadPoolExecutor(PARALLEL) as pool:
        for mutant, (good, line) in zip(chosen, pool.map(lambda mutant: try_mutant(mutant, binary), chosen)):
            outcomes[mutant.name] = good
            print(line, flush=True)
    mutants = [mutant.name for mutant in chosen if mutant not in UNBROKEN]
    print(f"mutants={len(mutants)} caught={sum(outcomes[name] for name in mutants)} of_all={len(MUTANTS)}")
    return 0 if all(outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
