#!/bin/bash
# Starts the VM of the configuration beside it, also by hand: ./web.sh [--check] [--print] [--alone] [--discard-state]
# [--bootmode=CD%/iso/a.iso] [--instmode[=CD%default%HDD%default%INIT]] [--kernelmode=...] [--initmodeonly]
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
    --check | --print | --initmodeonly | --initonly)
        MODE=''
        OPTIONS+=("$OPTION")
        ;;
    --instmode | --instmode=) OPTIONS+=(--instmode=default) ;;
    --bootmode=* | --instmode=* | --kernelmode=* | --initmode | --force) OPTIONS+=("$OPTION") ;;
    --alone | --confirm-start | --discard-state | --instance-dir=*) OPTIONS+=("$OPTION") ;;
    --argsadd=*) ARGSADD="$ARGSADD ${OPTION#*=}" ;;
    --startercall=*) STARTERCALL=${OPTION#*=} ;;
    *)
        echo "$0: unknown option $OPTION" >&2
        exit 2
        ;;
    esac
done

# Media of boot and installation modes, where the configuration names them.
MEDIA=()
for NAME in FDDIMAGE FDA FDB INSTSRC INSTSRCCDROM INSTCDROM INSTSRCDVD INSTSRCFDD INSTSRCHDD INSTSRCUSB INSTTARGET \
    DEFAULTINSTMODE DEFAULTINSTSOURCE DEFAULTINSTTARGET HDDBOOTIMAGE_INST_SIZE; do
    [ -z "${!NAME}" ] || MEDIA+=("$NAME=${!NAME}")
done

exec "$CALL" --config-file "$CONFIG" $MODE "${OPTIONS[@]}" -- \
    LABEL="$LABEL" UUID="$UUID" MAC0="$MAC0" ARCH="$ARCH" CPU="$CPU" SMP="$SMP" MEMSIZE="$MEMSIZE" \
    ACCELERATOR="$ACCELERATOR" STARTERCALL="$STARTERCALL" MACHINE="$MACHINE" NETWORK="$NETWORK" \
    HDDBOOTIMAGE="$HDDBOOTIMAGE" IMAGEFORMAT="$IMAGEFORMAT" SNAPSHOT="$SNAPSHOT" READONLY="$READONLY" \
    KERNELIMAGE="$KERNELIMAGE" INITRDIMAGE="$INITRDIMAGE" APPEND="$APPEND" \
    VGADRIVER="$VGADRIVER" TIMEOPT="$TIMEOPT" ARGSADD="$ARGSADD" "${MEDIA[@]}"
