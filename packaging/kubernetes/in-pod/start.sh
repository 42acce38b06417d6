#!/bin/sh
# Starts bridged in a pod: a container's /proc/sys is read-only, so it is made writable first, and the
# right to do so is given up for good before bridged runs.
set -eu

mount -o remount,bind,rw /proc/sys || {
    echo "/proc/sys stays read-only: the pod needs CAP_SYS_ADMIN until bridged runs, see" \
        "packaging/kubernetes/README.md" >&2
    exit 1
}
exec setpriv --no-new-privs --bounding-set=-sys_admin,-setpcap --inh-caps=-all \
    bridged --state /etc/bridged/state.yaml "$@"
