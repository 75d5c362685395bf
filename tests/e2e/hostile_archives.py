"""Archives that mean harm, each around a release that would run if it were let in.

ARCHIVES names them: for each, what makes its bytes, and words of the refusal that it must meet.
Knows nothing of who refuses them. The large ones are written in pieces, or as one compressed piece
again and again, so that each takes a second at most.
"""
import gzip
import io
import struct
import tarfile
import zlib

MIB = 1 << 20
BLOCK = 512
NOW = 1_700_000_000
ZEROS = bytes(MIB)
KINDS = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE,
         "hard link": tarfile.LNKTYPE, "character device": tarfile.CHRTYPE,
         "block device": tarfile.BLKTYPE, "FIFO": tarfile.FIFOTYPE}


class Tar:
    """An archive, entry by entry: it holds what no tar program would write. Names are bytes or
    text."""

    def __init__(self):
        self.bytes = b""
        self.add("bin/app", b"#!/bin/sh\nexec sleep 1000000\n", 0o755)
        self.add("share/migration", b"up() { :; }\n")

    @staticmethod
    def header(name, kind="file", size=0, mode=0o644, target="", pax=None):
        entry = tarfile.TarInfo(name if isinstance(name, str) else name.decode("latin-1"))
        entry.type, entry.size, entry.mode, entry.linkname = KINDS[kind], size, mode, target
        entry.mtime, entry.devmajor, entry.devminor = NOW, 1, 3
        if pax:
            entry.pax_headers = pax
            return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
        return entry.tobuf(tarfile.GNU_FORMAT,
                           "utf-8" if isinstance(name, str) else "latin-1", "strict")

    def add(self, name, content=b"x", mode=0o644, kind="file", target="", pax=None):
        self.bytes += self.header(name, kind, len(content), mode, target, pax)
        self.bytes += content + bytes(-len(content) % BLOCK)
        return self

    def other(self, kind, name, target=""):
        return self.add(name, b"", 0o777, kind, target)

    def end(self):
        return self.bytes + bytes(2 * BLOCK)


# ---- compressed ----------------------------------------------------------------------------------

def gzip_of(pieces):
    """Of `pieces`, each some bytes and how often they come. Flushed in full behind each, what one
    of them becomes does not depend on those before it, so that it can stand there many times."""
    out, check, size = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff"], 0, 0
    for content, times in pieces:
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        out.append((packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)) * times)
        for _ in range(times):
            check = zlib.crc32(content, check)
        size += len(content) * times
    return b"".join(out) + b"\x03\0" + struct.pack("<II", check, size & 0xFFFFFFFF)


