#!/bin/bash
# Sourced by the wrapper of a VM before its configuration, with CTYSWRAPPERPATH, the VM's folder, as the working
# directory: `eval "$(ctys-qemu-call --wrapper-lib)"`. Gives a configuration the names and functions that those of the
# original use, and a wrapper ctys_settle, to be called when the configuration has been sourced.
# shellcheck disable=SC2034 # what is set here is for others

# ---- functions of the original's framework -----------------------------------------------------

# LINE SOURCE CODE TEXT
printERR() { echo "${0##*/}:$1:ERROR:$3: ${*:4}" >&2; }
# LEVEL LINE SOURCE CODE TEXT
printWNG() { echo "${0##*/}:$2:WARNING:$4: ${*:5}" >&2; }
printINFO() { echo "${0##*/}:$2:INFO:$4: ${*:5}" >&2; }
printDBG() { :; }
printFINALCALL() { :; }
gotoHell() { exit "${1:-0}"; }
# The path of a program; nothing, and status 1, where there is none.
gwhich() { [ -n "$1" ] && type -P -- "$1"; }
# LINE SOURCE SEVERITY PROGRAM FOLDER
getPathName() {
    [ -x "$5/$4" ] && echo "$5/$4" && return
    [ "$3" != ERROR ] || printERR "$1" "$2" 1 "missing: $5/$4"
    return 1
}
# PID LABEL PATTERN: the name of a monitor's socket, by a pattern like that of QEMUMONSOCK.
netGetUNIXDomainSocket() {
    local name=${3//ACTUALPID/$1}
    echo "${name//ACTUALLABEL/$2}"
}

# ---- names -------------------------------------------------------------------------------------

# Media of boot and installation modes. What the caller has exported of them and of the others, for another VM or for
# ctys-createConfVM, says nothing about this one.
CTYS_MEDIA_NAMES='FDDIMAGE FDA FDB INSTSRC INSTSRCCDROM INSTCDROM INSTSRCDVD INSTSRCFDD INSTSRCHDD INSTSRCUSB INSTTARGET
    DEFAULTBOOTMODE DEFAULTINSTMODE DEFAULTINSTSOURCE DEFAULTINSTTARGET HDDBOOTIMAGE_INST_SIZE'
# shellcheck disable=SC2086 # words
unset -v $CTYS_MEDIA_NAMES LABEL UUID MAC0 SNAPSHOT READONLY HDDBOOTIMAGE HDA HDB HDC HDD IMAGEFORMAT QEMU_IMG IMAGEINTERFACE \
    KERNELIMAGE INITRDIMAGE APPEND VGADRIVER VGA_DRIVER TIMEOPT ARGSADD NIC ACCELFALLBACK WRAPPERCALL \
    QEMUBIOS CONSOLE DEFAULTCONSOLE VNCACCESSDISPLAY KBD_LAYOUT

# The original's name of a distribution, by its os-release(5).
# shellcheck disable=SC2120 # tests give a file
ctys_distribution() {
    local key value
    while IFS='=' read -r key value; do
        [ "$key" = ID ] || continue
        case ${value//[\"\']/} in
        debian) MYDIST=debian ;;
        ubuntu) MYDIST=Ubuntu ;;
        fedora) MYDIST=Fedora ;;
        centos) MYDIST=CentOS ;;
        rhel) MYDIST=RHEL ;;
        scientific) MYDIST=Scientific ;;
        ol) MYDIST=EnterpriseLinux ;;
        sles | sled) MYDIST=SuSE ;;
        opensuse*) MYDIST=openSUSE ;;
        *) MYDIST=${value//[\"\']/} ;;
        esac
    done < "${1:-/etc/os-release}"
}

