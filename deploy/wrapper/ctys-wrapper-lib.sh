#!/bin/bash
# Sourced by the wrapper of a VM before its configuration, with CTYSWRAPPERPATH, the VM's folder, as the working
# directory: `eval "$(ctys-qemu-call --wrapper-lib)"`. Gives a configuration the names and functions that those of the
# original use, and a wrapper ctys_settle, to be called when the configuration has been sourced.
# shellcheck disable=SC2034 # what is set here is for others

# ---- what is printed ---------------------------------------------------------------------------

# Levels and parts of the original, as `printDBG $S_CONF $D_FRAME ...` names them.
D_UI=1 D_FLOW=2 D_UID=4 D_DATA=8 D_MAINT=16 D_FRAME=32 D_SYS=64 D_STAT=8192 D_TST=16384 D_BULK=32768 D_ALL=65535
S_CONF=1 S_BIN=2 S_LIB=4 S_CORE=8 S_GEN=16 S_CLI=32 S_X11=64 S_VNC=128 S_QEMU=256 S_VMW=512 S_XEN=1024 S_PM=2048
S_KVM=4096 S_RDP=8192 S_VBOX=16384
DBG=0 WNG=2 INF=2 CTYS_DEBUG_MODE=MAX
unset -v CTYS_DEBUG_PARTS CTYS_PRINT_FINAL

# PART LEVEL: is that printed? Those up to the level are, with P those with a bit of it, with MIN those from it on.
doDebug() {
    ((DBG > 0)) || return 1
    [ -z "$CTYS_DEBUG_PARTS" ] || ((CTYS_DEBUG_PARTS & $1)) || return 1
    case $CTYS_DEBUG_MODE in
    PATTERN) ((DBG & $2)) ;;
    MIN) ((DBG <= $2)) ;;
    *) ((DBG >= $2)) ;;
    esac
}
# PART LEVEL LINE SOURCE TEXT
printDBG() {
    local before=$?
    ! doDebug "$1" "$2" || echo "${0##*/}:$3:DEBUG:$2: ${*:5}" >&2
    return $before
}
# LINE SOURCE CODE TEXT
printERR() { echo "${0##*/}:$1:ERROR:$3: ${*:4}" >&2; }
# LEVEL LINE SOURCE CODE TEXT; with -d W:N and -d I:N those of levels below N.
printWNG() { ((WNG <= $1)) || echo "${0##*/}:$2:WARNING:$4: ${*:5}" >&2; }
printINFO() { ((INF <= $1)) || echo "${0##*/}:$2:INFO:$4: ${*:5}" >&2; }
# LEVEL LINE SOURCE TITLE CALL
printFINALCALL() {
    [ -z "$CTYS_PRINT_FINAL" ] || ((CTYS_PRINT_FINAL < $1)) || echo "${0##*/}:$2:CALL:$4: ${*:5}" >&2
}
# A text in its colour, which is none: what is printed ends in files.
setSeverityColor() { printf %s "${*:2}"; }
setFontAttrib() { printf %s "${*:2}"; }

# ---- functions of the original's framework -----------------------------------------------------

gotoHell() { exit "${1:-0}"; }
# The framework is this file, whoever asks for parts of it.
bootstrapRegisterLib() { :; }
bootstrapCheckInitialPath() { :; }
baseRegisterLib() { :; }
libManagerRegisterLib() { :; }
libManInfoAdd() { :; }
checkBASHversion() { :; }

