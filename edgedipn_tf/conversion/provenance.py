"""Which source made an artefact."""

import pathlib
import subprocess


def source_commit() -> str | None:
    """Returns the commit of the project's source, with `-modified` after it when tracked files differ from it.

    None when the project was installed rather than cloned, or git is absent.
    """
    root = pathlib.Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():  # an installed package may lie inside somebody else's repository
        return None
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    return commit + ("-modified" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")


def _git(root: pathlib.Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
