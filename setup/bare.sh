#!/bin/sh
# Try the README's commands where nothing is: a minimal Debian in a folder, with python3, pip and make, into
# which the last commit is copied. Takes a quarter of an hour, some 10 GB of disk space while it runs, and root.
#
# usage: setup/bare.sh   (SUITE and MIRROR choose another Debian, TMPDIR another place)
set -eu
cd "$(dirname "$0")/.."
SUITE=${SUITE:-bookworm}
GIVEN="python3 python3-pip python3-venv make"

stop() {
    printf 'Error: %s\n' "$*" >&2
    exit 4
}

main() {
    if [ "${1:-}" = inside ]; then
        inside "$2"
        exit
    fi
    [ "$(uname -s)" = Linux ] || stop "a minimal Debian runs on Linux alone"
    [ "$(id -u)" = 0 ] || stop "only root may make a machine in a folder; run: sudo make bare"
    for tool in apt-get debootstrap git unshare; do
        command -v $tool >/dev/null || stop "$tool is missing; on Debian run: apt-get install debootstrap git"
    done
    git rev-parse -q --verify HEAD >/dev/null || stop "there is no commit to copy; run it in a git checkout"
    place=$(mktemp -d "${TMPDIR:-/var/tmp}/cnnreport-bare-XXXXXX")
    trap 'rm -rf --one-file-system "$place"' EXIT
    trap 'exit 130' INT TERM HUP
    # What is mounted and started in name spaces of its own is gone with them, however this ends.
    unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
        sh setup/bare.sh inside "$place"
}

inside() {
    trap 'exit 130' INT TERM HUP
    root=$1/root
    mirror=${MIRROR:-$(apt_mirror)}
    [ -n "$mirror" ] || stop "apt knows no $SUITE here; name its address: make bare MIRROR=http://…"
    step "debootstrap $SUITE"
    debootstrap --variant=minbase "$SUITE" "$root" "$mirror" >"$1/log" 2>&1 || {
        tail -n 20 "$1/log" >&2
        stop "debootstrap failed"
    }
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    apt-config dump Acquire >"$root/etc/apt/apt.conf.d/99carried"
    [ ! -d /etc/apt/auth.conf.d ] || cp -r /etc/apt/auth.conf.d "$root/etc/apt/"
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mkdir -p "$root/root/cnnreport"
    git archive HEAD | tar -x -C "$root/root/cnnreport"
    step "apt-get install $GIVEN"
    within / apt-get -qq update
    within / env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y install --no-install-recommends $GIVEN >"$1/log" 2>&1 || {
        tail -n 20 "$1/log" >&2
        stop "apt-get failed"
    }
    carry_settings
    for target in demo test; do
        step "make $target"
        within /root/cnnreport make $target
    done
    step done
}

step() {
    printf '\n== %s: %s (%s in the folder)\n' "$(date +%T)" "$*" "$(du -shx "$root" 2>/dev/null | cut -f1)"
}

# The address from which this machine's own apt takes the suite.
apt_mirror() {
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk -v suite="$SUITE" '$1 == suite && $2 == "main" { print $3; exit }'
}

# Run a command in the folder, with no more of this machine's environment than the way to its network.
within() {
    folder=$1
    shift
    # shellcheck disable=SC2016 # the inner shell expands it
    env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin $(network) \
        chroot "$root" sh -c 'cd "$1" && shift && exec "$@"' sh "$folder" "$@"
}

# Settings of pip, uv and TLS, but not where they keep their downloads: these come anew.
network() {
    env | grep -E '^(PIP_|UV_|SSL_CERT_|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY)' |
        grep -vE '^[A-Z_]*CACHE_DIR=|[[:space:]]' || true
}

# Give the folder pip's and uv's settings, and the files that these name: certificates, wheels.
carry_settings() {
    carried="/etc/pip.conf /etc/xdg/pip/pip.conf /etc/uv/uv.toml"
    for file in $carried "$HOME/.pip/pip.conf" "$HOME/.config/pip/pip.conf" "$HOME/.config/uv/uv.toml"; do
        [ -f "$file" ] || continue
        inner=$file
        case $file in "$HOME"/*) inner=/root/${file#"$HOME"/} ;; esac
        mkdir -p "$root$(dirname "$inner")"
        cp "$file" "$root$inner"
        named "$(cat "$file")"
    done
    named "$(network)"
}

# Show the folder the files and folders whose absolute paths stand in a text.
named() {
    printf '%s\n' "$1" | tr ' ="'\'',' '\n' | sed 's,^file://,,' | grep '^/' | sort -u | while read -r path; do
        ! mountpoint -q "$root$path" || continue
        if [ -d "$path" ]; then
            mkdir -p "$root$path"
        elif [ -f "$path" ]; then
            mkdir -p "$root$(dirname "$path")"
            [ -e "$root$path" ] || : >"$root$path"
        else
            continue
        fi
        mount --bind -o ro "$path" "$root$path"
    done
}

main "$@"
