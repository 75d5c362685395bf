#!/usr/bin/python3
"""Plants each of these patches in a copy of the sources and demands that keel_sim finds it.

    hunt.py [--tree DIR] [--jobs N] [NAME…]     hunt for all of them, or for some
    hunt.py --once                              not if all were found and nothing has changed since
    hunt.py --check                             only see whether every patch still applies

A patch begins with what is wrong about it in words, and a line like `worlds: core` that says where
it is to be looked for. The copy and its build stay in DIR (build/mutants), so that
a second hunt compiles only what has changed. Exit 0: all were found, and nothing was found in the
sources as they are.
"""
import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[2]
COPIED = ["CMakeLists.txt", "units", "supervisord", "probes", "packaging", "tests"]
# In which a mutant must be found.
HOURS = {"core": 20_000, "engine": 8_000, "deploy": 5_000, "releases": 1_500}
# In which nothing must be found without one.
CLEAN_HOURS = {"core": 2_000, "engine": 1_000, "deploy": 5_000, "releases": 400}
PATIENCE = 600  # seconds for all those hours: a mutant in which nothing ends is a bad mutant


# What decides whether a mutant is found.
HUNTED = ["supervisord/base", "supervisord/core", "supervisord/engine", "supervisord/ports",
          "units", "tests/sim"]


class Mutant:
    def __init__(self, path: Path):
        self.path = path
        self.name = path.stem
        self.text = path.read_text().split("\n---", 1)[0]
        found = re.search(r"^worlds: (core|engine|deploy|releases)$", self.text, re.MULTILINE)
        self.worlds = found.group(1) if found else ""
        self.files = re.findall(r"^\+\+\+ b/(\S+)$", path.read_text(), re.MULTILINE)

    def apply(self, tree: Path, *options: str) -> str:
        """What is wrong about it; empty: it applies."""
        if not self.worlds:
            return "it does not say in which worlds to look for it"
        # No repository around the tree: git would leave out what lies outside of its own.
        environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
        done = subprocess.run(["git", "apply", "-C1", *options, str(self.path)], cwd=tree,
                              env=environment, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else done.stderr.strip() or "git cannot apply it"


def copy_changed(source: Path, target: Path) -> None:
    """Copies what differs, with its times, so that Ninja compiles that only."""
    if source.is_file():
        same = target.is_file() and target.read_bytes() == source.read_bytes()
        if not same:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return
    names = {entry.name for entry in source.iterdir()} - {"__pycache__"}
    if target.is_dir():
        for entry in target.iterdir():
            if entry.name not in names:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    target.mkdir(parents=True, exist_ok=True)
    for name in sorted(names):
        if not (source / name).is_symlink():
            copy_changed(source / name, target / name)


def fingerprint() -> str:
    digest = hashlib.sha256()
    for folder in HUNTED:
        for path in sorted((TOP / folder).rglob("*")):
            if path.is_file() and path.suffix in {".cpp", ".hpp", ".py", ".patch", ".txt"}:
                digest.update(f"{path.relative_to(TOP)} {path.stat().st_size}\n".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


class Workshop:
    def __init__(self, folder: Path, jobs: int):
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = open(folder / "lock", "w")  # two hunts would build in each other's copy
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.stamp = folder / "found"
        self.tree = folder / "tree"
        self.build = folder / "build"
        self.jobs = jobs
        for name in COPIED:
            copy_changed(TOP / name, self.tree / name)
        if not (self.build / "build.ninja").is_file():
            self.run(["cmake", "-S", str(self.tree), "-B", str(self.build), "-G", "Ninja",
                      "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O1 -w"])

    def run(self, command: list[str]) -> None:
        environment = {**os.environ, "CCACHE_BASEDIR": str(self.tree), "CCACHE_NOHASHDIR": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")

    def make(self) -> None:
        self.run(["ninja", "-C", str(self.build), "-j", str(self.jobs), "keel_sim"])

    def simulate(self, worlds: str, hours: int) -> str:
        """The broken promise with its seed; empty: none, or not in time."""
        try:
            done = subprocess.run([str(self.build / "bin/keel_sim"), "--worlds", worlds,
                                   "--seed", "1", "--hours", str(hours), "--jobs", str(self.jobs)],
                                  capture_output=True, text=True, check=False, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return ""
        if done.returncode == 0:
            return ""
        told = re.findall(r"^seed \d+: .*$", done.stdout, re.MULTILINE)
        return told[-1] if told else f"keel_sim ended with {done.returncode}: {done.stderr.strip()}"

    def restore(self, mutant: Mutant) -> None:
        for name in mutant.files:
            shutil.copyfile(TOP / name, self.tree / name)

    def knows(self, sources: str) -> bool:
        return self.stamp.is_file() and self.stamp.read_text() == sources

    def remember(self, sources: str) -> None:
        self.stamp.write_text(sources)


def hunt(mutants: list[Mutant], shop: Workshop) -> int:
    shop.make()
    for worlds, hours in CLEAN_HOURS.items():
        if found := shop.simulate(worlds, hours):
            print(f"without any mutant, {worlds} worlds: {found}")
            return 1
    missed = 0
    for mutant in mutants:
        began = time.monotonic()
        if trouble := mutant.apply(shop.tree):
            missed += 1
            print(f"FAILED  {mutant.name}: {trouble}", flush=True)
            continue
        shop.make()
        found = shop.simulate(mutant.worlds, HOURS[mutant.worlds])
        shop.restore(mutant)
        missed += not found
        verdict = "found " if found else "MISSED"
        what = found or f"not in {HOURS[mutant.worlds]:,} hours of {mutant.worlds} worlds"
        took = time.monotonic() - began
        print(f"{verdict}  {mutant.name} ({took:.0f} s)\n        {what}", flush=True)
    print(f"{len(mutants) - missed} of {len(mutants)} mutants found")
    return 1 if missed else 0


def check(mutants: list[Mutant]) -> int:
    troubles = {mutant.name: mutant.apply(TOP, "--check") for mutant in mutants}
    for name, trouble in troubles.items():
        if trouble:
            print(f"{name}: {trouble}")
    return 1 if any(troubles.values()) else 0


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--check", action="store_true")
    options.add_argument("--once", action="store_true")
    options.add_argument("--tree", type=Path, default=TOP / "build/mutants")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options.add_argument("names", nargs="*")
    chosen = options.parse_args()
    mutants = [Mutant(path) for path in sorted(HERE.glob("*.patch"))
               if not chosen.names or path.stem in chosen.names]
    if not mutants:
        sys.exit("no such mutant")
    if chosen.check:
        return check(mutants)
    sources = fingerprint()
    shop = Workshop(chosen.tree.resolve(), chosen.jobs)
    if chosen.once and shop.knows(sources):
        print("all mutants were found, and nothing has changed since")
        return 0
    trouble = hunt(mutants, shop)
    if not trouble and not chosen.names:
        shop.remember(sources)
    return trouble


if __name__ == "__main__":
    sys.exit(main())
