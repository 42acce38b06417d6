"""Where bridged is found unless told otherwise.  Imports nothing: `bridgedctl` starts with it."""

STATE_FILE = "/etc/bridged/state.yaml"
CONTROL_SOCKET = "/run/bridged/control.sock"
STATE_DIR = "/var/lib/bridged"
"""Where what outlives a boot is kept."""
GROUP = "bridged"
"""Members may read over the control socket."""
METRICS_HOST = "127.0.0.1"
METRICS_PORT = 9947
LONGEST_PAUSE = 24 * 3600.0
"""Seconds: who wants a node left alone for longer stops the service."""
