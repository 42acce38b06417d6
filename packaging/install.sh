#!/bin/sh
# install.sh - installs bridged on this host, or takes it off again.
#
#   install.sh install      copy the program, the unit and an example state; nothing is started
#   install.sh uninstall    take them off; the network, its profiles and /etc/bridged stay
#   install.sh stage        everything below DESTDIR where a distribution has it, for a package
#
# DESTDIR=DIR puts everything below DIR: dependencies, group and systemd are then left alone.
# PYTHON=/path chooses the interpreter (3.11 or newer, with PyGObject).
# Running it again is an upgrade.  Needs root unless DESTDIR is set.
#
# What is installed is listed here only: the .deb and the .rpm are made of what `stage` puts down.
# For those VENDOR=/path is searched for libraries before the distribution's, and ZSH=/path is where
# this distribution's packages have completion.
set -eu
umask 022

DESTDIR=${DESTDIR:-}
SOURCE=$(cd "$(dirname "$0")/.." && pwd)
VENDOR=${VENDOR:-}
CONFIG=/etc/bridged
GROUP=bridged
LIBRARIES=$SOURCE/packaging/requirements/libraries.txt

places() {  # PREFIX UNITS: sets where things go
    LIB=$1/lib/bridged
    DAEMON=$1/sbin/bridged
    CONTROL=$1/bin/bridgedctl
    UNIT=$2/bridged.service
    MANUAL=$1/share/man
    BASH_COMPLETION=$1/share/bash-completion/completions/bridgedctl
    ZSH_COMPLETION=${ZSH:-$1/share/zsh/site-functions}/_bridgedctl
    FISH_COMPLETION=$1/share/fish/vendor_completions.d/bridgedctl.fish
}
places /usr/local /etc/systemd/system

say() { printf 'bridged: %s\n' "$*"; }
die() { printf 'bridged: %s\n' "$*" >&2; exit 1; }
on_this_host() { [ -z "$DESTDIR" ]; }
with_systemd() { on_this_host && [ -d /run/systemd/system ]; }

# --------------------------------------------------------------------------- the interpreter

# Sets `python` to the first that is new enough and `version` to its 3.x.
find_python() {
    for python in ${PYTHON:-/usr/bin/python3 /usr/bin/python3.13 /usr/bin/python3.12 \
        /usr/bin/python3.11}; do
        [ -x "$python" ] || continue
        version=$("$python" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        case $version in 3.[0-9] | 3.10) ;; 3.*) return ;; esac
    done
    die "there is no Python 3.11 or newer; install one or set PYTHON=/path/to/it"
}

# Prints what is not there, or too old, of the dependencies in pyproject.toml: one requirement a
# line, as pip wants them, and `gi`.  A module counts where the wrappers will find it.
missing_requirements() {
    "$python" -I - "$SOURCE/pyproject.toml" $(site_packages) <<'X'
import importlib.util, re, sys, tomllib
from importlib import metadata

sys.path[:0] = sys.argv[2:]

def numbers(version):
    return [int(part) for part in re.findall(r"\d+", version)[:3]]

with open(sys.argv[1], "rb") as file:
    wanted = tomllib.load(file)["project"]["dependencies"]
for requirement in wanted:
    name, _, least = requirement.partition(">=")
    try:
        if numbers(metadata.version(name.strip())) < numbers(least):
            print(requirement)
    except metadata.PackageNotFoundError:
        print(requirement)
if importlib.util.find_spec("gi") is None:
    print("gi")
X
}

# Where pip puts what the distribution has not; nothing while there is no such place.
site_packages() {
    folder=$LIB/venv/lib/python$version/site-packages
    [ ! -d "$folder" ] || echo "$folder"
}

# A distribution's package for a requirement, by the names that Debian and Fedora use.
package_of() {  # FAMILY REQUIREMENT
    name=${2%%[>=]*}
    case $1:$name in
    apt:PyYAML) echo python3-yaml ;;
    dnf:PyYAML) echo python3-pyyaml ;;
    dnf:gi) echo python3-gobject-base ;;
    dnf:prometheus-client) echo python3-prometheus_client ;;
    *) echo "python3-$name" ;;
    esac
}

# One package at a time, so that one that this release does not have keeps none of the others.
from_apt() {  # REQUIREMENT
    package=$(package_of apt "$1")
    candidate=$(LC_ALL=C apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
    # An older one than we need would only be in the way.
    case $1 in *">="*) dpkg --compare-versions "${candidate:-0}" ge "${1#*>=}" || return 0 ;; esac
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "$package" || true
}

from_dnf() { dnf -q -y install "$(package_of dnf "$1")" || true; }

make_venv() {
    "$python" -I -c 'import ensurepip' 2>/dev/null || ! command -v apt-get >/dev/null ||
        DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends python3-venv ||
        true
    "$python" -m venv --system-site-packages "$LIB/venv" || die "cannot make $LIB/venv"
}

