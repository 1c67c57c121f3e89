#!/bin/bash
# Starts the VM of the configuration beside it, also by hand: ./web.sh [--check] [--print] [--alone] [--discard-state]
# [--bootmode=CD%/iso/a.iso] [--instmode[=CD%default%HDD%default%INIT]] [--kernelmode=...] [--initmodeonly]
# [--console=CLI0] [--vncaccessdisplay=7|free] [--argsadd='-rtc base=localtime'] [--listoptions] [-d 64,p]
# Ctrl-C asks its guest to end, once more cuts its power.
[ -n "$BASH_VERSION" ] || exec bash "$0" "$@"

NAME=${0##*/}
FOLDER=${0%"$NAME"}
CDPATH='' cd -- "${FOLDER:-.}" || exit 1
CTYSWRAPPERPATH=$PWD
CONFIG=$CTYSWRAPPERPATH/${NAME%.sh}.ctys
[ -f "$CONFIG" ] || [ ! -f "${CONFIG%.ctys}.conf" ] || CONFIG=${CONFIG%.ctys}.conf
CALL=${CTYS_QEMU_CALL:-ctys-qemu-call}

# Names and functions that a configuration may use, and what it means when it has been sourced.
if [ -r "$CTYS_WRAPPER_LIB" ]; then
    # shellcheck source=/dev/null
    . "$CTYS_WRAPPER_LIB"
else
    eval "$("$CALL" --wrapper-lib)" # a small guest has no /dev/fd to source it from
fi
declare -F ctys_settle > /dev/null || exit 1
# The configuration is bash, so that it can be as dynamic as the VM needs.
unset -f inst_stage
# shellcheck source=/dev/null
. "$CONFIG" || exit 1
# Its inst_stage STAGE TARGET FORMAT is run by the stages of --instmode that it has itself, before the guest starts.
! declare -F inst_stage >/dev/null || export -f inst_stage
ctys_settle "$CONFIG"

MODE=--run
OPTIONS=()
while [ $# -gt 0 ]; do
    OPTION=$1
    shift
    case $OPTION in
    --check | --print | --initmodeonly | --initonly)
        MODE=''
        OPTIONS+=("$OPTION")
        ;;
    --instmode) OPTIONS+=(--instmode=default) ;;
    --bootmode=* | --instmode=* | --kernelmode=* | --initmode | --force) OPTIONS+=("$OPTION") ;;
    --alone | --confirm-start | --discard-state | --instance-dir=*) OPTIONS+=("$OPTION") ;;
    --console=* | --vncaccessdisplay=*) OPTIONS+=("$OPTION") ;;
    --vncaccesdisplay=*) OPTIONS+=("--vncaccessdisplay=${OPTION#*=}") ;; # as old manuals spell it
    --listoptions) MODE=--list-options ;;
    --argsadd=* | --addargs=*) ARGSADD="$ARGSADD ${OPTION#*=}" ;;
    --wrappercall=*) echo "$0: $OPTION is not needed: QEMU finds a VDE switch itself" >&2 ;;
    --startercall=*) STARTERCALL=${OPTION#*=} ;;
    -h | --help) exec "$CALL" --help ;;
    -V | --version) exec "$CALL" --version ;;
    -d) shift ;; # its level is obeyed already: a configuration prints, too
    -X) ;;       # terse, as it always is
    *)
        echo "$0: unknown option $OPTION" >&2
        exit 2
        ;;
    esac
done

MEDIA=()
for NAME in $CTYS_MEDIA_NAMES HDB HDC HDD; do
    [ -z "${!NAME}" ] || MEDIA+=("$NAME=${!NAME}")
done

exec "$CALL" --config-file "$CONFIG" $MODE "${OPTIONS[@]}" -- \
    LABEL="$LABEL" UUID="$UUID" MAC0="$MAC0" ARCH="$ARCH" CPU="$CPU" SMP="$SMP" MEMSIZE="$MEMSIZE" \
    ACCELERATOR="$ACCELERATOR" ACCELFALLBACK="$ACCELFALLBACK" STARTERCALL="$STARTERCALL" MACHINE="$MACHINE" \
    NETWORK="$NETWORK" NIC="$NIC" QEMUSOCK="$QEMUSOCK" QEMUMGMT="$QEMUMGMT" VDE_DEQ="$VDE_DEQ" \
    HDDBOOTIMAGE="$HDDBOOTIMAGE" IMAGEFORMAT="$IMAGEFORMAT" IMAGEINTERFACE="$IMAGEINTERFACE" \
    SNAPSHOT="$SNAPSHOT" READONLY="$READONLY" GUESTAGENT="$GUESTAGENT" \
    KERNELIMAGE="$KERNELIMAGE" INITRDIMAGE="$INITRDIMAGE" APPEND="$APPEND" \
    CONSOLE="${CONSOLE:-$DEFAULTCONSOLE}" VNCACCESSDISPLAY="$VNCACCESSDISPLAY" KBD_LAYOUT="$KBD_LAYOUT" \
    VGADRIVER="$VGADRIVER" TIMEOPT="$TIMEOPT" ARGSADD="$ARGSADD" "${MEDIA[@]}"
