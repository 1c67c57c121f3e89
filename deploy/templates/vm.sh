#!/bin/bash
# Starts the VM of the configuration beside it, also by hand: ./web.sh [--check] [--print] [--alone] [--discard-state]
[ -n "$BASH_VERSION" ] || exec bash "$0" "$@"

NAME=${0##*/}
FOLDER=${0%"$NAME"}
CDPATH='' cd -- "${FOLDER:-.}" || exit 1
CTYSWRAPPERPATH=$PWD
CONFIG=$CTYSWRAPPERPATH/${NAME%.sh}.ctys
CALL=${CTYS_QEMU_CALL:-ctys-qemu-call}

# The configuration is bash, so that it can be as dynamic as the VM needs.
# shellcheck source=/dev/null
. "$CONFIG" || exit 1

MODE=--run
OPTIONS=()
for OPTION in "$@"; do
    case $OPTION in
    --check | --print)
        MODE=''
        OPTIONS+=("$OPTION")
        ;;
    --alone | --confirm-start | --discard-state | --instance-dir=*) OPTIONS+=("$OPTION") ;;
    --argsadd=*) ARGSADD="$ARGSADD ${OPTION#*=}" ;;
    --startercall=*) STARTERCALL=${OPTION#*=} ;;
    *)
        echo "$0: unknown option $OPTION" >&2
        exit 2
        ;;
    esac
done

exec "$CALL" --config-file "$CONFIG" $MODE "${OPTIONS[@]}" -- \
    LABEL="$LABEL" UUID="$UUID" MAC0="$MAC0" ARCH="$ARCH" CPU="$CPU" SMP="$SMP" MEMSIZE="$MEMSIZE" \
    ACCELERATOR="$ACCELERATOR" STARTERCALL="$STARTERCALL" MACHINE="$MACHINE" NETWORK="$NETWORK" \
    HDDBOOTIMAGE="$HDDBOOTIMAGE" IMAGEFORMAT="$IMAGEFORMAT" SNAPSHOT="$SNAPSHOT" READONLY="$READONLY" \
    KERNELIMAGE="$KERNELIMAGE" INITRDIMAGE="$INITRDIMAGE" APPEND="$APPEND" \
    VGADRIVER="$VGADRIVER" TIMEOPT="$TIMEOPT" ARGSADD="$ARGSADD"
