import json
import shlex
from pathlib import Path

import jsonschema
import pytest
import yaml

from kit.scale.cluster import ClusterJob, command, indexed_job, manifest, service, torchrun_line

SCHEMA = json.loads(Path(__file__).with_name("kubernetes.schema.json").read_text(encoding="utf-8"))
JOB = ClusterJob(
    name="story",
    image="registry.example/learnkit:1",
    module="kit.scale.elastic",
    arguments=("--folder", "/runs/my run"),
    n_nodes=4,
    min_nodes=2,
)


@pytest.mark.parametrize("job", [JOB, ClusterJob(name="a", image="i", module="m", n_gpus=0, n_nodes=1)])
def test_the_manifest_is_what_kubernetes_takes(job):
    for item in yaml.safe_load(manifest(job))["items"]:  # kubectl reads JSON as the YAML that it is
        jsonschema.validate(item, SCHEMA)


@pytest.mark.parametrize(
    "damage",
    [
        lambda job: job["spec"].pop("completions"),
        lambda job: job["spec"].update(completionMode="indexed"),
        lambda job: job["spec"]["template"]["spec"].update(restartPolicy="Always"),
        lambda job: job["spec"]["template"]["spec"]["containers"][0].update(gpus=8),
        lambda job: job["metadata"].update(name="Story_1"),
        lambda job: job["spec"]["template"]["spec"]["volumes"][0].pop("persistentVolumeClaim"),
    ],
)
def test_the_schema_finds_what_kubernetes_would_refuse(damage):
    job = indexed_job(JOB)
    damage(job)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job, SCHEMA)


def test_a_pod_meets_the_others_at_pod_0_by_the_name_of_the_service():
    pod = indexed_job(JOB)["spec"]["template"]["spec"]
    assert pod["subdomain"] == service(JOB)["metadata"]["name"]
    assert "--rdzv-endpoint=story-0.story:29400" in pod["containers"][0]["command"]
    assert service(JOB)["spec"]["ports"][0]["port"] == JOB.port


def test_every_volume_that_is_mounted_is_there():
    pod = indexed_job(JOB)["spec"]["template"]["spec"]
    mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_the_line_is_the_command_of_a_pod_at_another_host():
    setting, *words = shlex.split(torchrun_line(JOB, host="n0"))
    assert words == command(JOB, host="n0")
    assert setting == "TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"
    assert "--nnodes=2:4" in torchrun_line(JOB)
    assert "--nnodes=2 " in torchrun_line(ClusterJob(name="a", image="i", module="m", n_nodes=2))


def test_the_line_is_one_that_torchrun_reads():
    run = pytest.importorskip("torch.distributed.run")
    given = run.parse_args(command(JOB, host="n0")[1:])
    assert (given.nnodes, given.nproc_per_node, given.max_restarts) == ("2:4", "8", 3)
    assert (given.rdzv_endpoint, given.rdzv_id) == ("n0:29400", "story")
    assert given.training_script == "kit.scale.elastic"
    assert given.training_script_args == ["--folder", "/runs/my run"]
