"""A folder shown through FUSE, read only, by a process of its own: stopping that process makes a mount
that hangs as a dead file server does, and killing it makes one that answers with errors.

Speaks the protocol of the kernel's fuse.h (version 7.31) with nothing between. Needs root and
/dev/fuse.
"""

import ctypes
import errno
import os
import signal
import struct
import subprocess
import sys

MNT_DETACH = 2
LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 14, 15, 17, 18
INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 26, 27, 28, 29, 36, 42
MKNOD, MKDIR, UNLINK, WRITE, CREATE = 8, 9, 10, 16, 35
UNANSWERED = {FORGET, INTERRUPT, BATCH_FORGET}
CHANGES = {MKNOD, MKDIR, UNLINK, WRITE, CREATE}
REQUEST_BYTES = 1 << 20


class Folder:
    """Answers requests from a source folder. A node is a path below it; node 1 is the folder."""

    def __init__(self, source):
        self.paths = [None, source]

    def node(self, path):
        if path not in self.paths:
            self.paths.append(path)
        return self.paths.index(path)

    def attributes(self, node):
        facts = os.lstat(self.paths[node])
        times = int(facts.st_atime), int(facts.st_mtime), int(facts.st_ctime)
        sizes = node, facts.st_size, facts.st_blocks
        owner = facts.st_mode, facts.st_nlink, facts.st_uid, facts.st_gid
        return struct.pack("<QQQQQQIIIIIIIIII", *sizes, *times, 0, 0, 0, *owner, 0, 4096, 0)

    def lookup(self, node, body):
        child = self.node(os.path.join(self.paths[node], os.fsdecode(body.rstrip(b"\0"))))
        return struct.pack("<QQQQII", child, 0, 0, 0, 0, 0) + self.attributes(child)

    def readdir(self, node, body):
        offset, size = struct.unpack("<QI", body[8:20])
        out = b""
        names = [".", ".."] + sorted(os.listdir(self.paths[node]))
        for number, name in enumerate(names[offset:], offset + 1):
            path = os.path.join(self.paths[node], name)
            kind = 4 if os.path.isdir(path) else 8
            text = os.fsencode(name)
            entry = struct.pack("<QQII", 1 << 20, number, len(text), kind) + text
            entry += b"\0" * (-len(entry) % 8)
            if len(out) + len(entry) > size:
                break
            out += entry
        return out

    def read(self, node, body):
        offset, size = struct.unpack("<QI", body[8:20])
        with open(self.paths[node], "rb") as file:
            file.seek(offset)
            return file.read(size)

    def answer(self, opcode, node, body):
        if opcode == INIT:
            return struct.pack("<IIIIHHIIHHI28x", 7, 31, 65536, 0, 12, 9, 65536, 1, 16, 0, 0)
        if opcode == LOOKUP:
            return self.lookup(node, body)
        if opcode == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self.attributes(node)
        if opcode in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, 0, 0)
        if opcode == READDIR:
            return self.readdir(node, body)
        if opcode == READ:
            return self.read(node, body)
        if opcode == STATFS:
            return struct.pack("<QQQQQIII28x", 1000, 500, 500, 1000, 500, 4096, 255, 4096)
        if opcode in (RELEASE, RELEASEDIR):
            return b""
        raise OSError(errno.EROFS if opcode in CHANGES else errno.ENOSYS, "")


def serve(device, folder):
    while True:
        try:
            request = os.read(device, REQUEST_BYTES)
        except OSError as problem:
            if problem.errno == errno.ENODEV:
                return  # unmounted
            continue
        _, opcode, unique, node = struct.unpack("<IIQQ", request[:24])
        if opcode in UNANSWERED:
            continue
        error, body = 0, b""
        try:
            body = folder.answer(opcode, node, request[40:])
        except OSError as problem:
            error = -problem.errno
        try:
            os.write(device, struct.pack("<IiQ", 16 + len(body), error, unique) + body)
        except OSError:
            pass  # whoever asked was interrupted


class HangingMount:
    """Mounted when made; `available()` says whether this machine lets us."""

    libc = ctypes.CDLL(None, use_errno=True)

    @staticmethod
    def available():
        return os.geteuid() == 0 and os.access("/dev/fuse", os.R_OK | os.W_OK)

    def __init__(self, source, point):
        os.makedirs(point, exist_ok=True)
        self.point = point
        device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
        if self.libc.mount(b"hanging", point.encode(), b"fuse", 0, options.encode()) != 0:
            os.close(device)
            raise OSError(ctypes.get_errno(), "mount of FUSE")
        self.server = subprocess.Popen(
            [sys.executable, "-B", os.path.realpath(__file__), str(device), source],
            pass_fds=[device],
            stdin=subprocess.DEVNULL,
        )
        os.close(device)

    def hang(self):
        self.server.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.server.send_signal(signal.SIGCONT)

    def close(self):
        """Whoever hangs in it gets an error at once."""
        self.server.kill()
        self.server.wait()
        self.libc.umount2(self.point.encode(), MNT_DETACH)


if __name__ == "__main__":
    serve(int(sys.argv[1]), Folder(sys.argv[2]))
