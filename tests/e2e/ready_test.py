#!/usr/bin/python3
"""Units that are ready when they say so, by real programs that speak sd_notify(3), and by the
engine's death at the worst moments: nothing that a process said is lost, nobody is ended for it.
"""
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from harness import Failed, Keel, alive, check, free_ports, read_options, run_as_test, until

SAY = """
import os, signal, socket, sys, time
def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
"""


def instance(keel, unit):
    return keel.status()[unit]["instances"][0]


def engine_gone(keel):
    """The engine, stopped, so that nothing is read from now on until it is killed."""
    pid = keel.engine_pid()
    os.kill(pid, signal.SIGSTOP)
    return pid


def next_engine(keel, before):
    os.kill(before, signal.SIGKILL)
    until("the next engine answers",
          lambda: keel.engine_pid() not in (None, before) and keel.answers())


def write_script(keel, name, text):
    path = keel.root / f"{name}.py"
    path.write_text(SAY + text)
    return f'["/usr/bin/python3", "{path}"]'


def write_units(keel):
    (port,) = free_ports(1)
    keel.write_unit("redis", f"""
command = "redis-server --port {port} --supervised systemd --daemonize no --save ''"
ready = "notify"
""")
    # Waits at the barrier that systemd-notify sends after its words.
    keel.write_unit("shell", """
command = ["sh", "-c", "systemd-notify --ready --status='All is well'; exec sleep infinity"]
ready = "notify"
user = "nobody"
""")
    go = keel.root / "go"
    os.mkfifo(go)
    command = write_script(keel, "late", f"""
open({str(go)!r}).close()
say("READY=1\\nSTATUS=at last")
open({str(go)!r} + ".said", "w").close()
time.sleep(1000)
""")
    keel.write_unit("late", f'command = {command}\nready = "notify"\n[start]\ntimeout = "1m"\n')
    command = write_script(keel, "watched", f"""
say("READY=1")
assert os.environ["WATCHDOG_PID"] == str(os.getpid())
while True:
    if not os.path.exists({str(keel.root / 'hush')!r}): say("WATCHDOG=1")
    time.sleep(int(os.environ["WATCHDOG_USEC"]) / 3e6)
""")
    keel.write_unit("watched", f"""
command = {command}
ready = "notify"
watchdog = "2s"
[escalation]
failures = 0
""")
    # The parent stays and does not care for TERM; whom it names does the work, and cares.
    command = write_script(keel, "named", """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    say(f"READY=1\\nMAINPID={os.getpid()}")
    while True: time.sleep(1000)
os.waitpid(child, 0)
""")
    keel.write_unit("named", f"""
command = {command}
ready = "notify"
[stop]
timeout = "1m"
""")
    return go


def write_unit_with_descriptor(keel, name, fd, text, more=""):
    path = keel.root / f"{name}.py"
    path.write_text(f"import os, time\n{text}\ntime.sleep(1000)\n")
    keel.write_unit(name, f"""
command = ["/usr/bin/python3", "{path}"]
ready = "fd:{fd}"
{more}
""")


def write_units_with_descriptors(keel):
    shown = keel.root / "shown"
    for fd in (3, 7, 255):
        write_unit_with_descriptor(keel, f"fd{fd}", fd, f"""
assert sorted(map(int, os.listdir("/proc/self/fd")))[3:4] in ([3], [{fd}])
os.write({fd}, b"up\\nand more that nobody waits for\\n")
os.close({fd})
""")
    # The number goes to a program that knows nothing of it, as with s6.
    keel.write_unit("fdshell", """
command = ["sh", "-c", "echo >&4; exec 4>&-; exec sleep infinity"]
ready = "fd:4"
user = "nobody"
""")
    write_unit_with_descriptor(keel, "fdlate", 3, f"""
while not os.path.exists({str(shown)!r}): time.sleep(0.01)
os.write(3, b"\\n")
os.close(3)
open({str(shown)!r} + ".said", "w").close()
""", '[start]\ntimeout = "1m"')
    write_unit_with_descriptor(keel, "fdnever", 3, "os.write(3, b'no'); os.close(3)",
                               '[start]\ntimeout = "1s"\n[escalation]\nfailures = 0')
    return shown


def ready_by_descriptors(keel, shown):
    keel.wait("fd3", "fd7", "fd255", "fdshell")
    check("wrote a newline to descriptor 255" in keel.run("why", "fd255").stdout,
          "a newline on descriptors 3, 7 and 255, and keel why tells of it")
    pid = instance(keel, "fdlate")["pid"]
    engine = engine_gone(keel)
    shown.touch()
    until("it has written and closed", Path(f"{shown}.said").exists)
    next_engine(keel, engine)
    keel.wait("fdlate")
    check(instance(keel, "fdlate")["pid"] == pid,
          "a newline, then the engine is killed before it reads: the next one has it ready")
    until("it has failed for want of a newline", lambda: "it wrote no newline to descriptor 3"
          in keel.run("why", "fdnever").stdout)
    check("closed descriptor 3 and written no newline" in keel.run("events").stdout,
          "closed without a newline: told, and the start fails in its time")
    keel.run("stop", "fdnever")
    left = set(os.listdir(keel.root / "run/keel/ready"))
    living = {str(i["spawn"]) for u in keel.status().values() for i in u["instances"]}
    check(left <= living, "no pipe is left of spawns that are over")


