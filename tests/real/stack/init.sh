#!/bin/busybox sh
# shellcheck shell=dash
# The first process of the guest that carries an agent: mounts, modules, network, agent. It says on the
# serial console what it does, obeys lines `run NUMBER COMMAND` from there, and shuts down in order when
# the power button is pressed. What is of one machine alone is on its disk (see stack_mesh.py):
# etc/ with the agent's settings and keys, pool/, and the agent's state, which outlives a boot.

say() { echo "l1: $*"; }

/bin/busybox --install -s /bin
export PATH=/ctys:/bin:/usr/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /dev/shm /tmp /run /disk
mount -t tmpfs none /dev/shm
mount -t tmpfs none /run
exec </dev/ttyS0 >/dev/ttyS0 2>&1
stty -echo
ulimit -c 0 # a core would fill the memory
say "kernel is up after $(cut -d' ' -f1 /proc/uptime) s"

while read -r module; do
    insmod "/modules/$module.ko" || say "module $module failed"
done </modules/order
mount -t ext4 /dev/vda /disk || say 'no disk'
chown -R 0:0 /disk/etc /disk/pool
ip link set lo up
ip address add 10.0.2.9/24 dev eth0 # below those that its network hands out
ip link set eth0 up

mkdir -p /disk/state /run/ctys
chmod 700 /disk/state /run/ctys
export CTYS_STATE_DIR=/disk/state CTYS_RUNTIME_DIR=/run/ctys CTYS_CONFIG_DIR=/disk/etc
export CTYS_QEMU_CALL=/ctys/ctys-qemu-call ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1
# Emulated, a survey would take the time of the VMs inside.
export CTYS_EMULATORS_PROBE=false
# What it would have noted of QEMU: each start would ask for it.
{
    printf 'unusable\nno survey was made\n'
    stat -c "build $(cat /etc/qemu-version) %d %i %s %Y000000000 %n" /usr/bin/qemu-system-x86_64
} >/run/ctys/kvm

# /run/agent.pid is there as long as the agent runs.
agent_start() {
    {
        ctys-agent &
        echo $! >/run/agent.pid
        wait $!
        say "agent ended with $?"
        rm -f /run/agent.pid
    } &
}

# gone SECONDS: whether the agent is, at the latest then.
gone() {
    local left=$(($1 * 10))
    while [ -e /run/agent.pid ] && [ $left -gt 0 ]; do
        usleep 100000
        left=$((left - 1))
    done
    [ ! -e /run/agent.pid ]
}

agent_kill() { kill "-${1:-TERM}" "$(cat /run/agent.pid)"; }

# What a service manager does at its shutdown: the guests first, then the agent, then power.
orderly_end() {
    say 'power button: shutting down'
    ctys-agent --stop-guests
    say "guests stopped with $?"
    if [ -e /run/agent.pid ]; then
        agent_kill
        gone 10 || { agent_kill KILL; gone 10; }
    fi
    sync
    umount /disk || mount -o remount,ro /disk
    say "power off after $(cut -d' ' -f1 /proc/uptime) s"
    poweroff -f
}

# An event of the kernel's input layer has 24 bytes. Which device the power button is depends on what
# else there is: a keyboard that nobody types on sends nothing.
mkfifo /run/button
for device in /dev/input/event*; do
    head -c 24 "$device" >/run/button &
done
{
    head -c 24 /run/button >/run/pressed
    orderly_end
} &
say "buttons: $(grep -h ^N: /proc/bus/input/devices | tr '\n' ' ')"
agent_start
say "up after $(cut -d' ' -f1 /proc/uptime) s"

while true; do
    # A terminal that hangs up would end the first process, and with it the machine.
    read -r word number command || { usleep 100000; continue; }
    [ "$word" = run ] || continue
    eval "$command"
    say "ran $number with $?"
done
