#!/bin/sh
# The manual pages: mandoc finds nothing to complain about, and they tell of every command, option
# and key.
set -eu
bin=$1
if ! command -v mandoc >/dev/null; then echo "SKIPPED: mandoc is not installed"; exit 77; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$bin/keel_man" "$work"

for page in keel.1 keeld.8 keel.toml.5 keel-unit.5; do
    mandoc -Tlint -Wwarning "$work/$page"
    mandoc -Tutf8 -Owidth=100 "$work/$page" | sed 's/.\x08//g' >"$work/$page.txt"
done

tells() {
    grep -qF -e "$2" "$work/$1.txt" || { echo "$1 does not tell of $2"; exit 1; }
}
for command in $("$bin/keel" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
    tells keel.1 "keel $command"
    for option in $("$bin/keel" help "$command" | grep -o '^  -[-a-z, ]*' | tr -d ,); do
        tells keel.1 "$option"
    done
done
for option in --root --http --log-level SIGUSR2; do tells keeld.8 "$option"; done
for of in "keel-unit.5" "keel.toml.5 --daemon"; do
    page=${of%% *}
    keys=$("$bin/keel" schema ${of#"$page"} | /usr/bin/python3 -c '
import json, sys
for name, key in json.load(sys.stdin)["properties"].items():
    print(name)
    if name != "defaults":
        below = key.get("items", key)
        print(*(below.get("properties", []) if isinstance(below, dict) else []), sep="\n")')
    for key in $keys; do tells "$page" "$key"; done
done
echo "four pages, without a warning of mandoc's"
