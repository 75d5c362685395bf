"""What a user is told about a mistake in a unit file has been read aloud at least once.

Every text of units/ that goes into a problem stands in a golden file under tests/golden, so that a
new kind of problem without a test of its wording is noticed. A text is a string literal with a
blank in it; what a format string leaves open may be anything.
"""
import re

WORDED = "units/*.cpp"
# Files whose texts are no problems: they describe keys, or show values.
DESCRIBING = ("units/schema.cpp", "units/probe_schema.cpp", "units/deploy_schema.cpp",
              "units/daemon_schema.cpp", "units/markdown.cpp", "units/show.cpp",
              "units/effective.cpp", "units/plan.cpp", "units/plan_order.cpp")
# Texts that no test can bring about, or that are no problem's, and why.
EXCEPT = {
    "find user": "an error of the host, told as `there is no user`",
    "find group": "the same",
    "find the primary group of user": "the same",
    "the user database did not answer": "takes a broken name service",
    "Error while parsing ": "what the library says, left out",
    "a class of characters that does not exist": "RE2 calls it a range",
    "bytes that are no UTF-8": "TOML has refused them before",
    "repetitions that make it too large": "RE2 limits the numbers before",
    "its syntax": "RE2 has no other error",
    "an expression was checked before it is searched for": "a mistake of Keel's own",
    "{} more problems are not shown": "tested with its number",
    "mend the first ones and check again": "the same",
    "cannot be read": "takes a disk that fails",
    "nobody says why": "OpenSSL always has a reason",
    "cgroup v2 of this host": "what a host has is its own",
    "no cgroup v2 is mounted on this host": "the same",
    "leave it out, or boot with cgroup v2": "the same",
    "name of the unit": "the meaning of a placeholder",
    "number of the instance, from 1": "the same",
    "`port_base` + instance − 1": "the same",
    "directory of the release, `deploy.root`/releases/ID": "the same",
    "directory of the unit below keeld's run-time directory": "the same",
    "name or number": "a kind of value in the reference",
    "address:port or off": "the same",
    "table of texts": "the same",
    "absolute path or URL": "the same",
    "absolute path or https URL": "the same",
    "hexadecimal digits": "the same",
}

LITERALS = re.compile(r'//[^\n]*|#\s*include[^\n]*|"((?:\\.|[^"\\\n])*)"'
                      r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'")


def texts(source):
    """(line, text) of every string literal with a blank; adjacent ones are one."""
    found, end = [], None
    for literal in LITERALS.finditer(source.text):
        if literal[1] is None:
            continue
        line = source.text.count("\n", 0, literal.start()) + 1
        if end is not None and not source.text[end:literal.start()].strip():
            found[-1] = (found[-1][0], found[-1][1] + literal[1])
        else:
            found.append((line, literal[1]))
        end = literal.end()
    return [(line, text) for line, text in found if " " in text.strip()]


def pattern(text):
    """What the text looks like once its placeholders are filled in."""
    plain = text.replace('\\"', '"').replace("\\\\", "\\")
    parts = re.split(r"(\{\{|\}\}|\{[^{}]*\})", plain)
    as_it_is = {"{{": r"\{{1,2}", "}}": r"\}{1,2}"}
    return "".join(as_it_is.get(part) or (".*" if part.startswith("{") and part.endswith("}")
                                          else re.escape(part)) for part in parts)


def unread(root, sources):
    """`file:line: text` of all that no golden file has."""
    golden = "\n".join(path.read_text(encoding="utf-8", errors="replace")
                       for path in sorted((root / "tests/golden").glob("*.txt")))
    for source in sources:
        if not source.matches(WORDED) or source.path in DESCRIBING:
            continue
        for line, text in texts(source):
            if text not in EXCEPT and not re.search(pattern(text), golden):
                yield f"{source.path}:{line}: {text}"
