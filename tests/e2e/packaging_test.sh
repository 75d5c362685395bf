#!/bin/sh
# systemd reads packaging/keel.service without a complaint, as it would be after `cmake --install`.
set -eu
source=$1
if ! command -v systemd-analyze >/dev/null; then
    echo "SKIPPED: systemd-analyze is not installed"; exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The programs need not be installed for this: the copy names one that is there.
sed 's|^ExecStart=/usr/bin/keeld|ExecStart=/bin/true|; /^Documentation=/d' \
    "$source/packaging/keel.service" >"$work/keel.service"
out=$(systemd-analyze verify "$work/keel.service" 2>&1 | grep keel.service || true)
if [ -n "$out" ]; then echo "$out"; exit 1; fi

require() {
    grep -qx "$1" "$source/packaging/keel.service" || { echo "keel.service lacks: $1"; exit 1; }
}
require Type=notify
require NotifyAccess=main
require 'WatchdogSec=[0-9]*s'
require Delegate=yes
require Restart=always
require StartLimitIntervalSec=0
require KillMode=process
require RestartKillSignal=SIGUSR2
require 'ExecReload=/bin/kill -HUP $MAINPID'

# What systemd itself would refuse in these two, it refuses here. Folders are made as the caller:
# only root can give them away.
systemd-sysusers --dry-run "$source/packaging/sysusers.conf" >/dev/null 2>&1
sed "s/ root root / $(id -un) $(id -gn) /" "$source/packaging/tmpfiles.conf" >"$work/tmpfiles.conf"
mkdir -p "$work/root/etc"
getent passwd "$(id -un)" >"$work/root/etc/passwd"
getent group "$(id -gn)" >"$work/root/etc/group"
systemd-tmpfiles --create --root "$work/root" "$work/tmpfiles.conf"
test -d "$work/root/etc/keel/units"
echo "keel.service, sysusers.conf and tmpfiles.conf are as systemd wants them"
