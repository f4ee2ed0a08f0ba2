#!/usr/bin/env python3
"""Builds each library crate as somebody outside this repository would, and runs the example on its front page; of those
that stand under another one here, whose example runs, it is only checked.

Each project is a package of its own, with a path dependency on one crate and on what its example names beside it. They are
built one at a time, so that none gets a Cargo feature that another asked for. All share one target folder, and nothing is
optimised, as the examples are small. The project `readme` has the README's programs and the dependencies that the README
names, and nothing else.

    python3 tests/standalone.py            every project
    python3 tests/standalone.py nn train   these
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "standalone"

# Project: the crate whose front page it runs, and its dependencies as Cargo.toml has them; `path` is put in.
DEFAULT, BARE = "", "default-features = false"
# What these need is checked and not built: `train` runs on all of them.
CHECKED = {"backend", "nn", "store", "exchange", "runs", "compress", "audit", "explain", "serve", "fireclay"}
PROJECTS = {
    "kernels": ("kernels", {"fireclay-kernels": DEFAULT}),
    "backend": ("backend", {"fireclay-backend": DEFAULT}),
    "data": ("data", {"fireclay-data": DEFAULT}),
    "text": ("text", {"fireclay-text": DEFAULT, "fireclay-data": DEFAULT}),
    "tensorboard": ("tensorboard", {"fireclay-tensorboard": DEFAULT, "tempfile": 'version = "3"'}),
    "distribute": ("distribute", {"fireclay-distribute": DEFAULT}),
    "federate": ("federate", {"fireclay-federate": DEFAULT}),
    "tune": (
        "tune",
        {"fireclay-tune": DEFAULT, "serde_json": 'version = "1"', "tempfile": 'version = "3"'},
    ),
    "report": ("report", {"fireclay-report": DEFAULT}),
    "tabular": ("tabular", {"fireclay-tabular": DEFAULT, "fireclay-data": DEFAULT}),
    "datasets": ("datasets", {"fireclay-datasets": BARE, "fireclay-data": DEFAULT}),
    "nn": ("nn", {"fireclay-nn": DEFAULT}),
    "store": ("store", {"fireclay-store": DEFAULT, "fireclay-nn": DEFAULT}),
    "exchange": ("exchange", {"fireclay-exchange": DEFAULT, "fireclay-nn": DEFAULT, "fireclay-store": DEFAULT}),
    "train": ("train", {"fireclay-train": DEFAULT, "fireclay-nn": DEFAULT, "fireclay-datasets": BARE}),
    "runs": (
        "runs",
        {
            "fireclay-runs": DEFAULT,
            "fireclay-train": DEFAULT,
            "fireclay-nn": DEFAULT,
            "fireclay-data": DEFAULT,
            "tempfile": 'version = "3"',
        },
    ),
    "compress": (
        "compress",
        {
            "fireclay-compress": DEFAULT,
            "fireclay-train": DEFAULT,
            "fireclay-nn": DEFAULT,
            "fireclay-store": DEFAULT,
            "fireclay-datasets": BARE,
            "tempfile": 'version = "3"',
        },
    ),
    "audit": ("audit", {"fireclay-audit": DEFAULT}),
    "explain": (
        "explain",
        {
            "fireclay-explain": DEFAULT,
            "fireclay-train": DEFAULT,
            "fireclay-nn": DEFAULT,
            "fireclay-data": DEFAULT,
        },
    ),
    "serve": (
        "serve",
        {
            "fireclay-serve": DEFAULT,
            "fireclay-train": DEFAULT,
            "fireclay-nn": DEFAULT,
            "tempfile": 'version = "3"',
        },
    ),
    "fireclay": ("fireclay", {"fireclay": DEFAULT}),
    # Burn's device without the feature of ours: every operation runs its reference.
    "train-on-burns-flex": (
        "train",
        {
            "fireclay-train": BARE,
            "fireclay-nn": BARE,
            "fireclay-datasets": BARE,
            "burn": 'version = "=0.22.1", default-features = false, features = ["std", "flex"]',
        },
    ),
}


def example(crate):
    """The first example in the documentation of a crate, as a program; made one as rustdoc does it."""
    documentation = re.findall(r"^//! ?(.*)$", (ROOT / "crates" / crate / "src" / "lib.rs").read_text(), re.M)
    page = "\n".join(documentation)
    found = re.search(r"^```(?:rust)?\n(.*?)^```$", page, re.M | re.S)
    if found is None:
        sys.exit(f"crates/{crate}/src/lib.rs: expected an example on the front page, found none")
    code = "#![allow(unused)]\n" + re.sub(r"^# ?", "", found.group(1), flags=re.M)
    if "fn main()" in code:
        return code
    if code.rstrip().endswith("(())"):
        return f"fn main() {{\n    fn run() -> Result<(), impl std::fmt::Debug> {{\n{code}}}\n    run().unwrap();\n}}\n"
    return f"fn main() {{\n{code}}}\n"


def readme():
    """The README's dependencies and its programs: the one that runs, with the others beside it, which are only built."""
    text = (ROOT / "README.md").read_text()
    named = re.search(r"^```toml\n\[dependencies\]\n(.*?)^```$", text, re.M | re.S)
    if named is None:
        sys.exit("README.md: expected the dependencies of its programs in a block ```toml that begins with [dependencies], found none")
    manifest = ""
    for line in named.group(1).splitlines():
        found = re.match(r'fireclay = (?:"[^"]*"|\{ version = "[^"]*"(?:, )?(.*) \})', line)
        manifest += dependency("fireclay", found.group(1) or "") if found else f"{line}\n"
    programs = re.findall(r"^```rust(|,no_run)\n(.*?)^```$", text, re.M | re.S)
    programs = [(kind, code) for kind, code in programs if "fn main()" in code]
    files = {f"part_{number}.rs": code for number, (kind, code) in enumerate(programs) if kind}
    runs = [code for kind, code in programs if not kind]
    if len(runs) != 1:
        sys.exit(f"README.md: expected one program that runs and others marked no_run, found {len(runs)} that run")
    modules = "".join(f"#[allow(dead_code)]\nmod {name.removesuffix('.rs')};\n" for name in files)
    return manifest, files | {"main.rs": modules + runs[0]}


