#!/usr/bin/python3
"""The tidy test notices: each rule is broken once in a copy of the tree, and must be named.

A rule that no longer notices anything looks exactly like a rule that is kept.
"""
import contextlib
import io
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests" / "tidy"))
import tidy  # noqa: E402

LONG_FUNCTION = "void f()\n{\n" + "    g();\n" * 51 + "}\n"

# A planted file, its text, and what must be said about it.
PLANTED = [
    ("supervisord/base/p1.cpp", '#include "core/verdict.hpp"\n', ":1: may not include core/"),
    ("supervisord/core/p2.cpp", '#include "ports/loop.hpp"\n', ":1: may not include ports/"),
    ("supervisord/core/p3.cpp", "\n#include <spdlog/spdlog.h>\n", ":2: may not include spdlog"),
    ("supervisord/engine/p4.cpp", '#include "sys/loop.hpp"\n', ":1: may not include sys/loop.hpp"),
    ("supervisord/sys/p5.cpp", '#include "engine/engine.hpp"\n', ":1: may not include engine/"),
    ("supervisord/keeper/p6.cpp", '#include "base/text.hpp"\n', ":1: may not include base/"),
    ("supervisord/engine/p7.cpp", "#include <base/nothing.hpp>\n#include <uv.h>\n",
     ":2: may not include uv"),
    ("supervisord/metrics/p8.cpp", "#include <base/text.hpp>\n#include <core/verdict.hpp>\n"
     '#include "probes/x.hpp"\n', ":3: may not include probes/x.hpp"),
    ("supervisord/cli/p9.cpp", '#include "control/server.hpp"\n', ":1: may not include control/"),
    ("supervisord/control/p10.cpp", '#include "engine/engine.hpp"\n', ":1: may not include e"),
    ("supervisord/control/p11.cpp", "#include <nlohmann/json.hpp>\n", ":1: <nlohmann/"),
    ("supervisord/cli/p12.cpp", "#include <CLI/CLI.hpp>\n", ":1: <CLI/CLI.hpp> is outside"),
    ("units/p31.cpp", "#include <re2/re2.h>\n", ":1: <re2/re2.h> is outside"),
    ("supervisord/core/p32.cpp", "#include <re2/re2.h>\n", ":1: may not include re2"),
    ("probes/p13.cpp", "int f() { return uv_now(loop); }\n", ":1: int f() { return uv_now"),
    ("tests/p14.cpp", "void f() { waitpid(-1, nullptr, 0); }\n", ":1: void f() { waitpid(-1"),
    ("tests/p15.cpp", "void f() { std::this_thread::sleep_for(1s); }\n", ":1: void f()"),
    ("supervisord/sys/p16.cpp", 'void f() { system("ls"); }\n', ":1: void f() { system("),
    ("supervisord/core/p17.cpp", "auto t = std::chrono::steady_clock::now();\n", ":1: auto t"),
    ("supervisord/core/p18.cpp", "#include <thread>\n", ":1: #include <thread>"),
    ("supervisord/core/p19.cpp", "#include <random>\n", ":1: #include <random>"),
    ("supervisord/core/p20.cpp", "#include <cstdio>\n", ":1: #include <cstdio>"),
    ("tests/p21.cpp", "void f() { GTEST" "_SKIP(); }\n", ":1: void f() { GTEST"),
    ("supervisord/sys/p22.cpp", "int a;\n" * 401, ": 401 lines"),
    ("supervisord/sys/p23.cpp", LONG_FUNCTION, ":1: 51 lines"),
    ("supervisord/sys/p24.cpp", "// " + "x" * 98 + "\n", ":1: 101 characters"),
    ("supervisord/sys/p25.cpp", "// TO" "DO: later\n", ":1: // TO" "DO"),
    ("supervisord/sys/p26.cpp", "// f(x, y);\n", ":1: // f(x, y);"),
    ("supervisord/sys/p27.hpp", "#pragma once\nint f();\n", "p27.hpp"),
    ("docs/p28.md", "see [that](nowhere.md)\n", ":1: no such file: nowhere.md"),
    ("docs/p29.md", "see `supervisord/base/nowhere.hpp`\n", ":1: no such file: super"),
    ("units/p33.cpp", 'const char* a = "is wrong in " "a way that {} has not read";\n',
     ":1: is wrong in a way that {} has not read"),
    ("docs/p30.md", "run `./dev frobnicate`\n", ":1: ./dev has no command frobnicate"),
]

# Files that look like trouble and are none.
INNOCENT = [
    ("supervisord/core/i1.cpp", "// No sleep( here, nor uv_spawn: see above.\n"
     'const char* text = "system(ls) // uv_spawn";\n#include <sys/wait.h>\n'),
    ("supervisord/sys/i2.cpp", '#include "keeper/wire.hpp"\n#include <uv.h>\n'),
    ("supervisord/control/server_extra.cpp", '#include "engine/engine.hpp"\n'),
    ("supervisord/sys/i3.cpp", 'const auto big = 1\'000\'000; // a "word" and it\'s fine\n'),
]


class TidyNotices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.copy = Path(tempfile.mkdtemp(prefix="keel-tidy-"))
        cls.addClassCleanup(shutil.rmtree, cls.copy)
        for top in tidy.TOPS:
            shutil.copytree(TREE / top, cls.copy / top)
        shutil.copy(TREE / "dev", cls.copy / "dev")
        for path, text, *_ in PLANTED + INNOCENT:
            (cls.copy / path).write_text(text, encoding="utf-8")
        out = io.StringIO()
        with contextlib.redirect_stdout(out), \
                mock.patch("sys.argv", ["tidy.py", "--root", str(cls.copy)]):
            cls.code = tidy.main()
        cls.said = out.getvalue()

    def test_a_broken_rule_fails(self):
        self.assertEqual(self.code, 1)

    def test_each_planted_mistake_is_named_with_its_place(self):
        for path, _, expected in PLANTED:
            with self.subTest(path):
                lines = [line for line in self.said.splitlines() if path in line]
                wanted = expected if expected in path else path + expected
                self.assertTrue(any(wanted in line for line in lines), f"said: {lines}")

    def test_what_only_looks_like_a_mistake_is_left_alone(self):
        for path, _ in INNOCENT:
            with self.subTest(path):
                self.assertNotIn(path, self.said)

    def test_every_rule_is_printed(self):
        for name in [f.split("/")[-1] for f in tidy.rules.INCLUDES] + list(tidy.rules.CONFINED):
            with self.subTest(name):
                self.assertRegex(self.said, rf"(?m)^  (kept|BROKEN) +{name.replace('+', '.')} ")


if __name__ == "__main__":
    unittest.main()
