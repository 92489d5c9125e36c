package supportbundle

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"path"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// collectLogs adds a log for every container of a pod, of a size and no meaning, and one of the container's life before where it was
// restarted.
func (c *collector) collectLogs() {
	core := schema.GroupVersion{Version: "v1"}
	for _, namespace := range c.options.namespaces() {
		if failure := c.options.Faults.list("", "pods", namespace); failure != "" {
			c.complain("Support bundle: cannot get pod list: %s", failure)
			return
		}
		var pods corev1.PodList
		if err := c.get(listPath(core, namespace, "pods"), &pods); err != nil {
			c.complain("Support bundle: cannot get pod list: %v", err)
			return
		}
		for _, pod := range pods.Items {
			for _, container := range pod.Spec.Containers {
				file := path.Join("logs", namespace, pod.Name, container.Name+".log")
				c.files[file] = logLines(container.Name, c.options.LogSize, c.options.Created)
				for _, status := range pod.Status.ContainerStatuses {
					if status.Name == container.Name && status.RestartCount > 0 {
						c.files[file+".1"] = logLines(container.Name, c.options.LogSize, c.options.Created.Add(-time.Hour))
					}
				}
			}
		}
	}
}

// collectNodes adds a zip for every node that Harvester manages and that is ready.
func (c *collector) collectNodes() error {
	var nodes corev1.NodeList
	if err := c.get("/api/v1/nodes", &nodes); err != nil {
		return fmt.Errorf("collecting a support bundle: %w", err)
	}
	for _, node := range nodes.Items {
		if node.Labels["harvesterhci.io/managed"] != "true" || !ready(node) {
			continue
		}
		var archive bytes.Buffer
		if err := writeZip(&archive, node.Name, c.nodeFiles(node.Name), c.options.Created); err != nil {
			return fmt.Errorf("writing the bundle of node %s: %w", node.Name, err)
		}
		c.files[path.Join("nodes", node.Name+".zip")] = archive.Bytes()
	}
	return nil
}

func ready(node corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		switch {
		case condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionTrue:
			return false
		case condition.Type == corev1.NodeNetworkUnavailable && condition.Status == corev1.ConditionTrue:
			return false
		}
	}
	return true
}

// nodeFiles are the files of a node's zip.
func (c *collector) nodeFiles(node string) map[string][]byte {
	files := map[string][]byte{
		"configs/oem/90_custom.yaml": []byte("name: Harvester Configuration\nstages:\n  initramfs:\n  - hostname: " + node + "\n    users:\n      rancher:\n        passwd: '***'\n"),
		"configs/etc/hostname":       []byte(node + "\n"),
		"configs/etc/os-release":     []byte("NAME=\"SLE Micro\"\nPRETTY_NAME=\"Harvester\"\n"),
		"configs/etc/harvester-release.yaml": []byte("harvester: v1.4.1\nharvesterChart: 1.4.1\nos: Harvester v1.4.1\nkubernetes: v1.30.7+rke2r1\n" +
			"rancher: v2.9.3\nminUpgradableVersion: v1.4.0\n"),
		"scc/scc_supportconfig_" + node + "-4x9q2b.txz": noise(node, c.options.NodeSize),
	}
	for _, log := range []string{"kernel", "rke2-server", "rke2-agent", "rancherd", "iscsid", "kubelet", "containerd", "console"} {
		files["logs/"+log+".log"] = logLines(log, c.options.LogSize, c.options.Created)
	}
	return files
}

// logLines returns lines as a controller writes them, size bytes of them, the last one cut off, and never the same one twice.
func logLines(program string, size int, until time.Time) []byte {
	var text bytes.Buffer
	for number := 0; text.Len() < size; number++ {
		at := until.Add(time.Duration(number-size) * time.Millisecond).Format("2006-01-02T15:04:05.000Z")
		fmt.Fprintf(&text, "time=%q level=info msg=\"Reconciled object %d\" controller=%s attempt=%d\n", at, number, program, number%7)
	}
	return text.Bytes()[:size]
}

// noise returns bytes that do not compress, the same for the same name.
func noise(name string, size int) []byte {
	content := make([]byte, size)
	// ChaCha8 never fails.
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(name))).Read(content)
	return content
}