def dependency(name, options):
    if name.startswith("fireclay"):
        folder = ROOT / "crates" / name.removeprefix("fireclay-")
        options = ", ".join(part for part in [f'path = "{folder}"', options] if part)
    return f"{name} = {{ {options} }}\n"


def write(path, text):
    """Leaves a file that is as it should be alone, so that Cargo does."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def main():
    projects = [*PROJECTS, "readme"]
    asked = sys.argv[1:] or projects
    unknown = [name for name in asked if name not in projects]
    if unknown:
        sys.exit(f"no project is called {', '.join(unknown)}; there are {', '.join(projects)}")
    members = ", ".join(f'"{name}"' for name in asked)
    profile = "[profile.dev]\ndebug = false\nincremental = false\n"
    write(WORK / "Cargo.toml", f'[workspace]\nresolver = "3"\nmembers = [{members}]\n\n{profile}')
    # The versions that everything else is tested with.
    write(WORK / "Cargo.lock", (ROOT / "Cargo.lock").read_text())
    for name in asked:
        if name == "readme":
            dependencies, files = readme()
        else:
            crate, dependencies = PROJECTS[name]
            dependencies = "".join(dependency(*item) for item in dependencies.items())
            files = {"main.rs": example(crate)}
        package = f'[package]\nname = "standalone-{name}"\nversion = "0.0.0"\nedition = "2024"'
        write(WORK / name / "Cargo.toml", f"{package}\n\n[dependencies]\n{dependencies}")
        for file, code in files.items():
            write(WORK / name / "src" / file, code)
    failed = []
    environment = {**os.environ, "CARGO_TARGET_DIR": str(WORK / "target")}
    for name in asked:
        begun = time.monotonic()
        command = ["cargo", "check" if name in CHECKED else "run", "--quiet", "--manifest-path", str(WORK / "Cargo.toml"), "-p", f"standalone-{name}"]
        if subprocess.run(command, env=environment).returncode != 0:
            failed.append(name)
        done = "compiles" if name in CHECKED else "runs"
        print(f"{name}: {'failed' if name in failed else done} after {time.monotonic() - begun:.0f} s", flush=True)
    if failed:
        sys.exit(f"do not work by themselves: {', '.join(failed)}")


if __name__ == "__main__":
    main()
