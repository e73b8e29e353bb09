"""How much memory this process takes at its highest, and how it hands back what it has freed."""

import ctypes
import platform
import sys
import threading


def forget_peak() -> bool:
    """Let `peak` be what is reached from now on; say whether it will be.

    Linux alone can forget; and where threads compute runs side by side, each would make the others forget.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # proc(5): resets the high-water mark of the resident set
    except OSError:
        return False
    return True


def peak() -> int | None:
    """Return the most bytes that were resident since `forget_peak` or ever, None on Windows."""
    try:
        # Not getrusage, where this tells it: that counts the parent's memory, too, before this was executed.
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return _most_ever()


def give_back() -> bool:
    """Hand the memory that malloc has kept of freed blocks back to the system; say whether there was any.

    Works for glibc on Linux and does nothing elsewhere.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim and trim(0))


def _most_ever() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