# The path of a program; nothing, and status 1, where there is none.
gwhich() { [ -n "$1" ] && type -P -- "$1"; }
# LINE SOURCE SEVERITY PROGRAM [FOLDER]: of the folder, else of PATH.
getPathName() {
    local found=$5/$4
    [ -n "$5" ] && [ -f "$found" ] && [ -x "$found" ] || found=$(gwhich "$4")
    printDBG $S_LIB $D_SYS "$1" "$2" "$4 is ${found:-absent}"
    [ -n "$found" ] && echo "$found" && return
    case $3 in
    ERROR) printERR "$1" "$2" 1 "missing: ${5:+$5/}$4" ;;
    WARNING) printWNG 1 "$1" "$2" 1 "missing: ${5:+$5/}$4" ;;
    *) printWNG 2 "$1" "$2" 1 "missing: ${5:+$5/}$4" ;;
    esac
    return 1
}
# PID LABEL PATTERN: the name of a monitor's socket, by a pattern like that of QEMUMONSOCK.
netGetUNIXDomainSocket() {
    local name=${3//ACTUALPID/$1}
    echo "${name//ACTUALLABEL/$2}"
}
# Functions that few configurations call are read when one does: every start waits for this file.
unset -v CTYS_REST_IS_READ CTYS_LOOKS_FOR
ctys_read_rest() {
    local own=${CTYS_WRAPPER_LIB:-/nowhere}
    [ -n "$CTYS_REST_IS_READ" ] || eval "$(
        if [ -r "$own" ]; then cat -- "$own"; else "${CTYS_QEMU_CALL:-ctys-qemu-call}" --wrapper-lib; fi |
            sed '1,/^# ---- read on demand/d'
    )"
}
# Called by bash, in a process of its own, for what it does not find.
command_not_found_handle() {
    local answer place="${BASH_SOURCE[1]##*/}: line ${BASH_LINENO[0]}"
    # A PATH without the programs by which the rest is read, or that it calls, leads here again.
    [ -z "$CTYS_LOOKS_FOR" ] || { echo "$place: $1: command not found" >&2 && return 127; }
    local CTYS_LOOKS_FOR=$1
    ctys_read_rest
    declare -F -- "$1" > /dev/null && { "$@"; return; }
    if declare -F ctys_framework_answer > /dev/null && answer=$(ctys_framework_answer "$1"); then
        echo "$place: $1 of the original's framework is not here: $answer" >&2
    else
        echo "$place: $1: command not found" >&2
    fi
    return 127
}

# OPTION...: a configuration prints before the wrapper looks at its options.
ctys_fetch_debug() {
    while [ $# -gt 0 ]; do
        if [ "$1" = -d ]; then
            ctys_read_rest
            case ${2:--} in
            -*) ctys_usage "-d needs a level, as in -d 64,p" ;;
            esac
            ctys_debug "$2"
            shift
        fi
        shift
    done
}
ctys_fetch_debug "$@"

# ---- names -------------------------------------------------------------------------------------

# Media of boot and installation modes. What the caller has exported of them and of the others, for another VM or for
# ctys-createConfVM, says nothing about this one.
CTYS_MEDIA_NAMES='FDDIMAGE FDA FDB INSTSRC INSTSRCCDROM INSTCDROM INSTSRCDVD INSTSRCFDD INSTSRCHDD INSTSRCUSB INSTTARGET
    DEFAULTBOOTMODE DEFAULTINSTMODE DEFAULTINSTSOURCE DEFAULTINSTTARGET HDDBOOTIMAGE_INST_SIZE'
# shellcheck disable=SC2086 # words
unset -v $CTYS_MEDIA_NAMES LABEL UUID MAC0 SNAPSHOT READONLY HDDBOOTIMAGE HDA HDB HDC HDD IMAGEFORMAT QEMU_IMG IMAGEINTERFACE \
    KERNELIMAGE INITRDIMAGE APPEND VGADRIVER VGA_DRIVER TIMEOPT ARGSADD NIC ACCELFALLBACK GUESTAGENT WRAPPERCALL \
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

# As id -un says it, where that need not be run: each start waits for this file.
ctys_find_user() {
    local lines=() line
    [ ! -r /etc/passwd ] || mapfile -t lines < /etc/passwd
    for line in "${lines[@]}"; do
        [[ $line =~ ^([^:]+):[^:]*:$EUID: ]] && USER=${BASH_REMATCH[1]} && return
    done
    USER=$(id -un)
}
[ -n "$USER" ] || ctys_find_user
MYOS=Linux
MYDIST=
[ ! -r /etc/os-release ] || ctys_distribution
ctys_find_program CTYS_OWN_QEMU qemu-system-x86_64 qemu
ctys_find_program QEMUKVM qemu-kvm
QEMUKVM=${QEMUKVM:-$CTYS_OWN_QEMU} # /usr/bin/kvm of Debian adds options that contradict ours
# A program, or a folder that somebody has set: see ctys_settle_base.
[ -d "$QEMUBASE" ] || { [ -f "$QEMUBASE" ] && [ -x "$QEMUBASE" ]; } || QEMUBASE=$CTYS_OWN_QEMU
QEMU_BASE=${QEMU_BASE:-$HOME/qemu}
ctys_find_program VDE_DEQ vdeq
VDE_DEQ=${VDE_DEQ:-vdeq}
CTYS_SOCKBASE=/var/tmp
QEMUSOCK=$CTYS_SOCKBASE/vde_switch0.$USER
QEMUMGMT=$CTYS_SOCKBASE/vde_mgmt0.$USER
QEMUMONSOCK=$CTYS_SOCKBASE/qemumon.ACTUALLABEL.ACTUALPID.$USER
CTYS_OWN_SOCK=$QEMUSOCK
CTYS_OWN_MGMT=$QEMUMGMT
CTYS_OWN_MONSOCK=$QEMUMONSOCK

