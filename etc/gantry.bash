# gantry.bash - completion for bash. Commands and options are asked of the program itself.

_gantry_commands() {
    gantry help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' | sort -u
}

_gantry_options() {
    gantry "$@" --help 2>/dev/null | grep -oE -- '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'
}

_gantry_servers() {
    gantry servers 2>/dev/null | sed -n 's/^  \([^ ]*\) .*/\1/p'
}

_gantry() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_gantry_commands)" -- "$word")
        return
    fi
    case $previous in
    --plugins | --directory | --root | --save) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return ;;
    --plugin | --config | --ready-file | --cacert | --cert | --key | --servers) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;
    --output) mapfile -t COMPREPLY < <(compgen -W "text json jsonl" -- "$word") && return ;;
    --transport) mapfile -t COMPREPLY < <(compgen -W "auto streamable sse" -- "$word") && return ;;
    --elicit) mapfile -t COMPREPLY < <(compgen -W "ask accept decline cancel" -- "$word") && return ;;
    --revision)
        mapfile -t COMPREPLY < <(compgen -W \
            "2024-11-05 2025-03-26 2025-06-18 2025-11-25 2026-07-28" -- "$word")
        return
        ;;
    --log-format) mapfile -t COMPREPLY < <(compgen -W "text json" -- "$word") && return ;;
    --log-level | --log)
        mapfile -t COMPREPLY < <(compgen -W \
            "debug info notice warning error critical alert emergency" -- "$word")
        return
        ;;
    config) mapfile -t COMPREPLY < <(compgen -W check -- "$word") && return ;;
    esac
    if [[ $word == -* ]]; then
        [ "$command" = config ] && command="config check"
        # shellcheck disable=SC2086
        mapfile -t COMPREPLY < <(compgen -W "$(_gantry_options $command)" -- "$word")
    elif [ "$COMP_CWORD" -eq 2 ] && [[ " list call read prompt complete ping watch inspect " == *" $command "* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_gantry_servers)" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -o filenames -F _gantry gantry