ensure_dependencies() {
    missing=$(missing_requirements)
    [ -n "$missing" ] || return 0
    say "missing:" $missing
    ! command -v apt-get >/dev/null || apt-get -qq update || true
    for requirement in $missing; do
        if command -v apt-get >/dev/null; then
            from_apt "$requirement"
        elif command -v dnf >/dev/null; then
            from_dnf "$requirement"
        fi
    done
    missing=$(missing_requirements)
    from_pip=$(printf '%s\n' "$missing" | grep -v '^gi$') || true
    if [ -n "$from_pip" ]; then
        say "not in this distribution, or too old: installing into $LIB/venv:" $from_pip
        make_venv
        # --ignore-installed: the distribution's older module must not count as installed.
        pip="$LIB/venv/bin/pip install --quiet --disable-pip-version-check --ignore-installed"
        # All together in the versions that are tested, by their hashes.
        $pip --no-deps --only-binary :all: --require-hashes -r "$LIBRARIES" ||
            say "what is tested with is not to be had for Python $version, so it is the newest:"
        from_pip=$(missing_requirements | grep -v '^gi$') || true
        # shellcheck disable=SC2086
        [ -z "$from_pip" ] || $pip $from_pip ||
            die "pip cannot install them; without them bridged does not run"
    fi
    missing=$(missing_requirements)
    [ -z "$missing" ] || die "still missing, install them and run this again:" $missing
}

# ------------------------------------------------------------------------------------ install

wrapper() {  # PATH MODULE: a Python script, so that a start is one process and no shell
    mkdir -p "$DESTDIR$(dirname "$1")"
    {
        printf '#!%s -I\nimport sys\n\nsys.path[:0] = [\n    "%s",\n' "$python" "$LIB"
        { [ -z "$VENDOR" ] || echo "$VENDOR"; site_packages; } | sed 's/.*/    "&",/'
        printf ']\nfrom %s import main\n\nsys.exit(main())\n' "$2"
    } >"$DESTDIR$1.new"
    chmod 0755 "$DESTDIR$1.new"
    mv -f "$DESTDIR$1.new" "$DESTDIR$1"
}

copy_program() {
    new=$DESTDIR$LIB/.new
    rm -rf "$new"
    mkdir -p "$new"
    # With their times, bytecode that this interpreter has made before stays good.
    cp -R --preserve=timestamps "$SOURCE/bridged" "$new/bridged"
    find "$new" -name '*.pyc' ! -name "*.cpython-3${version#3.}.pyc" -delete
    find "$new" -name __pycache__ -empty -delete
    chmod -R u=rwX,go=rX "$new"
    # Two renames: a program that imports something now hardly meets the gap.
    rm -rf "$DESTDIR$LIB"/bridged-*.dist-info
    [ ! -d "$DESTDIR$LIB/bridged" ] || mv "$DESTDIR$LIB/bridged" "$new/old"
    mv "$new/bridged" "$DESTDIR$LIB/bridged"
    rm -rf "$new"
    release=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$SOURCE/pyproject.toml")
    mkdir "$DESTDIR$LIB/bridged-$release.dist-info"
    printf 'Metadata-Version: 2.1\nName: bridged\nVersion: %s\n' "$release" \
        >"$DESTDIR$LIB/bridged-$release.dist-info/METADATA"
}

compile_program() { "$python" -I -m compileall -q -s "$DESTDIR" "$DESTDIR$LIB/bridged"; }

copy_unit() {
    install -D -m 0644 "$SOURCE/systemd/bridged.service" "$DESTDIR$UNIT"
    sed -i "s|^ExecStart=[^ ]*|ExecStart=$DAEMON|" "$DESTDIR$UNIT"
}

# The manual and completion, where the programs beside ours have theirs.
copy_manual() {
    for page in "$SOURCE"/packaging/man/*.[1-8]; do
        install -D -m 0644 "$page" "$DESTDIR$MANUAL/man${page##*.}/${page##*/}"
    done
    install -D -m 0644 "$SOURCE/packaging/completion/bridgedctl.bash" "$DESTDIR$BASH_COMPLETION"
    install -D -m 0644 "$SOURCE/packaging/completion/_bridgedctl" "$DESTDIR$ZSH_COMPLETION"
    install -D -m 0644 "$SOURCE/packaging/completion/bridgedctl.fish" "$DESTDIR$FISH_COMPLETION"
}

