"""The rules of the house, as data: who may include whom, what may stand where, how long things are.

tidy.py applies them and prints each one with whether it is kept; docs/ARCHITECTURE.md says why they
are as they are. This file is the only place to change a rule.
"""

# ---- who may include whom ------------------------------------------------------------------------
#
# folder: what of ours it may include besides itself, then which libraries besides the standard
# library and Linux. An entry is a folder, or a path of which the included one begins. Arrows run
# one way: base <- units <- core <- ports <- everything else <- main.

PORTS = "base units core ports"

INCLUDES = {
    "supervisord/base":     ("",                                    "fmt"),
    "units":                ("base",                                "fmt openssl re2 toml++"),
    "supervisord/core":     ("base units",                          "fmt"),
    "supervisord/ports":    ("base units core",                     ""),
    "supervisord/engine":   (PORTS,                                 "fmt spdlog json"),
    "supervisord/sys":      (f"{PORTS} keeper/wire.hpp",            "fmt uv zstd"),
    "supervisord/keeper":   ("",                                    ""),
    "supervisord/transfer": (PORTS,                                 "fmt curl"),
    "probes":               (f"{PORTS} transfer",                   "fmt"),
    "supervisord/ledger":   (PORTS,                                 "fmt sqlite"),
    "supervisord/deploy":   ("base",                                "fmt archive curl openssl "
                                                                    "CLI11"),
    "supervisord/notify":   (f"{PORTS} transfer",                   "fmt json"),
    "supervisord/web":      ("",                                    ""),
    "supervisord/control":  (f"{PORTS} web",                        "fmt json json_fwd microhttpd "
                                                                    "openssl"),
    "supervisord/metrics":  (PORTS,                                 "fmt prometheus"),
    "supervisord/cli":      ("base units core/views.hpp core/unit.hpp control",
                             "fmt json json_fwd CLI11"),
}

# Files that may include more than their folder: a glob, and what of ours is added.
INCLUDES_MORE = {
    "supervisord/control/server*.cpp": "engine",
    "supervisord/applying.*": "applying.hpp base units core ports engine sys",
    "supervisord/history.*": "history.hpp base units ports ledger engine/log.hpp sys",
    "supervisord/command_line.*": "command_line.hpp base",
    "supervisord/releases_kept.*": "releases_kept.hpp history.hpp base core ports sys "
                                   "deploy/release_report.hpp",
    "supervisord/people.*": "people.hpp history.hpp base units ports engine/configuration.hpp "
                            "engine/log.hpp engine/spawn_plan.hpp sys notify control transfer",
    "supervisord/main.cpp": "applying.hpp command_line.hpp history.hpp people.hpp "
                            "releases_kept.hpp base units core "
                            "ports engine sys transfer probes ledger deploy notify control metrics",
}

# Files that may include less than their folder: a glob, and what of ours is taken away.
INCLUDES_LESS = {
    "supervisord/cli/*": "control/server",
}

# How a library is recognised in an #include line.
LIBRARIES = {
    "fmt": r"fmt/",
    "spdlog": r"spdlog/",
    "toml++": r"toml\+\+/|toml\.hpp",
    "json": r"nlohmann/json\.hpp",
    "json_fwd": r"nlohmann/json_fwd\.hpp",
    "CLI11": r"CLI/",
    "uv": r"uv\.h|uv/",
    "re2": r"re2/",
    "zstd": r"zstd",
    "curl": r"curl/",
    "microhttpd": r"microhttpd\.h",
    "openssl": r"openssl/",
    "prometheus": r"prometheus/",
    "sqlite": r"sqlite3",
    "archive": r"archive(_entry)?\.h",
    "systemd": r"systemd/",
    "boost": r"boost/",
}