# Of the system, then of the user: the later one holds.
for CTYS_FILE in "${CTYS_CONFIG_DIR:-/etc/ctys}/qemu.conf" \
    "$HOME/.ctys/qemu/qemu.conf" "$HOME/.ctys/qemu/qemu.conf-$MYOS.sh"; do
    [ -f "$CTYS_FILE" ] || continue
    printDBG $S_CONF $D_FRAME "$LINENO" "${BASH_SOURCE[0]}" "reads $CTYS_FILE"
    # shellcheck source=/dev/null
    . "$CTYS_FILE"
done
CTYS_SOCK_BEFORE=$QEMUSOCK

# LABEL: MYQEMUMONSOCK is where the console of this VM can be found. The wrapper becomes the parent of QEMU, so that
# ACTUALPID is its own number.
ctys_name_monitor() {
    MYQEMUMONSOCK=${QEMUMONSOCK//ACTUALPID/"$$"}
    MYQEMUMONSOCK=${MYQEMUMONSOCK//ACTUALLABEL/"$1"}
}
# CONFIGURATION: the label that it will say, without executing it: its key, its assignment, its name.
ctys_expect_label() {
    local text='' name=${1##*/}
    [ ! -r "$1" ] || IFS= read -r -d '' text < "$1"
    if [[ $'\n'$text =~ $'\n'[[:blank:]]*'#@#LABEL'[[:blank:]]*=[[:blank:]]*[\"\']?([[:alnum:]._-]+) ]] ||
        [[ $'\n'$text =~ $'\n'[[:blank:]]*LABEL=[\"\']?([[:alnum:]._-]+) ]]; then
        CTYS_EXPECTED=${BASH_REMATCH[1]}
    else
        CTYS_EXPECTED=${name%.*}
    fi
}
ctys_expect_label "${CONFIG:-$0}"
ctys_name_monitor "$CTYS_EXPECTED"

# ---- what a configuration means ----------------------------------------------------------------

# Is this variable assigned in the text of the configuration?
ctys_is_assigned() {
    [[ $'\n'$CTYS_TEXT =~ $'\n'[[:blank:]]*(export[[:blank:]]+)?$1= ]]
}

# What QEMUBASE means to a configuration, one of 2009 or one of 01.11:
# - a folder that somebody has set: files below it are below it, and a STARTERCALL that is this folder is the QEMU in it;
# - a program: a file below it, which cannot be, is below the base folder QEMU_BASE.
ctys_settle_base() {
    local name arch=${ARCH:-x86_64}
    case $arch in
    [Aa][Mm][Dd]64) arch=x86_64 ;;
    i[56]86) arch=i386 ;;
    esac
    if [ -d "$QEMUBASE" ] && [ "${STARTERCALL%/}" = "${QEMUBASE%/}" ]; then
        STARTERCALL=
        for name in "$QEMUBASE/bin/qemu-system-$arch" "$QEMUBASE/qemu-system-$arch"; do
            [ -f "$name" ] && [ -x "$name" ] && STARTERCALL=$name && break
        done
    fi
    [ -f "$QEMUBASE" ] || return 0
    # shellcheck disable=SC2086 # words
    for name in $CTYS_MEDIA_NAMES HDDBOOTIMAGE HDA HDB HDC HDD KERNELIMAGE INITRDIMAGE QEMUBIOS; do
        [ "${!name#"$QEMUBASE/"}" = "${!name}" ] ||
            printf -v "$name" %s "$QEMU_BASE/${!name#"$QEMUBASE/"}"
    done
}

# CONFIGURATION: other names of one thing become one, and what only this library has said is taken back, so that a
# configuration that says nothing of a network gets none of ours.
ctys_settle() {
    local IFS=$'\n' lines CTYS_TEXT asked='' quote="'" quoted="'\\''"
    mapfile -t lines < "$1" # read would ask for each byte
    CTYS_TEXT="${lines[*]}"
    IFS=$' \t\n'
    ctys_settle_base
    # For QEMU's parent, which makes the link, and for an inst_stage.
    ctys_name_monitor "$LABEL"
    export MYQEMUMONSOCK
    unset -v CTYS_CONSOLE_LINK
    [ "$QEMUMONSOCK" = "$CTYS_OWN_MONSOCK" ] || export CTYS_CONSOLE_LINK=$MYQEMUMONSOCK
    [ -z "$CTYS_SIGIGNORESPEC" ] || export CTYS_SIGIGNORESPEC
    [ -z "$CTYS_PRINT_FINAL" ] || export CTYS_PRINT_FINAL
    printDBG $S_QEMU $D_DATA "$LINENO" "${BASH_SOURCE[0]}" \
        "LABEL=$LABEL QEMUBASE=$QEMUBASE STARTERCALL=$STARTERCALL MYQEMUMONSOCK=$MYQEMUMONSOCK"
    HDDBOOTIMAGE=${HDDBOOTIMAGE:-$HDA}
    IMAGEFORMAT=${IMAGEFORMAT:-$QEMU_IMG}
    VGADRIVER=${VGADRIVER:-$VGA_DRIVER}
    [ -z "$QEMUBIOS" ] || ARGSADD="-L '${QEMUBIOS//$quote/$quoted}' $ARGSADD"
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

# As a text that is evaluated it is here anyway.
[ -z "$CTYS_WRAPPER_LIB" ] || [ "${BASH_SOURCE[0]}" != "$CTYS_WRAPPER_LIB" ] || return 0

# ---- read on demand ----------------------------------------------------------------------------

CTYS_REST_IS_READ=yes

# MESSAGE: of a wrong option.
ctys_usage() {
    echo "$0: $1" >&2
    exit 2
}

# LEVEL: what stands behind -d, as 64,p or 255,s:257,w:5,pf.
ctys_debug() {
    local words word value
    IFS=, read -r -a words <<< "$1"
    for word in "${words[@]}"; do
        value=''
        [ "${word%%:*}" = "$word" ] || value=${word#*:}
        case ${word^^} in
        P | PATTERN) CTYS_DEBUG_MODE=PATTERN ;;
        MIN | MAX) CTYS_DEBUG_MODE=${word^^} ;;
        ALL) DBG=$D_ALL ;;
        PF | PFIN | PRINTFINAL) CTYS_PRINT_FINAL=0 ;;
        F:* | FILELIST:* | INCLUDE | EXCLUDE) ;; # which files print is not chosen
        S:* | SUBSYSTEM:* | W:* | WARNING:* | I:* | INFO:* | PF:* | PFIN:* | PRINTFINAL:*)
            [[ $value =~ ^[0-9]{1,6}$ ]] || ctys_usage "-d $1: $word needs a number"
            value=$((10#$value))
            case ${word^^} in
            S*) CTYS_DEBUG_PARTS=$value ;;
            W*) WNG=$value ;;
            I*) INF=$value ;;
            *) CTYS_PRINT_FINAL=$value ;;
            esac
            ;;
        *)
            [[ $word =~ ^[0-9]{1,6}$ ]] || ctys_usage "-d $1: no such word: $word; as in -d 64,p"
            DBG=$((10#$word))
            ;;
        esac
    done
}

# A path without links.
getRealPathname() { readlink -f -- "$1"; }
bootstrapGetRealPathname() { readlink -f -- "$1"; }
# FILE FOLDER[:FOLDER]...: where the file lies first; the file as it was given, and status 1, where it lies nowhere.
matchFirstFile() {
    local folder folders
    IFS=: read -r -a folders <<< "${*:2}"
    for folder in "${folders[@]}"; do
        [ -f "$folder/$1" ] && echo "$folder/$1" && return
    done
    echo "$1"
    return 1
}
# NAME PATHS: each folder, or file, of a list with colons has to be there.
checkPathElements() { ctys_check_elements -d "$@"; }
checkFileListElements() { ctys_check_elements -f "$@"; }
ctys_check_elements() {
    local each elements status=0 at=1
    [ "${FUNCNAME[2]}" != command_not_found_handle ] || at=2
    IFS=: read -r -a elements <<< "${*:3}"
    for each in "${elements[@]}"; do
        test "$1" "$each" && continue
        printWNG 1 "${BASH_LINENO[at]}" "${BASH_SOURCE[at]}" 1 "$2 names $each, which is not there"
        status=1
    done
    return $status
}
# At this machine, not by ssh?
checkConsole() { [ -z "$SSH_CONNECTION" ]; }
# The group of a user; the user's own name and group.
getUserGroup() { id -gn -- "${1:-$USER}"; }
getMyUGID() { printf '%s;%s' "$(id -un)" "$(id -gn)"; }
getCurTime() { date +%H:%M:%S; }
# BEGIN [END]: the time from one hour:minute:second to the other, of the next day where it is earlier.
getDiffTime() {
    local begin end span
    IFS=: read -r -a begin <<< "$1"
    IFS=: read -r -a end <<< "${2:-$(getCurTime)}"
    span=$(((10#${end[0]:-0} - 10#${begin[0]:-0}) * 3600 + (10#${end[1]:-0} - 10#${begin[1]:-0}) * 60 +
        10#${end[2]:-0} - 10#${begin[2]:-0}))
    ((span >= 0)) || span=$((span + 86400))
    printf '%02d:%02d:%02d' $((span / 3600)) $((span / 60 % 60)) $((span % 60))
}
getDateTimeOfInode() { date -r "$1" +%Y%m%d%H%M%S; }

# ---- networks, to look at ----------------------------------------------------------------------

# INTERFACE WORD: what stands behind that word of `ip`, with it.
ctys_net_words() { ip -o -4 address show dev "$1" 2> /dev/null | grep -m 1 -oE "$2 [0-9.]+(/[0-9]+)?"; }
netGetFirstIf() { ip -o link show up 2> /dev/null | sed -nE '/ (lo|lo@[^ ]*): /!{s/^[0-9]+: ([^:@ ]+).*/\1/p;q}' | grep .; }
netGetMAC() { cat -- "/sys/class/net/$1/address" 2> /dev/null; }
netGetIP() {
    local words
    words=$(ctys_net_words "$1" inet) && words=${words#inet } && echo "${words%/*}"
}
netGetMask() {
    local words bits mask='' byte
    words=$(ctys_net_words "$1" inet) || return
    bits=${words#*/}
    for byte in 0 8 16 24; do
        byte=$((bits - byte < 0 ? 0 : bits - byte > 8 ? 8 : bits - byte))
        mask=$mask.$((256 - (1 << (8 - byte))))
    done
    echo "${mask#.}"
}
netGetBroadcast() {
    local words
    words=$(ctys_net_words "$1" brd) && echo "${words#brd }"
}
netGetIfBroadcast() { netGetBroadcast "$1"; }
netGetDefaultGW() { ip -4 route show default 2> /dev/null | sed -nE 's/.* via ([0-9.]+).*/\1/p' | head -n 1 | grep .; }
# UP|DOWN INTERFACE
netCheckIfIs() {
    local flags is=DOWN
    flags=$(cat -- "/sys/class/net/$2/flags" 2> /dev/null) || return
    ((!(flags & 1))) || is=UP
    [ "$is" = "${1^^}" ]
}
# [PREFIX]: bridges, or those with a port whose name begins so.
netListBridges() {
    local bridge ports all=''
    for bridge in /sys/class/net/*/bridge; do
        [ -d "$bridge" ] || continue
        bridge=${bridge%/bridge}
        ports=" $(netListBridgePorts "${bridge##*/}")"
        [ -n "$1" ] && [ "${ports/ $1/}" = "$ports" ] || all="$all ${bridge##*/}"
    done
    echo "${all# }"
}
netCheckBridgeExists() { [ -d "/sys/class/net/$1/bridge" ]; }
netListBridgePorts() {
    local port all=''
    for port in "/sys/class/net/$1/brif/"*; do
        [ ! -e "$port" ] || all="$all ${port##*/}"
    done
    echo "${all# }"
}
netGetHostIP() { getent ahostsv4 "$1" | sed -n 's/ .*//p;q' | grep .; }
# ADDRESS ADDRESS: do they mean one machine?
netIsEqualIP() {
    local one other
    one=$(netGetHostIP "$1") && other=$(netGetHostIP "$2") && [ "$one" = "$other" ]
}
# FIRST [LAST]: a TCP port at which nobody listens.
netGetFirstFreePort() {
    local port taken=' ' rest
    while read -r _ rest _ state _; do
        [ "$state" != 0A ] || taken="$taken$((16#${rest##*:})) "
    done < <(cat /proc/net/tcp /proc/net/tcp6 2> /dev/null)
    for ((port = $1; port <= ${2:-65535}; ++port)); do
        [ "${taken/ $port /}" != "$taken" ] || { echo "$port" && return; }
    done
    return 1
}

# ---- QEMU, to ask ------------------------------------------------------------------------------

# PROGRAM
getVersionStrgQEMUALL() { "$1" -version 2> /dev/null | sed -nE 's/^QEMU.* version ([0-9]+(\.[0-9]+)+).*/qemu-\1/p;q' | grep .; }
getVersionStrgQEMU() { getVersionStrgQEMUALL "$1"; }
getVersionStrgQEMUKVM() { getVersionStrgQEMUALL "$1"; }
# Versions of before 1.0 had names of their own.
getQEMUMAGIC() {
    local version
    version=$(getVersionStrgQEMUALL "$1") || { echo QEMU_NOLOC && return 1; }
    case $version in
    qemu-0.9.0*) echo QEMU_090 ;;
    qemu-0.9.1*) echo QEMU_091 ;;
    qemu-0.1[0-2]*) version=${version#qemu-0.} && echo "QEMU_0${version%%.*}" ;;
    *) echo QEMU_GENERIC ;;
    esac
}
callOptionsQEMUlist() { "$1" -help 2> /dev/null | grep -oE '^-[a-zA-Z][^ ,/]*'; }
# PROGRAM OPTION: does it have that option?
callOptionsQEMUcheck() { callOptionsQEMUlist "$1" | grep -qxF -- "$2"; }
getACCELERATOR_QEMU() {
    if "$1" -accel help 2> /dev/null | grep -qx kvm; then echo KVM; else echo QEMU; fi
}

# ---- what is not here --------------------------------------------------------------------------

# FUNCTION: what takes the place of one of the framework; status 1 for every other name.
ctys_framework_answer() {
    case $1 in
    netCreateBridge | netCancelBridge | netTransfer* | netClearRoute | netWorkaround*)
        echo 'networks are made by ctys-setupVDE create' ;;
    net[A-Z]*) echo 'ip(8) tells of networks' ;;
    getCPUinfo | getMEMinfo | getHDDinfo | getHDDtemp | getFSinfo | getPLATFORM* | getVMinfo | getHWCAP)
        echo 'ctys -a info tells of the machine' ;;
    getConf* | getAttr* | setAttribute) echo 'ctys show tells the settings of a VM' ;;
    proc[A-Z]* | getHYPERRELRUN_* | getACCELERATOR_*) echo 'ctys list and ctys show tell what runs' ;;
    getSTARTERCALL_* | getVersionStrg[A-Z]* | get[A-Z]*MAGIC) echo 'ctys-plugins tells of hypervisors' ;;
    gui[A-Z]* | term[A-Z]* | desktops[A-Z]*) echo 'nobody looks at the screen of a start' ;;
    fetchSUaccessOpts | checkedSetSUaccess | setSUaccess | getGroup) echo 'a VM is of the account that starts it' ;;
    replaceMacro | keysToUppercase | fetchGroup* | expandGroups | listGroup*) echo 'a variable of bash takes its place' ;;
    cli[A-Z]* | fetchDBGArgs | fetchArgs | getArg | getArgOpts | splitArgs | splitArgsWithOpts | splitPath)
        echo 'the options of a wrapper are its own' ;;
    print[A-Z]* | show*Help | getDocPath | functionHeaders) echo 'printINFO prints' ;;
    ctysVMWS2* | ctysVBOX* | getVBOX* | getVMW* | checkVBOX* | inventoryAdd | inventoryRemove) echo 'VMs of VirtualBox, VMware and Xen are not started here' ;;
    getMACMAP | getHOST) echo 'ctys-macmap tells addresses' ;;
    callErrOutWrapper | bootstrap[A-Z]* | libMan[A-Z]* | testUniqueOnly | clipWordLine | removeLeadZeros | \
        getExecArch | getScreenOffset | expandGeometry)
        echo 'bash does it' ;;
    *) return 1 ;;
    esac
}