def zstd_of(head, zeros):
    """A frame of a raw block, and so many zeros in blocks of one repeated byte: four bytes for
    128 KiB. Its own header says a window of 128 KiB, and neither a size nor a checksum."""
    block = 128 << 10

    def block_header(kind, size, is_last=0):
        return struct.pack("<I", size << 3 | kind << 1 | is_last)[:3]
    return (b"\x28\xb5\x2f\xfd\x00\x38" + block_header(0, len(head)) + head +
            (block_header(1, block) + b"\0") * (zeros // block) + block_header(0, 0, 1))


def gibibyte():
    return Tar().bytes + Tar.header("zeros", size=1 << 30)


def crowd():
    """Names that do not compress well: it is the number of files that shall be refused."""
    model = bytearray(Tar.header("0" * 16))
    base = sum(model[:148]) + 8 * ord(" ") + sum(model[156:]) - 16 * ord("0")
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    out = [packer.compress(Tar().bytes)]
    names = (b"%016x" % (number * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF)
             for number in range(1, 1_000_001))
    behind_name, behind_sum = bytes(model[16:148]), bytes(model[155:])
    for _ in range(1000):
        out.append(packer.compress(b"".join(
            b"%b%b%06o\0%b" % (name, behind_name, base + sum(name), behind_sum)
            for _, name in zip(range(1000), names))))
    return b"".join(out) + packer.compress(bytes(2 * BLOCK)) + packer.flush()


# ---- damaged -------------------------------------------------------------------------------------

def with_size(field):
    """The field of a header's size holds these twelve bytes."""
    header = bytearray(Tar.header("odd"))
    header[124:136] = field
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return Tar().bytes + bytes(header) + bytes(2 * BLOCK)


def with_damaged_header():
    header = bytearray(Tar.header("spoilt"))
    header[0] ^= 1
    return Tar().bytes + bytes(header) + bytes(2 * BLOCK)


def sparse():
    huge = 1 << 50
    pax = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "huge",
           "GNU.sparse.realsize": str(huge)}
    spots = f"1\n{huge - 1}\n1\n".encode().ljust(BLOCK, b"\0")
    return Tar().add("x", spots + b"y", pax=pax).end()


def twice_compressed():
    return zstd_of(gzip.compress(Tar().end(), mtime=0), 0)


# ---- all of them ---------------------------------------------------------------------------------

UP = "../../../../"


def named(name, says):
    return lambda outside: Tar().add(name, b"changed").end(), says


def special(kind, name, target, says):
    return lambda outside: Tar().other(kind, name, target).end(), says


def made(make, says):
    return lambda outside: make(), says


# By what they are: what makes them, given the folder that they would like to change, and words of
# the message that refuses them.
ARCHIVES = {
    "an absolute name":
        (lambda outside: Tar().add(f"{outside}/victim", b"changed").end(), "its name is absolute"),
    "a name that goes up": named(UP + "outside/victim", "its name holds `..`"),
    "a name that goes up from below": named("share/../" + UP + "outside/new", "holds `..`"),
    "a name that comes twice": named("bin/app", "bin/app: comes twice"),
    "a name that comes twice, in other words": named("./bin//app", "comes twice"),
    "a name that is no UTF-8": named(b"caf\xe9", "is no UTF-8"),
    "a name that steers a terminal": named("a\x1b]0;b", "control characters"),
    "a name of 3000 bytes": named("a" * 99 + ("/" + "a" * 99) * 29, "more than 2048 bytes"),
    "a name 70 deep": named("a/" * 70 + "x", "more than 64 deep"),
    "a part of a name of 300 bytes": named("a" * 300, "component of more than 255 bytes"),
    "a file below a file": named("bin/app/x", "is below what is a file"),

    "a link to an absolute name":
        (lambda outside: Tar().other("link", "a", f"{outside}/victim").end(),
         "symbolic link to an absolute name"),
    "a link that leads out": special("link", "bin/a", UP + "outside", "leads out of the release"),
    "a link that leads out by another":
        made(lambda: Tar().other("link", "p/q/top", "../..")
             .other("link", "out", "p/q/top/../../outside").end(), "`..` after another name"),
    "a file through a link":
        made(lambda: Tar().other("link", "a", "bin").add("a/app").end(),
             "goes through a symbolic link"),
    "a file in the place of a link":
        made(lambda: Tar().other("link", "a", "bin/app").add("a").end(), "a: comes twice"),
    "a hard link that leads out":
        special("hard link", "a", UP + "outside/victim", "is a link to holds `..`"),
    "a hard link to an absolute name":
        (lambda outside: Tar().other("hard link", "a", f"{outside}/victim").end(),
         "is a link to is absolute"),
    "a hard link to a link":
        made(lambda: Tar().other("link", "b", "bin").other("hard link", "a", "b").end(),
             "hard link to what is no file"),
    "a hard link to nothing": special("hard link", "a", "b", "not in the archive before it"),

    "a character device": special("character device", "null", "", "null: is a character device"),
    "a block device": special("block device", "sda", "", "sda: is a block device"),
    "a FIFO": special("FIFO", "pipe", "", "pipe: is a FIFO"),
    "a set-user-id file":
        made(lambda: Tar().add("su", mode=0o4755).end(), "su: has its set-user-id"),
    "a set-group-id file":
        made(lambda: Tar().add("su", mode=0o2755).end(), "set-group-id bit set"),

    "1 GiB of zeros in 1 MiB":
        made(lambda: gzip_of([(gibibyte(), 1), (ZEROS, 1024), (bytes(2 * BLOCK), 1)]),
             "zeros: with it there is more than 200 times"),
    "1 GiB of zeros in 33 KiB": made(lambda: zstd_of(gibibyte(), 1 << 30), "zeros: with it there"),
    "1 GiB of zeros behind its end":
        made(lambda: gzip_of([(Tar().end(), 1), (ZEROS, 1024)]), "more than 200 times its size"),
    "a million empty files": made(crowd, "more than 200000 entries"),
    "a sparse file of 1 PiB": made(sparse, "huge: with it there are more than 32GiB"),
    "a file of 2^62 bytes":
        made(lambda: with_size(b"\x80\0\0\0\x3f" + b"\xff" * 7),
             "odd: with it there are more than 32GiB"),
    "a file of fewer than no bytes":
        made(lambda: with_size(b"\xff" * 11 + b"\0"), "has negative size"),

    "truncated within a file":
        made(lambda: Tar().add("b", bytes(5000)).bytes[:-3000], "runcated"),
    "truncated between two files": made(lambda: Tar().bytes, "its end is missing"),
    "truncated within its compression":
        made(lambda: gzip.compress(Tar().end(), mtime=0)[:-9], "truncated gzip input"),
    "a damaged header": made(with_damaged_header, "Damaged tar archive"),
    "something behind its end": made(lambda: Tar().end() + b"more", "something follows its end"),
    "a second archive behind its end":
        made(lambda: Tar().end() + Tar().end(), "something follows its end"),
    "compressed twice": made(twice_compressed, "compressed more than once"),
    "nothing at all": made(bytes, "it is empty"),
    "no archive": made(lambda: b"#!/bin/sh\necho hello\n" * 99, "Unrecognized archive format"),
}
