#!/bin/sh
# Bring what the tests of the page need: Chromium, and axe-core, which judges how accessible a page is.
# Where one cannot be had, this says so and goes on: the tests that need it are then skipped with a sentence.
#
# usage: setup/browser.sh TOOLS     (the folder that axe-core goes to)
set -u

TOOLS=$1
AXE=4.11

say() { printf '%s\n' "$*" >&2; }

has() { command -v "$1" >/dev/null 2>&1; }

main() {
    has chromium || has chromium-browser || has google-chrome || bring Chromium chromium
    [ -e "$TOOLS/node_modules/axe-core/axe.min.js" ] || bring_axe
}

bring_axe() {
    has npm || bring npm npm
    has npm || return 0
    npm install --silent --no-audit --no-fund --no-save --prefix "$TOOLS" "axe-core@$AXE" ||
        say "axe-core cannot be had from npm: accessibility is not checked."
}

# Install a package with apt-get where it may be used, or say how.
# usage: bring WHAT PACKAGE
bring() {
    if ! has apt-get; then
        say "$1 missing: install it as this system does; what needs it is not tested."
    elif [ "$(id -u)" = 0 ]; then
        say "$1 missing: installing $2 with apt-get."
        apt "$2" || { apt_update && apt "$2"; } || say "apt-get cannot install $2; what needs it is not tested."
    else
        say "$1 missing; run: sudo apt-get install $2"
    fi
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends "$1" >/dev/null 2>&1 </dev/null; }

apt_update() { apt-get -qq update >/dev/null 2>&1; }

main
