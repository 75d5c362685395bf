#!/usr/bin/python3
"""What bash, zsh and fish offer when a person presses the tabulator in a line of `keel`.

    completion_test.py --bin build/dev/bin

Each shell loads the script that `keel completion SHELL` prints and is asked as a person asks it,
with a keeld that runs. A shell that is not installed is named as not tested.
"""
import os
import shutil
import subprocess

from deploying import Deployed
from harness import Failed, Keel, read_options, run_as_test
from terminal import Terminal

# The line up to the cursor, and what is offered: all of it, or where `...` stands, also that.
CASES = [
    ("keel sta", "status start"),
    ("keel status a", "alpha amber app"),
    ("keel status wor", "worker"),
    ("keel restart worker.", "worker.1 worker.2"),
    ("keel logs worker.2", "worker.2"),
    ("keel wait alpha --for de", "degraded"),
    ("keel completion ", "bash zsh fish"),
    ("keel hold alpha --re", "--reason"),
    ("keel check @ROOT@/etc/keel/units/al", "@ROOT@/etc/keel/units/alpha.toml"),
    ("keel --root @ROOT@ why am", "amber"),
    ("keel events --unit al", "alpha"),
    ("keel start alpha --timeout ", ""),
    ("keel outages ", ""),
    ("keel cancel ", "@START@"),
    ("keel deploy al", "alpha"),
    ("keel deploy alpha ", ""),
    ("keel deploy app ", "1.0"),
    ("keel deploy app 1.0 ", ""),
    ("keel --root @ROOT@ deploy app 1", "1.0"),
    ("keel rollback a", "app"),
    ("keel undeny app ", "1.2"),
    ("keel undeny app 1.0", ""),
    ("keel logs app --de", "--deploy"),
    ("keel deploy alpha --file @ROOT@/etc/keel/units/al", "@ROOT@/etc/keel/units/alpha.toml"),
    ("keel undeny alpha --rea", "--reason"),
]

BASH = """
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
read -ra COMP_WORDS <<<"$2"
[[ $2 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_keel
printf '%s\\n' "${COMPREPLY[@]}"
"""


def environment(keel, with_root=True):
    env = dict(os.environ, PATH=f"{keel.bin}:{os.environ['PATH']}", HOME=str(keel.root))
    env.pop("KEEL_ROOT", None)
    if with_root:
        env["KEEL_ROOT"] = str(keel.root)
    return env


def run(keel, line, *command):
    done = subprocess.run(command, env=environment(keel, "--root" not in line), text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    if done.stderr:
        raise Failed(f"{line!r}: {done.stderr}")
    return done.stdout.splitlines()


def offered_by_bash(keel, script, line):
    return [word for word in run(keel, line, "bash", "--norc", "-c", BASH, "bash", script, line)
            if word]


def offered_by_fish(keel, script, line):
    words = run(keel, line, "fish", "--no-config", "-c",
                'source $argv[1]; complete -C $argv[2]', script, line)
    return [word.split("\t")[0] for word in words]


def check(keel, shell, offered_by, script):
    start = str(keel.status()["slow"]["operation"]["id"])
    for line, wanted in CASES:
        line, wanted = (text.replace("@ROOT@", str(keel.root)).replace("@START@", start)
                        for text in (line, wanted))
        offered = offered_by(keel, script, line)
        if shell == "fish":  # which offers options only after a dash, and files as a last resort
            offered = [word for word in offered if wanted]
        if sorted(offered) != sorted(wanted.split()):
            raise Failed(f"{shell}: {line!r} offers {offered}, not {wanted.split()}")


def check_zsh(keel, script):
    """On a terminal: without one, zsh completes nothing."""
    os.environ.update(environment(keel), PROMPT="> ")
    terminal = Terminal([shutil.which("zsh"), "-f", "-i"])
    terminal.until_text("(?m)^>$")

    def type_in(text):
        os.write(terminal.fd, text.encode())

    type_in(f"autoload -U compinit; compinit -u -D; source {script}; clear; echo re''ady\n")
    terminal.until_text("ready")
    for typed, seen in (("keel statu\t", r"> keel status$"),
                        ("keel status alp\t", r"> keel status alpha$"),
                        ("keel restart worker.\t", r"(?s)> keel restart worker\.$.*\.1 +worker\.2"),
                        ("keel wait --for deg\t", r"> keel wait --for degraded$"),
                        ("keel hold alpha --rea\t", r"> keel hold alpha --reason$"),
                        (f"keel --root {keel.root} why amb\t", r"why amber$"),
                        ("keel deploy app \t", r"> keel deploy app 1\.0$"),
                        ("keel undeny app \t", r"> keel undeny app 1\.2$"),
                        ("keel rollback a\t", r"> keel rollback app$"),
                        ("keel st\t", r"(?s)status +-- how units are.*stop +-- stop units")):
        type_in(typed)
        terminal.until_text("(?m)" + seen)
        type_in("\x15")
        type_in("clear; echo re''ady\n")
        terminal.until("the next prompt", lambda: terminal.text().startswith("ready"))
    type_in("exit\n")
    terminal.end()


def deploy(app):
    """1.1 is current, 1.0 was, and 1.2 is denied, for it did not run."""
    for release, course, outcome in (("1.0", "", "done"), ("1.1", "", "done"),
                                     ("1.2", "exit 3", "failed")):
        app.pack(release, course)
        answer = app.deploy(release)
        if answer["outcome"] != outcome:
            raise Failed(answer["text"])


def main():
    options = read_options()
    with Keel(options.bin) as keel:
        for name in ("alpha", "amber", "worker"):
            several = "instances = 2\n" if name == "worker" else ""
            keel.write_unit(name, f'command = "/usr/bin/tail -f /dev/null"\n{several}')
        keel.write_unit("slow", 'command = "/usr/bin/tail -f /dev/null"\nready = "notify"\n'
                                'enabled = false\n[start]\ntimeout = "1h"\n')
        app = Deployed(keel)
        keel.start()
        deploy(app)
        keel.run("start", "slow", "--no-wait")
        for shell in ("bash", "zsh", "fish"):
            script = keel.root / f"keel.{shell}"
            script.write_text(keel.run("completion", shell).stdout)
            if not shutil.which(shell):
                print(f"{shell}: not tested, it is not installed")
                continue
            if shell == "zsh":
                subprocess.run(["zsh", "-n", script], check=True)
                check_zsh(keel, script)
            else:
                check(keel, shell, offered_by_bash if shell == "bash" else offered_by_fish, script)
            print(f"{shell}: offers what it should")


if __name__ == "__main__":
    run_as_test(main)
