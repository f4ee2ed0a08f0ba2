"""What a run says about the machine and the versions it ran on."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

from harness.environment import ROOT


def describe(threads):
    """Everything about the machine that a reader of the times needs."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu_model(),
        "cpu_family_and_model": cpu_family_and_model(),
        "instruction_sets": instruction_sets(),
        "cores": cores(),
        "memory_bytes": memory_bytes(),
        "os": os_name(),
        "threads": threads,
        "git_commit": git_commit(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu_model():
    """The model name, from Linux or macOS."""
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor() or platform.machine()


def cpu_family_and_model():
    """`family 25, model 1`, which tells kinds of CPU apart that have one name, or an empty text."""
    fields = dict(line.split(":", 1) for line in _lines("/proc/cpuinfo") if ":" in line)
    numbers = {name.strip(): value.strip() for name, value in fields.items()}
    if not {"cpu family", "model"} <= set(numbers):
        return ""
    return f"family {numbers['cpu family']}, model {numbers['model']}"


def instruction_sets():
    """The vector instructions that matter here."""
    known = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 BF16", "amx_tile": "AMX", "asimd": "NEON"}
    for line in _lines("/proc/cpuinfo"):
        if line.lower().startswith(("flags", "features")):
            flags = line.split(":", 1)[1].split()
            return [name for flag, name in known.items() if flag in flags]
    return []


def memory_bytes():
    """Main memory, where the system says so."""
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def os_name():
    """The distribution's name, or the system's."""
    for line in _lines("/etc/os-release"):
        if line.startswith("PRETTY_NAME="):
            return f"{line.split('=', 1)[1].strip().strip(chr(34))}, {platform.system()} {platform.release()}"
    return platform.platform()


def git_commit():
    """The commit, with `+changes` if the working tree has any."""
    commit = _output("git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD")
    changed = _output("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return commit + ("+changes" if changed else "")


def rust_version():
    """`1.95.0`"""
    words = _output("rustc", "--version").split()
    return words[1] if len(words) > 1 else ""


def slug(machine):
    """`2-core-amd-epyc`"""
    words = re.sub(r"\((r|tm)\)|@.*|\b(cpu|processor)\b|\d+-core", " ", machine["cpu"].lower())
    return f"{machine['cores']}-core-" + "-".join(re.findall(r"[a-z0-9]+", words))


def _lines(path):
    try:
        return pathlib.Path(path).read_text().splitlines()
    except OSError:
        return []


def _output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
