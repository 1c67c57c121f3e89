# Completion of ctys for bash: verbs, options, and names of VMs and workers from the broker.
# Source it, or put it into /usr/share/bash-completion/completions/ctys.

_ctys_verbs() {
    ctys help 2>/dev/null | awk '/^  [a-z]+ / && $1 != "ctys" { print $1 }'
}

# The mesh answers in milliseconds; one that does not is not waited for.
_ctys_names() {
    timeout 1 ctys "$1" -o name --timeout 1 2>/dev/null
}

_ctys_options() {
    ctys "$1" --help 2>/dev/null | grep -oE -- '--[a-z-]+' | sort -u
    printf '%s\n' --output --broker --timeout --no-header --quiet --yes
}

_ctys() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -o | --output | --broker | --timeout) ((i++)) ;;
            -*) ;;
            *) verb=${COMP_WORDS[i]} && break ;;
        esac
    done
    local words=''
    case $previous in
        -o | --output) words='table wide json jsonl csv name' ;;
        --on) words=$(_ctys_names workers) ;;
        --state) words='running stopped paused suspended' ;;
        --from) words='beginning now' ;;
        *)
            if [[ -z $verb ]]; then
                words="help $(_ctys_verbs)"
            elif [[ $word == -* ]]; then
                words=$(_ctys_options "$verb")
            else
                case $verb in
                    list | show | start | shutdown | kill | reboot | reset | init | pause | resume | \
                        suspend | console | logs | wait) words=$(_ctys_names list) ;;
                    worker) words="show fence forget $(_ctys_names workers)" ;;
                    scan) words=$(_ctys_names workers) ;;
                    pool) words='list add trust' ;;
                    snapshot)
                        words='save list revert delete'
                        [[ " $words " == *" $previous "* ]] && words=$(_ctys_names list)
                        ;;
                    media)
                        words='list eject change'
                        [[ " $words " == *" $previous "* ]] && words=$(_ctys_names list)
                        ;;
                    actions) words="list show cancel $(_ctys_names actions)" ;;
                    keys) words='generate list' ;;
                    help) words="options address exit-status legacy create cancel $(_ctys_verbs)" ;;
                esac
            fi
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _ctys ctys