# Libraries that cost much to compile, or that only one place may know: the files that may include
# them, and of how many files that may be at most.
CONFINED = {
    "toml++":      ("units/*.cpp", 1),
    "re2":         ("units/expression.cpp", 1),
    "zstd":        ("supervisord/sys/log_packing.cpp", 1),
    "json":        ("supervisord/engine/state_json.hpp supervisord/control/json_*.cpp "
                    "supervisord/notify/json_*.cpp", 7),
    "json_fwd":    ("supervisord/*/*.hpp", 9),
    "CLI11":       ("supervisord/cli/main.cpp supervisord/command_line.cpp "
                    "supervisord/deploy/main.cpp", 3),
    "spdlog":      ("supervisord/engine/log.cpp", 1),
    "microhttpd":  ("supervisord/control/http_*", 3),
    "openssl":     ("units/tls_files.cpp supervisord/control/tls_link.cpp "
                    "supervisord/control/web_access.cpp supervisord/deploy/digest.cpp", 4),
    "curl":        ("supervisord/transfer/* supervisord/deploy/http_source.cpp", 10),
    "archive":     ("supervisord/deploy/archive_*.cpp supervisord/deploy/packer.cpp", 3),
    "prometheus":  ("supervisord/metrics/*", 9),
}

# ---- what may stand where ------------------------------------------------------------------------
#
# (what, how it is found in code without comments and strings, folders in which it is forbidden,
# files excepted, why)

ALL = "supervisord probes units tests"
PRODUCT = "supervisord probes units"
PURE = "supervisord/core units"
TIMELESS = "supervisord/core supervisord/engine units probes"
KEEPER = "supervisord/keeper/* tests/integration/spawner/host.cpp"  # the second plays the keeper


def header(names):
    return r"#\s*include\s*<(" + names.replace(" ", "|").replace(".", r"\.") + r")>"


def call(names):
    return r"\b(" + names.replace(" ", "|") + r")\s*\("


BANS = [
    ("uv_spawn", r"\buv_spawn\b", ALL, "", "libuv reaps by looking at every child; we spawn"),
    ("uv_queue_work", r"\buv_queue_work\b", ALL, "", "a hung resolver would stop libuv's threads"),
    ("libuv", r"\buv_\w+", PRODUCT, "supervisord/sys/*", "the others use ports::Loop"),
    ("waitpid(-1", r"\bwaitpid\s*\(\s*-1|\bwait\s*\(\s*(NULL|nullptr|0|&)", ALL, KEEPER,
     "only the keeper reaps whatever ends"),
    ("sleep", call("sleep usleep nanosleep sleep_for sleep_until"), ALL, "",
     "wait for an event or a deadline"),
    ("shell", call("system popen"), ALL, "", "commands are words"),
    ("unbounded writes", call("strcpy strcat sprintf vsprintf gets tmpnam mktemp"), ALL, "",
     "a limit on everything"),
    ("threads", header("thread mutex shared_mutex condition_variable future atomic stop_token"),
     PURE, "", "decisions are pure"),
    ("randomness", header("random sys/random.h"), PURE, "", "decisions are pure"),
    ("clocks", header("ctime time.h sys/time.h sys/timerfd.h"), PURE, "", "decisions are pure"),
    ("I/O", header("iostream fstream cstdio stdio.h filesystem unistd.h fcntl.h sys/stat.h "
                   "sys/socket.h poll.h sys/epoll.h"),
     "supervisord/core", "", "decisions are pure"),
    ("reading a clock", r"_clock\s*::\s*now\b|" + call("clock_gettime gettimeofday time"),
     TIMELESS, "", "the time is an argument"),
    ("drawing lots", call("rand srand random getrandom drand48"), TIMELESS, "",
     "randomness is an argument"),
    ("tests switched off without a word", r"\bGTEST_SKIP\s*\(\s*\)(?!\s*<<)|\bDISABLED_", "tests",
     "", "a test that does not run proves nothing"),
]

# ---- how long things are -------------------------------------------------------------------------

FILE_LINES = {"tests": 600, "": 400}  # the longest matching folder counts
FUNCTION_LINES = {"tests": 80, "": 50}  # lines between the braces
LINE_CHARACTERS = 100

# ---- what text may not say -----------------------------------------------------------------------

WORDS = r"\b(FIXME|TODO|XXX|HACK)\b"
