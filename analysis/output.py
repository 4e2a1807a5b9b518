"""What all commands do with their results: files written whole, standard output that may fail, exit statuses."""

import os
import sys
import tempfile

STATUS_USAGE, STATUS_ENVIRONMENT = 2, 3


class UsageProblem(Exception):
    """What was asked for makes no sense; the message says why."""


class EnvironmentProblem(Exception):
    """Something cannot be written here; the message says why and what to do."""


def guarded(command, warn, usage, environment):
    """Runs a command; returns its exit status, or that of the exceptions named, whose message is told."""
    try:
        return command()
    except usage as error:
        warn(error)
        return STATUS_USAGE
    except environment as error:
        warn(error)
        return STATUS_ENVIRONMENT


def put(text):
    """Writes to standard output; EnvironmentProblem where it takes no more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        # What is left in the buffer must not be tried again at the end.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
        raise EnvironmentProblem(f"standard output: write: {getattr(error, 'strerror', None) or error}") from error


def page_path(out):
    """The absolute path of a file to be written; EnvironmentProblem, or UsageProblem for a folder, where it cannot be."""
    out = os.path.abspath(out)
    if os.path.isdir(out):
        raise UsageProblem(f"{out}: is a folder; --out names a file")
    folder = os.path.dirname(out)
    if not os.path.isdir(folder):
        raise EnvironmentProblem(f"{folder}: no such folder; make it first, or name another with --out")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise EnvironmentProblem(f"{folder}: cannot be written to; name another place with --out FILE")
    return out


def failed(error, folder):
    """The EnvironmentProblem that a failure to write is."""
    return EnvironmentProblem(f"{error.filename or folder}: {error.strerror}; "
                              "make room or permission there, or name another place with --out FILE")


def write_whole(path, text):
    """Writes a file so that nobody ever sees half of it."""
    folder = os.path.dirname(path)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".shmoo-report-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        give(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_file(path, text):
    """Writes a whole file; EnvironmentProblem where that fails."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise failed(error, os.path.dirname(path)) from error


def give(temporary, path):
    """Puts a finished file in its place, readable as any other that this user makes."""
    os.chmod(temporary, 0o666 & ~_umask())
    os.replace(temporary, path)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