def real_programs(keel):
    keel.wait("redis", "shell", "watched", "named")
    check(instance(keel, "redis")["says"] == "Ready to accept connections",
          "redis-server --supervised systemd is ready by its word, and its status is shown")
    check("says: All is well" in keel.run("status", "shell").stdout,
          "systemd-notify of another user: ready, and keel status tells what it says")
    check("said READY=1" in keel.run("why", "redis").stdout, "keel why tells by what it is ready")


def haproxy(keel):
    if shutil.which("haproxy") is None:
        raise Failed("haproxy is not installed: ./dev setup")
    (port,) = free_ports(1)
    config = keel.root / "haproxy.cfg"
    config.write_text(f"""
defaults
    timeout client 1s
    timeout server 1s
    timeout connect 1s
frontend all
    mode http
    bind 127.0.0.1:{port}
""")
    keel.write_unit("haproxy", f"""
command = ["haproxy", "-Ws", "-f", "{config}"]
ready = "notify"
""")


def write_lined_units(keel):
    (port,) = free_ports(1)
    slow = keel.root / "slow"
    os.mkfifo(f"{slow}.go")
    command = write_script(keel, "liner", f"""
print("listening", flush=True) if not os.path.exists({str(slow)!r}) else None
open({str(slow)!r} + ".go").close()
print("listening", flush=True)
open({str(slow)!r} + ".gone", "w").close()
time.sleep(1000)
""")
    keel.write_unit("lined-redis", f"""
command = "redis-server --port {port} --daemonize no --save ''"
ready = "log:Ready to accept connections"
""")
    keel.write_unit("liner", f"""
command = {command}
ready = 'log:^listening$'
[start]
timeout = "1m"
[log]
format = "timestamp"
""")


def ready_by_lines(keel):
    keel.wait("lined-redis", "liner")
    check("Ready to accept connections" in keel.run("why", "lined-redis").stdout,
          "redis is ready by a line of its log, and keel why tells which")
    slow = keel.root / "slow"
    slow.touch()
    os.kill(instance(keel, "liner")["pid"], signal.SIGKILL)
    until("it starts again", lambda: instance(keel, "liner")["state"] == "starting")
    engine = engine_gone(keel)
    check(True, "what its first life wrote does not make its second one ready")
    open(f"{slow}.go", "w").close()
    until("the line is in the pipe", Path(f"{slow}.gone").exists)
    next_engine(keel, engine)
    keel.wait("liner")
    log = keel.run("logs", "liner").stdout
    check(log.count("listening") == 2, "a line that the last engine left unread: ready by the next")


def a_word_that_nobody_read(keel, go):
    pid = instance(keel, "late")["pid"]
    engine = engine_gone(keel)
    go.open("w").close()
    until("it has said READY=1", Path(f"{go}.said").exists)
    next_engine(keel, engine)
    keel.wait("late")
    after = instance(keel, "late")
    check(after["pid"] == pid and after["says"] == "at last" and after["restarts"] == 0,
          "READY=1, then the engine is killed before it reads: the next one has it ready")
    next_engine(keel, keel.engine_pid())
    check(instance(keel, "late")["says"] == "at last", "its word is known to the one after, too")


def a_word_from_a_stranger(keel):
    spawn = instance(keel, "late")["spawn"]
    path = keel.root / f"run/keel/notify/{spawn}"
    subprocess.run(["/usr/bin/python3", "-c", SAY + 'say("STATUS=mine now")'],
                   env={"NOTIFY_SOCKET": str(path)}, check=True)
    until("it is told", lambda: "was not heeded" in keel.run("events").stdout)
    check(instance(keel, "late")["says"] == "at last", "a stranger's word is not heeded, and told")


def watchdog(keel):
    first = instance(keel, "watched")
    next_engine(keel, keel.engine_pid())
    spawn = first["spawn"]
    over_at = time.monotonic() + 3
    until("an interval and a half has passed", lambda: time.monotonic() > over_at)
    check(instance(keel, "watched")["spawn"] == spawn, "watched over an engine's death: not ended")
    (keel.root / "hush").touch()
    until("it is replaced", lambda: instance(keel, "watched")["spawn"] != spawn)
    why = keel.run("why", "watched").stdout
    check("watchdog: no WATCHDOG=1 for 2s" in why and "SIGABRT" in why,
          "silent: ended by SIGABRT, and why")
    (keel.root / "hush").unlink()
    keel.wait("watched")
    metrics = keel.metrics()
    check(metrics['keel_restarts_total{unit="watched",reason="watchdog"}'] >= 1, "it is counted")


def main_process(keel):
    before = keel.pids()["named"]
    next_engine(keel, keel.engine_pid())
    keel.run("stop", "named")
    check(not alive(before), "the stop signal goes to the process it named, also after the engine")


def over(keel):
    folder = keel.root / "run/keel/notify"
    living = {str(i["spawn"]) for u in keel.status().values() for i in u["instances"]}
    check(set(os.listdir(folder)) <= living, "no socket is left of spawns that are over")


def main():
    with Keel(read_options(__doc__).bin, prefix="keel-ready-") as keel:
        go = write_units(keel)
        haproxy(keel)
        write_lined_units(keel)
        shown = write_units_with_descriptors(keel)
        keel.start()
        real_programs(keel)
        keel.wait("haproxy")
        check(True, "haproxy -Ws is ready by its word")
        ready_by_lines(keel)
        ready_by_descriptors(keel, shown)
        a_word_that_nobody_read(keel, go)
        a_word_from_a_stranger(keel)
        watchdog(keel)
        main_process(keel)
        over(keel)


if __name__ == "__main__":
    run_as_test(main)
