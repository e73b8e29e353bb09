#!/bin/sh
# Is this machine fit for the environment and for a PDF? Asked in a second, before anything is downloaded.
# What is missing is installed where apt-get is there and may be used; elsewhere this says how, and stops.
#
# usage: setup/system.sh PYTHON ENVIRONMENT UV     (from the folder of the Makefile)
set -u

PYTHON=$1 ENVIRONMENT=$2 UV=$3
ENVIRONMENT_MB=6300 # what requirements.lock takes on Linux, nearly all of it torch with CUDA
DOWNLOAD_MB=3300    # what of it comes over the network
OUTPUT_MB=1000      # data, checkpoints, runs and the report

say() { printf '%s\n' "$*" >&2; }

stop() {
    say "Error: $*"
    exit 4
}

main() {
    prepared=
    if outdated; then
        python_is_there || provide Python "python3 python3-pip" "python3 python3-pip" python
        python_is_there || stop "there is no $PYTHON; name another one with PYTHON=python3.12"
        check_version
        pip_is_there || provide "$PYTHON's pip" python3-pip python3-pip python
        pip_is_there || stop "$PYTHON has no pip; run: $PYTHON -m ensurepip"
        [ -e "$ENVIRONMENT/.ready" ] || check_space
    fi
    check_libraries
    [ -z "$prepared" ] || say "$prepared"
}

# The environment is not there, or older than what it is made from.
outdated() {
    ready=$ENVIRONMENT/.ready
    [ ! -e "$ready" ] || [ -n "$(find requirements.lock pyproject.toml -newer "$ready")" ]
}

python_is_there() { command -v "$PYTHON" >/dev/null; }

check_version() {
    version=$("$PYTHON" -c 'import sys; v = sys.version_info; print("%d.%d" % v[:2]); sys.exit(v < (3, 11))') ||
        stop "$PYTHON is Python ${version:-that does not run}, and 3.11 or later is needed;" \
            "name another one with PYTHON=python3.12"
}

# Pip brings uv, and is not needed where uv is there.
pip_is_there() { [ -x "$UV" ] || "$PYTHON" -c \
    'import importlib.util, sys; sys.exit(importlib.util.find_spec("pip") is None)'; }

check_space() {
    there=$(du -sk "$ENVIRONMENT" 2>/dev/null | awk '{ print int($1 * 1024 / 1000000) }') # one half made
    needed=$((ENVIRONMENT_MB + OUTPUT_MB - ${there:-0}))
    free=$(free_mb .)
    [ "$free" -ge "$needed" ] || stop "$(gigabytes "$needed") of disk space are needed here" \
        "($(gigabytes $ENVIRONMENT_MB) of them for $ENVIRONMENT), and $(gigabytes "$free") are free; make room"
    # Where uv keeps its downloads on another disk it copies them from there, instead of linking.
    cache=${UV_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/uv}
    if [ ! -d "$cache" ]; then
        above=$cache
        while [ ! -d "$above" ]; do above=$(dirname "$above"); done
        kept=$(free_mb "$above")
        [ "$kept" -ge $ENVIRONMENT_MB ] || stop "$(gigabytes $ENVIRONMENT_MB) of disk space are needed in" \
            "$above for downloads, and $(gigabytes "$kept") are free; make room, or set UV_CACHE_DIR"
    fi
    prepared="Setting up $ENVIRONMENT, once: up to $(gigabytes $DOWNLOAD_MB) to download,"
    prepared="$prepared $(gigabytes $ENVIRONMENT_MB) on disk ($(gigabytes "$free") are free)."
}

free_mb() { df -Pk "$1" | awk 'END { print int($4 * 1024 / 1000000) }'; }

gigabytes() { echo "$1" | awk '{ printf "%.1f GB", $1 / 1000 }'; }

check_libraries() {
    missing=$(libraries) || stop "$PYTHON cannot look for libraries"
    [ -n "$missing" ] || return 0
    # HarfBuzz-Subset is nice to have, so it is taken where something is installed anyway.
    provide "$missing" "libpango-1.0-0 libpangoft2-1.0-0" pango pango libharfbuzz-subset0
    missing=$(libraries)
    [ -z "$missing" ] || stop "the PDF needs $missing, which is still not found"
}

# Name the libraries that a PDF needs and that are not there, in one line.
libraries() {
    python=$PYTHON
    if ! outdated; then python=$ENVIRONMENT/bin/python; fi
    lines=$("$python" -B -m cnnreport.report.out.libraries) || return
    printf %s "$lines" | awk '{ printf "%s%s", separator, $0; separator = ", " }'
}

# Install what is missing, or say how and stop.
# usage: provide WHAT APT_PACKAGES DNF_PACKAGES BREW_PACKAGES [APT_PACKAGES_NICE_TO_HAVE]
provide() {
    if ! has apt-get; then
        if has dnf; then
            stop "$1 missing; run: sudo dnf install $3"
        elif has brew; then
            stop "$1 missing; run: brew install $4"
        fi
        stop "$1 missing; on Debian or Ubuntu run: apt-get install $2; on Fedora: dnf install $3;" \
            "on macOS: brew install $4"
    fi
    if [ "$(id -u)" = 0 ]; then
        as_root=""
    elif has sudo && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        stop "$1 missing; run: sudo apt-get install $2"
    fi
    say "$1 missing: installing $2${5:+ $5} with apt-get."
    install "$2" || { apt update && install "$2"; } || stop "apt-get cannot install $2:
$log"
    [ -z "${5:-}" ] || install "$5" || say "Without $5, which is only nice to have."
}

has() { command -v "$1" >/dev/null 2>&1; }

# shellcheck disable=SC2086 # the words are apart on purpose
install() { apt install --no-install-recommends $1; }

# shellcheck disable=SC2086
apt() { log=$($as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$@" 2>&1 </dev/null); }

main
