"""The chart, linted and rendered by Helm's own engine: what every pod must have, and what is refused before it is one.

With a folder as its argument it writes there instead what each variant's program finds, its file and its environment: the program's
own tests (crates/steward/tests/it/chart.rs) read them as it would.
"""

import copy
import json
import pathlib
import re
import sys
import tomllib
import unittest

import helm_python as helm

CHART = pathlib.Path(__file__).parent / "steward"
LEAST = {
    "origin": "https://steward.example.com",
    "secretName": "steward-secret",
    "image": {"repository": "registry.internal/steward"},
    "networkPolicy": {"from": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]},
}
MANY = LEAST | {
    "postgresql": {"enabled": True},
    "replicas": 3,
    "objects": {"endpoint": "https://s3.internal", "bucket": "steward", "accessKey": "key"},
    "metrics": {"enabled": True, "serviceMonitor": {"enabled": True}},
    "ingress": {"enabled": True, "tlsSecretName": "tls"},
}
# By the names that the program's tests know.
VARIANTS = {
    "least": LEAST,
    "many": MANY,
    "own-tls": LEAST | {"tls": {"secretName": "tls"}},
    "key-service": LEAST
    | {
        "rootKeyService": {
            "address": "https://bao.internal:8200",
            "role_id": "0a1b",
            "secret_id_file": "/etc/steward/secret/bao-secret-id",
        }
    },
    "prefix": MANY | {"objects": MANY["objects"] | {"prefix": "steward/one", "region": "eu-1", "pathStyle": False}},
    "settings": LEAST
    | {
        "region": 'north "1"',
        "settings": {
            "STEWARD_FORGE__APPS": ["ari:cloud:ecosystem::app/1", "ari:cloud:ecosystem::app/2"],
            "STEWARD_CONNECT__SITES": "https://one.atlassian.net, https://two.atlassian.net",
            "STEWARD_IMPORTS__FILE_BYTES": 4 << 30,
            "STEWARD_JOBS__WORKERS": 8,
            "STEWARD_TRACES__RATIO": 0.25,
            "STEWARD_NETWORK__ALLOW_PRIVATE": True,
        },
    },
}
# What the Secret says, as far as the program reads it from its environment.
SECRET = {
    "database": "postgres://steward:one@db.internal/steward?sslmode=verify-full",
    "shelf": "postgres://steward:two@db.internal/shelf?sslmode=verify-full",
    "objects-secret": "000123",
    "metrics-token": "456000",
}


def rendered(values):
    """Templates by their file's name, without what is only white space."""
    with helm.Chart.load(str(CHART)) as chart:
        made = chart.render(values, name="demo", namespace="apps")
    return {name.rsplit("/", 1)[1]: text for name, text in made.items() if text.strip()}


def configuration(made):
    """The text of steward.toml."""
    text = made["config.yaml"].split("steward.toml: |\n", 1)[1]
    return "\n".join(line[4:] for line in text.splitlines())


def environment(made):
    """What the container is given, by name."""
    lines = made["deployment.yaml"].split(" env:\n", 1)[1].split(" ports:\n", 1)[0]
    one = re.compile(r"- name: (\S+)\n +(?:value: (\".*\")|valueFrom: \{secretKeyRef: \{name: \S+, key: (\S+)\}\})\n")
    found = {name: json.loads(value) if value else SECRET[key] for name, value, key in one.findall(lines)}
    assert len(found) == lines.count("- name:"), lines
    return found


def write(folder):
    for name, values in VARIANTS.items():
        made, place = rendered(values), folder / name
        place.mkdir(parents=True)
        (place / "steward.toml").write_text(configuration(made))
        (place / "environment.json").write_text(json.dumps(environment(made)))