# NAME PROGRAM...: NAME becomes the path of the first one that is there, in the original's folders too. Without a
# process of its own, and with one look into PATH: every start of a VM waits for it.
ctys_find_program() {
    local name=$1 program folder
    printf -v "$name" ''
    for program in "${@:2}"; do
        if hash -- "$program" 2> /dev/null; then
            printf -v "$name" %s "${BASH_CMDS[$program]}"
            return
        fi
        for folder in /usr/libexec /opt/qemu/bin /opt/vde/bin; do
            [ -f "$folder/$program" ] && [ -x "$folder/$program" ] || continue
            printf -v "$name" %s "$folder/$program"
            return
        done
    done
}

USER=${USER:-$(id -un)}
MYOS=Linux
MYDIST=
[ ! -r /etc/os-release ] || ctys_distribution
ctys_find_program QEMUBASE qemu-system-x86_64 qemu
ctys_find_program QEMUKVM qemu-kvm
QEMUKVM=${QEMUKVM:-$QEMUBASE} # /usr/bin/kvm of Debian adds options that contradict ours
ctys_find_program VDE_DEQ vdeq
VDE_DEQ=${VDE_DEQ:-vdeq}
QEMUSOCK=/var/tmp/vde_switch0.$USER
QEMUMGMT=/var/tmp/vde_mgmt0.$USER
QEMUMONSOCK=/var/tmp/qemumon.ACTUALLABEL.ACTUALPID.$USER
CTYS_OWN_SOCK=$QEMUSOCK
CTYS_OWN_MGMT=$QEMUMGMT

# Of the system, then of the user: the later one holds.
for CTYS_FILE in "${CTYS_CONFIG_DIR:-/etc/ctys}/qemu.conf" \
    "$HOME/.ctys/qemu/qemu.conf" "$HOME/.ctys/qemu/qemu.conf-$MYOS.sh"; do
    # shellcheck source=/dev/null
    [ ! -f "$CTYS_FILE" ] || . "$CTYS_FILE"
done
CTYS_SOCK_BEFORE=$QEMUSOCK

# ---- what a configuration means ----------------------------------------------------------------

# Is this variable assigned in the text of the configuration?
ctys_is_assigned() {
    [[ $'\n'$CTYS_TEXT =~ $'\n'[[:blank:]]*(export[[:blank:]]+)?$1= ]]
}

# CONFIGURATION: other names of one thing become one, and what only this library has said is taken back, so that a
# configuration that says nothing of a network gets none of ours.
ctys_settle() {
    local IFS=$'\n' lines CTYS_TEXT asked=
    mapfile -t lines < "$1" # read would ask for each byte
    CTYS_TEXT="${lines[*]}"
    IFS=$' \t\n'
    HDDBOOTIMAGE=${HDDBOOTIMAGE:-$HDA}
    IMAGEFORMAT=${IMAGEFORMAT:-$QEMU_IMG}
    VGADRIVER=${VGADRIVER:-$VGA_DRIVER}
    [ -z "$QEMUBIOS" ] || ARGSADD="-L '$QEMUBIOS' $ARGSADD"
    # Who calls vdeq around QEMU has it on a switch.
    ctys_is_assigned VDE_DEQ || VDE_DEQ=
    case $WRAPPERCALL in
    '' | NONE | none) ;;
    *) VDE_DEQ=${VDE_DEQ:-$WRAPPERCALL} ;;
    esac
    if ctys_is_assigned QEMUSOCK || [ "$QEMUSOCK" != "$CTYS_SOCK_BEFORE" ]; then asked=yes; fi
    case ${NETWORK:-${VDE_DEQ:+vde}${asked:+vde}} in
    [Vv][Dd][Ee]*)
        # By default it is the user's own switch, which is more than its name; qemu.conf may know another one.
        [ -n "$asked" ] || [ "$QEMUSOCK" != "$CTYS_OWN_SOCK" ] || QEMUSOCK=
        ctys_is_assigned QEMUMGMT || [ "$QEMUMGMT" != "$CTYS_OWN_MGMT" ] || QEMUMGMT=
        ;;
    *) QEMUSOCK='' QEMUMGMT='' ;;
    esac
}
