"""What a cluster needs: the same command on every node, a name where they meet, and a folder that all of them see.

    job = ClusterJob(name="story", image="registry.example/learnkit:1", module="kit.scale.elastic", n_nodes=4, n_gpus=8)
    print(torchrun_line(job))       to be typed on each of four machines
    print(manifest(job))            to be handed to Kubernetes: kubectl apply -f story.json

In Kubernetes it is an Indexed Job: pods numbered from 0, each of which keeps its number and its name when it is
started anew, and a headless Service, by which pod 0 is found. Where the training operator of Kubeflow is installed,
its PyTorchJob writes the same for you.

On a TPU no process group of this kind exists: torch_xla starts one process for each chip by `torch_xla.launch`, the
backend is "xla", tensors are spread by annotating them for the compiler, and every step must have the
shapes of the one before, or it is compiled anew. In the manifest `google.com/tpu` stands in the place of
`nvidia.com/gpu`, with a node selector for the accelerator and its topology. `fit`, `shares` and the
loss stay as they are; kit.scale.data_parallel and tensor_parallel would be written anew.

Source: Kubernetes documentation, "Jobs: Completion mode" and "Job with Pod-to-Pod Communication"; PyTorch
documentation, "torchrun (Elastic Launch)".

Taught in: 24
"""

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

from kit.arguments import count, instance, shown
from kit.scale.launch import AGENT_SETTINGS

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,48}[a-z0-9])?")  # of a DNS label, with room for the number of a pod


@dataclass(frozen=True, kw_only=True)
class ClusterJob:
    """One training on several nodes: the few values from which command line and manifest are written.

    Args:
        name: of the job, in lower-case letters, digits and hyphens.
        image: of the container.
        module, arguments: what each rank runs.
        n_gpus: of each node; a rank for each. 0 for one rank on the processor.
        min_nodes: the fewest with which the run goes on when nodes are lost; all of them where it is None.
        n_restarts: how often the ranks are started anew.
        port: at which the nodes meet on the first of them.
        volume: the claim of a volume that all nodes see; checkpoints go there, at /runs.

    Raises:
        TypeError, ValueError: if a value is of the wrong kind or out of range.
    """

    name: str
    image: str
    module: str
    arguments: tuple[str, ...] = ()
    n_nodes: int = 2
    n_gpus: int = 8
    min_nodes: int | None = None
    n_restarts: int = 3
    port: int = 29_400
    volume: str = "runs"

    def __post_init__(self) -> None:
        """Refuse what no cluster could run."""
        for name in ("name", "image", "module", "volume"):
            instance(name, getattr(self, name), str)
        for name in ("name", "volume"):
            if not _NAME.fullmatch(getattr(self, name)):
                raise ValueError(
                    f"{name} must be up to 50 lower-case letters, digits and hyphens, got {shown(getattr(self, name))}"
                )
        if not isinstance(self.arguments, tuple) or not all(isinstance(each, str) for each in self.arguments):
            raise TypeError(f"arguments must be a tuple of texts, got {shown(self.arguments)}")
        count("n_nodes", self.n_nodes)
        count("n_gpus", self.n_gpus, at_least=0)
        count("n_restarts", self.n_restarts, at_least=0)
        if count("port", self.port, at_least=1024) > 65_535:
            raise ValueError(f"port must be <= 65535, got {self.port}")
        if self.min_nodes is not None and count("min_nodes", self.min_nodes) > self.n_nodes:
            raise ValueError(f"min_nodes must be <= n_nodes, {self.n_nodes}, got {self.min_nodes}")

    @property
    def nodes(self) -> str:
        """Give torchrun's number of nodes: one, or the fewest and the most."""
        return str(self.n_nodes) if self.min_nodes in (None, self.n_nodes) else f"{self.min_nodes}:{self.n_nodes}"


def command(job: ClusterJob, *, host: str) -> list[str]:
    """Give the words of the command that every node runs; it is the same on all of them.

    Args:
        host: the name of the node where they meet.

    Raises:
        TypeError: if `job` is no ClusterJob, or `host` no text.
    """
    instance("job", job, ClusterJob)
    instance("host", host, str)
    return [
        "torchrun",
        f"--nnodes={job.nodes}",
        f"--nproc-per-node={job.n_gpus or 1}",
        f"--max-restarts={job.n_restarts}",
        f"--rdzv-id={job.name}",
        "--rdzv-backend=c10d",
        f"--rdzv-endpoint={host}:{job.port}",
        "-m",
        job.module,
        *job.arguments,
    ]


def torchrun_line(job: ClusterJob, *, host: str = "first-node") -> str:
    """Write the command that is typed on every node.

    Raises:
        TypeError: if `job` is no ClusterJob, or `host` no text.

    >>> print(torchrun_line(ClusterJob(name="a", image="i", module="m", n_nodes=1, n_gpus=2)))
    TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 torchrun --nnodes=1 --nproc-per-node=2 --max-restarts=3 --rdzv-id=a \
--rdzv-backend=c10d --rdzv-endpoint=first-node:29400 -m m
    """
    settings = [f"{name}={value}" for name, value in AGENT_SETTINGS.items()]
    return shlex.join([*settings, *command(job, host=host)])


def manifest(job: ClusterJob) -> str:
    """Write what Kubernetes is given, as JSON: a headless Service and an Indexed Job.

    Raises:
        TypeError: if `job` is no ClusterJob.
    """
    instance("job", job, ClusterJob)
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [service(job), indexed_job(job)]}, indent=2)


def service(job: ClusterJob) -> dict[str, Any]:
    """Give the Service that lets pods find each other by name, before they are ready.

    Raises:
        TypeError: if `job` is no ClusterJob.
    """
    instance("job", job, ClusterJob)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": job.name},
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"batch.kubernetes.io/job-name": job.name},
            "ports": [{"name": "rendezvous", "port": job.port}],
        },
    }


def indexed_job(job: ClusterJob) -> dict[str, Any]:
    """Give the Job: a pod for each node, numbered; pod 0 is where they meet.

    A pod that fails is started anew under its number, as often as ranks are.

    Raises:
        TypeError: if `job` is no ClusterJob.
    """
    instance("job", job, ClusterJob)
    gpus = {"resources": {"limits": {"nvidia.com/gpu": job.n_gpus}}} if job.n_gpus else {}
    container = {
        "name": "ranks",
        "image": job.image,
        "command": command(job, host=f"{job.name}-0.{job.name}"),
        "env": [{"name": name, "value": value} for name, value in AGENT_SETTINGS.items()],
        "ports": [{"containerPort": job.port}],
        "volumeMounts": [{"name": "runs", "mountPath": "/runs"}, {"name": "shared", "mountPath": "/dev/shm"}],
        **gpus,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job.name},
        "spec": {
            "completionMode": "Indexed",
            "completions": job.n_nodes,
            "parallelism": job.n_nodes,
            "backoffLimit": job.n_restarts * job.n_nodes,
            "template": {
                "spec": {
                    "subdomain": job.name,
                    "restartPolicy": "Never",
                    "containers": [container],
                    "volumes": [
                        {"name": "runs", "persistentVolumeClaim": {"claimName": job.volume}},
                        {"name": "shared", "emptyDir": {"medium": "Memory"}},  # ranks of a node talk through it
                    ],
                }
            },
        },
    }