install_all() {
    on_this_host && [ "$(id -u)" != 0 ] && die "installing needs root: sudo make install"
    find_python
    mkdir -p "$DESTDIR$LIB" "$DESTDIR$CONFIG/state.d" "$DESTDIR$(dirname "$UNIT")"
    ! on_this_host || ensure_dependencies
    copy_program
    compile_program
    wrapper "$DAEMON" bridged.agent.main
    wrapper "$CONTROL" bridged.cli.main
    copy_manual
    copy_unit
    install -m 0644 "$SOURCE/config/state.schema.json" "$DESTDIR$CONFIG/state.schema.json"
    # What an operator has written is never overwritten; the example is always there to compare.
    install -m 0644 "$SOURCE/config/state.yaml" "$DESTDIR$CONFIG/state.yaml.example"
    example=
    if [ ! -e "$DESTDIR$CONFIG/state.yaml" ]; then
        install -m 0644 "$SOURCE/config/state.yaml" "$DESTDIR$CONFIG/state.yaml"
        example="an example: "
    fi
    on_this_host || return 0
    getent group "$GROUP" >/dev/null || groupadd --system "$GROUP"
    ! command -v restorecon >/dev/null || restorecon -R "$LIB" "$DAEMON" "$CONTROL" "$UNIT" "$CONFIG"
    ! with_systemd || systemctl daemon-reload
    say "installed in $LIB; $CONFIG/state.yaml is ${example:-as you left it, }not applied yet."
    if with_systemd && systemctl -q is-active bridged; then
        say "the running service is the old one until: systemctl restart bridged"
        return 0
    fi
    cat <<X

Next:
    \$EDITOR $CONFIG/state.yaml          what this node has to have
    bridgedctl validate                 is it right?
    bridgedctl doctor                   is this host fit for it?
    bridgedctl plan                     what would be done, and what that costs
    systemctl enable --now bridged      keep it so from now on

Members of the group $GROUP may look (bridgedctl status); only root may change things.
X
}

# -------------------------------------------------------------------------------- for a package

# No state file: what a node has to have is for its operator to say, and nothing starts before.
stage() {
    [ -n "$DESTDIR" ] || die "stage needs DESTDIR"
    places /usr /usr/lib/systemd/system
    python=${PYTHON:-/usr/bin/python3} version=0
    mkdir -p "$DESTDIR$CONFIG/state.d" "$DESTDIR$LIB"
    copy_program
    wrapper "$DAEMON" bridged.agent.main
    wrapper "$CONTROL" bridged.cli.main
    copy_manual
    copy_unit
    install -D -m 0644 "$SOURCE/systemd/bridged.sysusers" "$DESTDIR/usr/lib/sysusers.d/bridged.conf"
    install -D -m 0644 "$SOURCE/systemd/bridged.tmpfiles" "$DESTDIR/usr/lib/tmpfiles.d/bridged.conf"
    schema=/usr/share/bridged/state.schema.json
    install -D -m 0644 "$SOURCE/config/state.schema.json" "$DESTDIR$schema"
    # Not among the documents, which small images leave out.
    example=$DESTDIR/usr/share/bridged/state.yaml
    install -m 0644 "$SOURCE/config/state.yaml" "$example"
    sed -i "s|schema=./state.schema.json|schema=$schema|; s|Installed as /|Copy it to /|" "$example"
}

# ---------------------------------------------------------------------------------- uninstall

# What to do about the profiles and files that bridged has left for the next boot.
leftovers() {
    [ ! -d "$LIB/bridged" ] || "$python" -I -c '
import sys
sys.path[:0] = sys.argv[1:]
from bridged.cli.leftovers import main
main()
' "$LIB" $(site_packages) 2>/dev/null || true
}

uninstall_all() {
    on_this_host && [ "$(id -u)" != 0 ] && die "uninstalling needs root: sudo make uninstall"
    left=
    ! on_this_host || left=$(find_python && leftovers) || true
    if with_systemd && [ -e "$UNIT" ]; then
        systemctl -q disable --now bridged || true
    fi
    rm -rf "$DESTDIR$LIB"
    rm -f "$DESTDIR$DAEMON" "$DESTDIR$CONTROL" "$DESTDIR$UNIT" "$DESTDIR$BASH_COMPLETION" \
        "$DESTDIR$ZSH_COMPLETION" "$DESTDIR$FISH_COMPLETION" "$DESTDIR$MANUAL/man1/bridgedctl.1" \
        "$DESTDIR$MANUAL/man5/bridged-state.5" "$DESTDIR$MANUAL/man8/bridged.8"
    ! with_systemd || systemctl daemon-reload
    on_this_host || return 0
    say "taken off."
    [ -z "$left" ] || printf '%s\n' "$left"
    echo "    rm -rf /var/lib/bridged $CONFIG"
    ! getent group "$GROUP" >/dev/null || echo "    groupdel $GROUP"
}

case ${1:-} in
install) install_all ;;
uninstall) uninstall_all ;;
stage) stage ;;
*) sed -n '2,/^set -eu/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 2 ;;
esac
