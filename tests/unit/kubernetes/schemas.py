"""What kubeadm and kubelet take, as JSON Schemas of our own, closed: an unknown key is an error, as
it is for kubeadm's strict decoding.

Written after the published types: kubeadm.k8s.io/v1beta4 (every field of InitConfiguration and
ClusterConfiguration) and kubelet.config.k8s.io/v1beta1 (the fields that concern us), and the part
of Cilium's values.schema.json that we use.
"""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TRUTH: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}
TEXTS: Schema = {"type": "array", "items": TEXT}
DURATION: Schema = {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$"}


def record(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """A mapping with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "required": list(required),
    }


def listing(item: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": item}


def kind(api: str, name: str) -> dict[str, Schema]:
    """The two keys of every document."""
    return {"apiVersion": {"const": api}, "kind": {"const": name}}


_V1BETA4 = "kubeadm.k8s.io/v1beta4"
_ARGS = listing(record(("name",), name=TEXT, value=TEXT))
_ENVS = listing(record(("name",), name=TEXT, value=TEXT, valueFrom={"type": "object"}))
_MOUNTS = listing(
    record(
        ("name", "hostPath", "mountPath"),
        name=TEXT,
        hostPath=TEXT,
        mountPath=TEXT,
        readOnly=TRUTH,
        pathType=TEXT,
    )
)
_COMPONENT = {"extraArgs": _ARGS, "extraVolumes": _MOUNTS, "extraEnvs": _ENVS}
_IMAGE = {"imageRepository": TEXT, "imageTag": TEXT}
_TIMEOUTS = record(
    controlPlaneComponentHealthCheck=DURATION,
    kubeletHealthCheck=DURATION,
    kubernetesAPICall=DURATION,
    etcdAPICall=DURATION,
    tlsBootstrap=DURATION,
    discovery=DURATION,
    upgradeManifests=DURATION,
)

INIT = record(
    ("apiVersion", "kind"),
    **kind(_V1BETA4, "InitConfiguration"),
    bootstrapTokens={"type": "array"},
    dryRun=TRUTH,
    nodeRegistration=record(
        name=TEXT,
        criSocket={"type": "string", "pattern": "^unix:///"},
        taints={"type": "array"},
        kubeletExtraArgs=_ARGS,
        ignorePreflightErrors=TEXTS,
        imagePullPolicy={"enum": ["Always", "IfNotPresent", "Never"]},
        imagePullSerial=TRUTH,
    ),
    localAPIEndpoint=record(
        advertiseAddress={"type": "string", "format": "ipv4"},
        bindPort={"type": "integer", "minimum": 1, "maximum": 65535},
    ),
    certificateKey=TEXT,
    skipPhases=TEXTS,
    patches=record(directory=TEXT),
    timeouts=_TIMEOUTS,
)

CLUSTER = record(
    ("apiVersion", "kind"),
    **kind(_V1BETA4, "ClusterConfiguration"),
    etcd=record(
        local=record(**_IMAGE, dataDir=TEXT, extraArgs=_ARGS, extraEnvs=_ENVS,
                     serverCertSANs=TEXTS, peerCertSANs=TEXTS),
        external=record(endpoints=TEXTS, caFile=TEXT, certFile=TEXT, keyFile=TEXT,
                        httpEndpoints=TEXTS),
    ),
    networking=record(
        serviceSubnet={"type": "string", "pattern": r"^[0-9.]+/[0-9]+$"},
        podSubnet={"type": "string", "pattern": r"^[0-9.]+/[0-9]+$"},
        dnsDomain=TEXT,
    ),
    kubernetesVersion={"type": "string", "pattern": r"^v?1\.[0-9]+\.[0-9]+"},
    controlPlaneEndpoint=TEXT,
    apiServer=record(**_COMPONENT, certSANs=TEXTS),
    controllerManager=record(**_COMPONENT),
    scheduler=record(**_COMPONENT),
    dns=record(**_IMAGE, disabled=TRUTH),
    proxy=record(disabled=TRUTH),
    certificatesDir=TEXT,
    imageRepository=TEXT,
    featureGates={"type": "object", "additionalProperties": TRUTH},
    clusterName=TEXT,
    encryptionAlgorithm={
        "enum": ["ECDSA-P256", "ECDSA-P384", "RSA-2048", "RSA-3072", "RSA-4096"]
    },
    certificateValidityPeriod=DURATION,
    caCertificateValidityPeriod=DURATION,
)  # fmt: skip

KUBELET = record(
    ("apiVersion", "kind"),
    **kind("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"),
    cgroupDriver={"enum": ["systemd", "cgroupfs"]},
    failSwapOn=TRUTH,
    authentication=record(
        x509=record(clientCAFile=TEXT),
        webhook=record(enabled=TRUTH, cacheTTL=DURATION),
        anonymous=record(enabled=TRUTH),
    ),
)

CILIUM = record(
    kubeProxyReplacement={"type": ["string", "boolean"]},
    k8sServiceHost=TEXT,
    k8sServicePort={"type": ["string", "integer"]},
    cni=record(exclusive=TRUTH),
    ipam=record(mode=TEXT, operator=record(clusterPoolIPv4PodCIDRList=listing(TEXT))),
    hubble=record(
        relay=record(enabled=TRUTH),
        ui=record(
            enabled=TRUTH, frontend=record(server=record(ipv6=record(enabled=TRUTH)))
        ),
        tls=record(auto=record(enabled=TRUTH, method=TEXT, certValidityDuration=NUMBER)),
    ),
    cgroup=record(autoMount=record(enabled=TRUTH), hostRoot=TEXT),
)  # fmt: skip
