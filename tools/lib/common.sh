# common.sh - what setup, run, test and check share. Sourced, never run.
#
# After it: $root is the checkout, $build the release build (GANTRY_BUILD overrides), $jobs the
# number of compile jobs; the working directory is $root; a failing command ends the script.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
build=${GANTRY_BUILD:-$root/build}
tools_dir=$root/build/tools # virtual environment, node modules, stamps; one for all build folders
venv=$tools_dir/venv
jobs=${GANTRY_JOBS:-$(nproc)}
export CMAKE_BUILD_PARALLEL_LEVEL=$jobs

say() {
    printf '== %s\n' "$*"
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# configure DIR OPTION...: runs CMake only if DIR was not configured with these options already.
# Ninja itself runs CMake again when a CMakeLists.txt has changed.
configure() {
    local dir=$1
    shift
    local stamp=$dir/configured-with wanted="$root $*"
    if [ -f "$dir/build.ninja" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return 0
    fi
    mkdir -p "$dir"
    if ! cmake -S "$root" -B "$dir" -G Ninja "$@" >"$dir/configure.log" 2>&1; then
        cat "$dir/configure.log" >&2
        die "cmake could not configure $dir (its output is above)"
    fi
    printf '%s' "$wanted" >"$stamp"
}

# compile DIR TARGET...: builds; says nothing unless something is wrong (or GANTRY_VERBOSE is set).
compile() {
    local dir=$1
    shift
    local args=()
    [ $# -gt 0 ] && args=(--target "$@")
    if [ -n "${GANTRY_VERBOSE:-}" ]; then
        cmake --build "$dir" "${args[@]}"
    elif ! cmake --build "$dir" "${args[@]}" >"$dir/build.log" 2>&1; then
        grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Generating)' "$dir/build.log" >&2 || true
        die "the build in $dir failed (its output is above; whole: $dir/build.log)"
    elif grep -q 'warning:' "$dir/build.log"; then
        grep -A6 'warning:' "$dir/build.log" >&2
    fi
}
