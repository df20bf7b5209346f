"""Whether this machine has what Leadhouse needs: Python, packages, Java, Delta's JARs, room on disk and in memory."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from leadhouse.jobs.runtime.finding import NOTE, WRONG, Finding
from leadhouse.jobs.runtime.session import jars_folder

CHECK = "machine"
LEAST_JAVA = 17
LEAST_DISK, SMALL_DISK = 1 << 30, 5 << 30
"""Bytes free on the lake's disk: less is wrong; less is worth a note."""
LEAST_MEMORY = 4 << 30
"""The driver's JVM takes 3 GiB; Python and the system need the rest."""

_CONFIGURATIONS = ("jars", "default")
"""Ivy's name for what every session needs."""
_GIB = 1 << 30
_CGROUP = Path("/sys/fs/cgroup/memory.max")


def check_machine(lake: Path) -> list[Finding]:
    """Check the machine; ``lake`` says which disk to look at."""
    return [*check_packages(), *check_java(), *check_jars(jars_folder()), *_room(lake), *_memory(_memory_bytes())]


def check_packages() -> list[Finding]:
    """Compare Python and the installed packages with what Leadhouse's own metadata ask for."""
    try:
        asked = metadata.distribution("leadhouse")
    except metadata.PackageNotFoundError:
        what = "leadhouse is not installed as a package, so that its packages' versions can't be compared"
        return [Finding(CHECK, NOTE, what, "nothing to do where it runs from a zip")]
    findings = []
    wanted = SpecifierSet(str(asked.metadata["Requires-Python"] or ""))
    if platform.python_version() not in wanted:
        what = f"Python: expected {wanted}; got {platform.python_version()} ({sys.executable})"
        findings.append(_wrong(what, "make the environment with another Python: 'make setup'"))
    for text in asked.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            findings += check_package(requirement.name, requirement.specifier)
    return findings


def check_package(name: str, wanted: SpecifierSet) -> list[Finding]:
    """Check that a package is installed in one of the wanted versions."""
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        found = "none"
    if found != "none" and wanted.contains(found, prereleases=True):
        return []
    return [_wrong(f"{name}: expected {wanted or 'any version'}; got {found}", "run 'make setup'")]


def check_java() -> list[Finding]:
    """Check that the Java which Spark would start is there and new enough."""
    home = os.environ.get("JAVA_HOME")
    command = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    remedy = f"install Java {LEAST_JAVA} or newer (a JRE is enough), and set JAVA_HOME if there are several"
    if command is None:
        return [_wrong(f"Java: expected version {LEAST_JAVA} or newer; found none on the PATH", remedy)]
    try:
        said = subprocess.run([command, "-version"], capture_output=True, text=True, timeout=60, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return [_wrong(f"Java: expected version {LEAST_JAVA} or newer; {command} can't be run", remedy)]
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    if match and int(match[1]) >= LEAST_JAVA:
        return []
    found = f"version {match[1]}" if match else "no version that can be read"
    return [_wrong(f"Java: expected version {LEAST_JAVA} or newer; {command} says {found}", remedy)]


def check_jars(folder: Path) -> list[Finding]:
    """Check that the JVM dependencies of every session are there, each with some content."""
    wanted = wanted_jars()
    there = {path.name: path.stat().st_size for path in folder.glob("*.jar")} if folder.is_dir() else {}
    findings = []
    if absent := [name for name in wanted if name not in there]:
        what = f"JARs: expected {', '.join(absent)} in {folder}; {'others' if there else 'none'} are there"
        findings.append(_wrong(what, "run 'make setup'"))
    if empty := sorted(name for name, size in there.items() if not size):
        findings.append(_wrong(f"JARs: expected content in {', '.join(empty)}; empty", "run 'make setup'"))
    return findings


def wanted_jars() -> list[str]:
    """Return the files that ``conf/ivy.xml`` itself names for every session; what these need lies beside them."""
    text = files("leadhouse.conf").joinpath("ivy.xml").read_text(encoding="utf-8")
    return [
        f"{entry.attrib['org']}_{entry.attrib['name']}-{entry.attrib['rev']}.jar"
        for entry in ElementTree.fromstring(text).iter("dependency")
        if entry.attrib["conf"].split("->")[0] in _CONFIGURATIONS
    ]


def _room(lake: Path) -> list[Finding]:
    nearest = next(path for path in (lake.absolute(), *lake.absolute().parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    if free >= SMALL_DISK:
        return []
    severity = WRONG if free < LEAST_DISK else NOTE
    what = f"disk: expected {SMALL_DISK // _GIB} GiB free for {nearest}; got {free / _GIB:.1f}"
    return [Finding(CHECK, severity, what, "make room, or put the lake on another disk")]


def _memory(present: int) -> list[Finding]:
    if present >= LEAST_MEMORY:
        return []
    what = f"memory: expected {LEAST_MEMORY // _GIB} GiB; got {present / _GIB:.1f}"
    return [_wrong(what, "use a machine or a container with more: Spark's driver alone takes 3 GiB")]


def _memory_bytes() -> int:
    """Return the machine's memory, or the container's limit if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _CGROUP.read_text(encoding="utf-8").strip() if _CGROUP.is_file() else "max"
    return min(total, int(limit)) if limit.isdigit() else total


def _wrong(what: str, remedy: str) -> Finding:
    return Finding(CHECK, WRONG, what, remedy)
