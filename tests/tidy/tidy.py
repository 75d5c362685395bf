#!/usr/bin/python3
"""Checks the rules of rules.py on the whole tree and prints each with whether it is kept.

    tidy.py [--root DIR] [--quiet]

--quiet prints broken rules only. Exit 0: all kept; 1: something is broken, named as file:line.
"""
import argparse
import ast
import fnmatch
import re
import sys
from pathlib import Path

import rules
import wording

CODE = {".cpp", ".hpp", ".c", ".h"}
TOPS = ("supervisord", "probes", "units", "tests", "packaging", "docs")


class Source:
    """One file: its text as lines, and the same lines with comments and string contents blanked."""

    def __init__(self, root, path):
        self.root = root
        self.path = path.relative_to(root).as_posix()
        self.suffix = path.suffix
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.splitlines()
        self.code = blank(self.text).splitlines() if self.suffix in CODE else self.lines

    def under(self, folders):
        return any(self.path == f or self.path.startswith(f + "/") for f in folders.split())

    def matches(self, globs):
        return any(fnmatch.fnmatchcase(self.path, g) for g in globs.split())

    def includes(self):
        """(line number, path, written with quotes?) of every #include."""
        for number, line in enumerate(self.lines, 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
            if found:
                yield number, found[2], found[1] == '"'


TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"'
                    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'|#\s*include[^\n]*", re.DOTALL)


def blank(text):
    """Comments and the contents of literals become blanks, line breaks stay."""
    def hide(found):
        token = found[0]
        if token.startswith("#"):
            return token
        return re.sub(r"[^\n]", " ", token)
    return TOKENS.sub(hide, text)


def read_tree(root):
    paths = [p for p in root.iterdir() if p.is_file() and (p.suffix == ".md" or p.name == "dev")]
    for top in TOPS:
        paths += (p for p in (root / top).rglob("*") if p.is_file())
    wanted = CODE | {".py", ".sh", ".md", ".toml"}
    return [Source(root, p) for p in sorted(paths)
            if (p.suffix in wanted or p.name in ("dev", "CMakeLists.txt"))
            and "__pycache__" not in p.parts and "corpus" not in p.parts]


class Report:
    def __init__(self, quiet):
        self.quiet = quiet
        self.broken = 0

    def heading(self, text):
        if not self.quiet:
            print(f"\n{text}")

    def rule(self, text, violations):
        """One line for the rule, one for each place that breaks it."""
        violations = list(violations)
        self.broken += len(violations)
        if violations or not self.quiet:
            print(f"  {'BROKEN' if violations else 'kept':<7} {text}")
        for place in violations:
            print(f"          {place}")


# ---- includes ------------------------------------------------------------------------------------

def is_ours(root, path, quoted):
    """Is it a file of ours, however it is written? <sys/wait.h> is not, "sys/loop.hpp" is."""
    return quoted or (root / path).is_file() or (root / "supervisord" / path).is_file()


def allowed(path, entries):
    return any(path == e or path.startswith(e if "/" in e else e + "/") for e in entries)


def include_violations(source, own, ours, libraries):
    more = " ".join(v for g, v in rules.INCLUDES_MORE.items() if source.matches(g)).split()
    less = " ".join(v for g, v in rules.INCLUDES_LESS.items() if source.matches(g)).split()
    for number, path, quoted in source.includes():
        place = f"{source.path}:{number}: "
        if is_ours(source.root, path, quoted):
            if not allowed(path, [own, *ours.split(), *more]) or allowed(path, less):
                yield place + f"may not include {path}"
        else:
            for library, pattern in rules.LIBRARIES.items():
                if re.match(pattern, path) and library not in libraries.split():
                    yield place + f"may not include {library} (<{path}>)"


def check_includes(sources, report):
    report.heading("Who may include whom (besides itself, the standard library and Linux)")
    code = [s for s in sources if s.suffix in CODE]
    for folder, (ours, libraries) in rules.INCLUDES.items():
        files = [s for s in code if s.under(folder)]
        names = " ".join(filter(None, (ours, libraries))) or "nothing"
        own = folder.split("/")[-1]
        report.rule(f"{own:<9} <- {names}", (v for s in files for v in
                                             include_violations(s, own, ours, libraries)))
    for glob, more in rules.INCLUDES_MORE.items():
        if "/" in glob.removeprefix("supervisord/"):
            continue  # checked with its folder
        files = [s for s in code if s.matches(glob)]
        everything = " ".join(rules.LIBRARIES)
        report.rule(f"{glob} <- {more}", (v for s in files for v in
                                          include_violations(s, "main", more, everything)))


def check_confined(sources, report):
    report.heading("Libraries that only some files may include")
    code = [s for s in sources if s.suffix in CODE and not s.under("tests")]
    for library, (where, most) in rules.CONFINED.items():
        using = [(s, n, p) for s in code for n, p, _ in s.includes()
                 if re.match(rules.LIBRARIES[library], p)]
        broken = [f"{s.path}:{n}: <{p}> is outside" for s, n, p in using if not s.matches(where)]
        files = sorted({s.path for s, _, _ in using})
        if len(files) > most:
            broken.append(f"{len(files)} files include it: {', '.join(files)}")
        report.rule(f"{library:<11} only in {where} ({most} at most)", broken)


# ---- bans, lengths, words ------------------------------------------------------------------------

def check_bans(sources, report):
    report.heading("What may not stand in code")
    code = [s for s in sources if s.suffix in CODE]
    for what, pattern, folders, excepted, why in rules.BANS:
        found = re.compile(pattern)
        places = (f"{s.path}:{n}: {s.lines[n - 1].strip()}" for s in code
                  if s.under(folders) and not s.matches(excepted)
                  for n, line in enumerate(s.code, 1) if found.search(line))
        where = "anywhere" if folders == rules.ALL else "in " + folders
        but = f" but {excepted}" if excepted else ""
        report.rule(f"no {what} {where}{but}: {why}", places)


def limit(table, source):
    return table["tests"] if source.under("tests") else table[""]


def functions(source):
    """(line number, lines of the body) of every function. In C++ it is found by the house's brace
    style: the opening brace alone on its line, the closing one below it at the same indentation."""
    if source.suffix == ".py":
        for node in ast.walk(ast.parse(source.text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node.lineno, node.end_lineno - node.lineno
    if source.suffix not in CODE:
        return
    for start, line in enumerate(source.code):
        if line.strip() == "{":
            closing = line.rstrip().replace("{", "}")
            end = next((i for i in range(start + 1, len(source.code))
                        if source.code[i].startswith(closing)), start)
            yield start, end - start - 1


def check_lengths(sources, report):
    report.heading("How long things are")
    counted = [s for s in sources if s.suffix in CODE | {".py", ".sh"} or s.path == "dev"]
    most = rules.FILE_LINES
    report.rule(f"files have at most {most['']} lines, tests {most['tests']}",
                (f"{s.path}: {len(s.lines)} lines" for s in counted
                 if len(s.lines) > limit(most, s)))
    longest = rules.FUNCTION_LINES
    report.rule(f"functions have at most {longest['']} lines, tests {longest['tests']}",
                (f"{s.path}:{n}: {size} lines" for s in counted for n, size in functions(s)
                 if size > limit(longest, s)))
    report.rule(f"lines have at most {rules.LINE_CHARACTERS} characters",
                (f"{s.path}:{n}: {len(line)} characters" for s in counted
                 for n, line in enumerate(s.lines, 1) if len(line) > rules.LINE_CHARACTERS))


def commented_out(line):
    """Does a // comment look like code? Quoted formats are indented by three blanks or more."""
    found = re.match(r"\s*//(?!/) ?(?! {2})(\S.*[;{}])\s*$", line)
    return found and re.search(r"\w\(.*\)|\s=\s|->|::|\breturn\b", found[1])


def check_text(sources, report):
    report.heading("What text may say")
    ours = [s for s in sources if not s.under("tests/tidy")]
    code = [s for s in sources if s.suffix in CODE]
    headers = [s for s in code if s.suffix in (".hpp", ".h")]
    report.rule("no notes to do something later", (
        f"{s.path}:{n}: {line.strip()}" for s in ours for n, line in enumerate(s.lines, 1)
        if re.search(rules.WORDS, line)))
    report.rule("no commented-out code", (
        f"{s.path}:{n}: {line.strip()}" for s in code for n, line in enumerate(s.lines, 1)
        if commented_out(line)))
    report.rule("a header begins by saying what it is for", (
        s.path for s in headers if not s.text.startswith(("//", "/*"))))
    report.rule("a header is included once", (
        s.path for s in headers if "#pragma once" not in s.text and "#ifndef" not in s.text))


# ---- documents -----------------------------------------------------------------------------------

def stale_links(root, source):
    for number, line in enumerate(source.lines, 1):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
            if "://" not in target and not (root / source.path).parent.joinpath(target).exists():
                yield f"{source.path}:{number}: no such file: {target}"
        for target in re.findall(rf"`((?:{'|'.join(TOPS)})/[\w./-]+)`", line):
            if "NAME" not in target and not (root / target).exists():
                yield f"{source.path}:{number}: no such file: {target}"


def stale_commands(root, source):
    known = (root / "dev").read_text() if (root / "dev").exists() else ""
    for number, line in enumerate(source.lines, 1):
        for command in re.findall(r"\./dev ([a-z]+)", line):
            if f"cmd_{command}()" not in known and command != "help":
                yield f"{source.path}:{number}: ./dev has no command {command}"


def check_documents(root, sources, report):
    report.heading("Documents are fresh (what is generated, the golden tests compare)")
    texts = [s for s in sources if s.suffix == ".md"]
    report.rule("every file that a document names is there",
                (v for s in texts for v in stale_links(root, s)))
    report.rule("every ./dev command that a document names is there",
                (v for s in texts for v in stale_commands(root, s)))
    report.rule("every wording of a problem with a unit file stands in a golden file",
                wording.unread(root, sources))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    sources = read_tree(options.root)
    report = Report(options.quiet)
    check_includes(sources, report)
    check_confined(sources, report)
    check_bans(sources, report)
    check_lengths(sources, report)
    check_text(sources, report)
    check_documents(options.root, sources, report)
    if report.broken:
        print(f"\n{report.broken} places break a rule of the house (tests/tidy/rules.py).")
        return 1
    if not options.quiet:
        print(f"\nAll rules are kept in {len(sources)} files.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
