#!/bin/sh
# test.sh - loads the plugin and calls it, as a client would.
#
#   sh test.sh GANTRY PLUGIN.so
set -eu
gantry=$1
plugin=$2

fail() {
    echo "$*" >&2
    exit 1
}

call() {
    "$gantry" call "$@" -- "$gantry" serve --stdio --plugin "$plugin"
}

"$gantry" check "$plugin" >/dev/null || fail "the plugin would not be loaded (above)"

answer=$(call forecast city=Oslo days=2) || fail "the call failed"
case $answer in
*"Oslo, day 2: "*) ;;
*) fail "forecast answered: $answer" ;;
esac

# What does not fit the table is refused before the handler runs.
if call forecast city=Oslo days=99 >/dev/null 2>&1; then
    fail "99 days should have been refused"
fi
echo "all well"