class Chart(unittest.TestCase):
    def test_helm_finds_nothing_wrong(self):
        found = helm.lint(str(CHART))
        self.assertEqual(found["errors"], [])
        # 1 is advice: an icon.
        self.assertEqual([one for one in found["messages"] if one["severity"] > 1], [])

    def test_one_node_has_a_volume_that_outlives_the_release(self):
        made = rendered(LEAST)
        self.assertIn("type: Recreate", made["deployment.yaml"])
        self.assertIn("claimName: demo-steward", made["deployment.yaml"])
        self.assertIn("helm.sh/resource-policy: keep", made["storage.yaml"])
        self.assertNotIn("care.yaml", made)
        self.assertNotIn("secretKeyRef", made["deployment.yaml"])

    def test_many_nodes_share_everything(self):
        made = rendered(MANY)
        self.assertNotIn("storage.yaml", made)
        self.assertIn("emptyDir: {}", made["deployment.yaml"])
        self.assertIn("maxUnavailable: 0", made["deployment.yaml"])
        for key in ["database", "shelf", "objects-secret", "metrics-token"]:
            self.assertIn(f"secretKeyRef: {{name: steward-secret, key: {key}}}", made["deployment.yaml"])
        self.assertIn("kind: PodDisruptionBudget", made["care.yaml"])
        self.assertIn("kind: ServiceMonitor", made["care.yaml"])
        self.assertIn('host: "steward.example.com"', made["network.yaml"])

    def test_each_container_is_locked_down(self):
        for values in [LEAST, MANY]:
            pod = rendered(values)["deployment.yaml"]
            containers = len(re.findall(r"image: registry.internal/steward:0", pod))
            self.assertEqual(containers, 2)
            for line in ["allowPrivilegeEscalation: false", "readOnlyRootFilesystem: true", "capabilities: {drop: [ALL]}"]:
                self.assertEqual(pod.count(line), containers, line)
            for line in ["runAsNonRoot: true", "seccompProfile: {type: RuntimeDefault}", "automountServiceAccountToken: false"]:
                self.assertEqual(pod.count(line), 1, line)
            for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
                self.assertIn(probe, pod)

    def test_the_configuration_has_documented_settings_alone(self):
        documented = (CHART.parents[2] / "docs/operate.md").read_text()
        for name, values in VARIANTS.items():
            for section, settings in tomllib.loads(configuration(rendered(values))).items():
                for setting in settings:
                    self.assertIn(f"`{section}.{setting}", documented, name)

    def test_settings_are_written_as_the_program_reads_them(self):
        found = environment(rendered(VARIANTS["settings"]))
        self.assertEqual(found["STEWARD_FORGE__APPS"], "ari:cloud:ecosystem::app/1,ari:cloud:ecosystem::app/2")
        self.assertEqual(found["STEWARD_IMPORTS__FILE_BYTES"], "4294967296")
        self.assertEqual(found["STEWARD_TRACES__RATIO"], "0.25")

    def test_nobody_but_the_named_reaches_the_plain_listener(self):
        made = rendered(LEAST)["network.yaml"]
        policy = made.split("kind: NetworkPolicy", 1)[1]
        self.assertIn("policyTypes: [Ingress]", policy)
        self.assertIn("namespaceSelector", policy)

    def test_what_would_not_work_is_refused_with_what_to_do(self):
        def refused(words, **changes):
            values = copy.deepcopy(LEAST) | changes
            with self.assertRaises(Exception) as caught:
                rendered(values)
            self.assertIn(words, str(caught.exception))

        refused("origin: where people", origin="")
        refused("must start with https://", origin="http://steward.example.com")
        refused("secretName:", secretName="")
        refused("image.repository:", image={"repository": ""})
        refused("more than one node needs", replicas=2)
        refused("more than one node needs", replicas=2, postgresql={"enabled": True})
        refused("endpoint goes with", objects={"endpoint": "https://s3.internal"})
        refused("networkPolicy.from:", networkPolicy={"from": []})
        refused("goes with metrics.enabled", metrics={"serviceMonitor": {"enabled": True}})
        refused("ingress.tlsSecretName:", ingress={"enabled": True})


if __name__ == "__main__":
    if len(sys.argv) == 2:
        write(pathlib.Path(sys.argv[1]))
    else:
        unittest.main()
