"""Runs a program in a sandbox in which openat2(2) fails, as in old kernels and strict containers.

    python without_openat2.py ENOSYS|EPERM PROGRAM [ARGUMENT...]
"""

import ctypes
import errno
import os
import struct
import sys

OPENAT2 = 437  # on every architecture
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
LOAD_NUMBER, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06


def forbid(number, error):
    """From now on this system call fails, here and in whatever this process becomes."""
    steps = [(LOAD_NUMBER, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | error),
             (RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for option, *rest in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                          (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)):
        values = [v if isinstance(v, ctypes.Array) else ctypes.c_ulong(v) for v in rest]
        if libc.prctl(option, *values) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    forbid(OPENAT2, getattr(errno, sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
