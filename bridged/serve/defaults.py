"""Where bridged is found unless told otherwise.  Imports nothing: `bridgedctl` starts with it."""

STATE_FILE = "/etc/bridged/state.yaml"
CONTROL_SOCKET = "/run/bridged/control.sock"
GROUP = "bridged"
"""Members may read over the control socket."""
METRICS_HOST = "127.0.0.1"
METRICS_PORT = 9947
