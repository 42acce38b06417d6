"""The table of the container runtime: what is expected of containerd."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bridged.desired.base import Model, Refused, Text
from bridged.desired.errors import shown


def _path(text: str) -> str:
    if not text.startswith("/") or "\n" in text or ".." in text.split("/"):
        raise Refused(f'"{shown(text)}" is not an absolute path', "begin it with a slash")
    return text


AbsolutePath = Annotated[str, AfterValidator(_path), Text("an absolute path", r"^/[^\n\r\u0000]*$")]

RestartPolicy = Literal["when-needed", "in-maintenance", "never"]


class Containerd(Model):
    """containerd as the container runtime of Kubernetes (CRI)."""

    oci_runtime: Annotated[
        Literal["crun", "runc"], Field(description="what containers are started with")
    ] = "crun"
    oci_runtime_path: Annotated[
        AbsolutePath | None,
        Field(description="its program; left out, it is looked for where programs are"),
    ] = None
    cgroup_driver: Annotated[
        Literal["systemd", "cgroupfs"],
        Field(description="who makes the cgroups; the kubelet must be told the same"),
    ] = "systemd"
    socket: Annotated[
        AbsolutePath, Field(description="where the kubelet reaches it (criSocket)")
    ] = "/run/containerd/containerd.sock"
    config: Annotated[AbsolutePath, Field(description="its configuration")] = (
        "/etc/containerd/config.toml"
    )
    restart: Annotated[
        RestartPolicy,
        Field(
            description="when containerd may be restarted to read a changed configuration: at "
            "once (`when-needed`), in the maintenance window or by "
            "`bridgedctl apply --allow-disruption containerd` (`in-maintenance`), or by you only "
            "(`never`). Running containers survive it; what is being started, pulled or attached "
            "to is cut off"
        ),
    ] = "in-maintenance"


class Runtime(Model):
    """The container runtime."""

    containerd: Annotated[
        Containerd | None, Field(description="`{}` for the values that KubeVirt nodes want")
    ] = None


def same_socket(one: str, other: str) -> bool:
    """Whether two spellings name one socket: /var/run is a link to /run."""
    return _bare(one) == _bare(other)


def _bare(path: str) -> str:
    return path.removeprefix("unix://").removeprefix("/var")
