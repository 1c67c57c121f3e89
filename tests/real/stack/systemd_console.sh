#!/bin/bash
# In the guest under systemd: obeys lines `run NUMBER COMMAND` of the serial console and says what came of
# them. stack_mesh.py is at the other end.

say() { printf 'l1: %s\n' "$*"; }

# As busybox has it: lines for the other guest run here too.
usleep() { sleep "$(printf '%d.%06d' $(($1 / 1000000)) $(($1 % 1000000)))"; }

stty -echo
say "up after $(cut -d' ' -f1 /proc/uptime) s"

while read -r word number command; do
    [ "$word" = run ] || continue
    told=$(eval "$command" 2>&1)
    status=$?
    while read -r line; do
        say "told $number $line"
    done <<<"$told"
    say "ran $number with $status"
done
