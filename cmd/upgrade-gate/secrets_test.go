package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// canary is the secret that must not be in anything that is written.
const canary = "hunter2-canary"

func resourceAt(path string) (cluster.Resource, bool) {
	for _, r := range cluster.Resources() {
		if r.Path() == path {
			return r, true
		}
	}
	return cluster.Resource{}, false
}

// secretiveObjects are objects of a kind with the canary in annotations, managed fields, and where users keep secrets.
func secretiveObjects(resource cluster.Resource) []string {
	metadata := `"metadata":{"name":"NAME","namespace":"shop","annotations":{"note":"` + canary + `","kubectl.kubernetes.io/last-applied-configuration":"` + canary + `"},
		"managedFields":[{"manager":"` + canary + `"}]}`
	object := func(name, rest string) string {
		return `{"apiVersion":"` + resource.GVK.GroupVersion().String() + `","kind":"` + resource.GVK.Kind + `",` +
			strings.Replace(metadata, "NAME", name, 1) + rest + `}`
	}
	cloudInit := `"volumes":[{"name":"init","cloudInitNoCloud":{"userData":"` + canary + `","networkData":"` + canary + `"}},
		{"name":"sys","sysprep":{"configMap":{"name":"` + canary + `"}}}]`
	switch resource.Kind {
	case cluster.VirtualMachines:
		return []string{object("web-1", `,"spec":{"runStrategy":"Always","template":{"spec":{`+cloudInit+`,"accessCredentials":[{"sshPublicKey":{"source":{"secret":{"secretName":"`+canary+`"}}}}]}}},"status":{"printableStatus":"Running"}`)}
	case cluster.VMIs:
		return []string{object("web-1", `,"spec":{`+cloudInit+`},"status":{"phase":"Running","nodeName":"node-1","conditions":[{"type":"Paused","status":"True","reason":"PausedIOError"}]}`)}
	case cluster.Pods:
		return []string{object("api-1", `,"spec":{"containers":[{"name":"api","env":[{"name":"PASSWORD","value":"`+canary+`"}],"args":["--password=`+canary+`"]}]},"status":{"phase":"Running"}`)}
	case cluster.HarvesterSettings:
		var all []string
		for _, name := range []string{"containerd-registry", "additional-ca", "http-proxy", "vm-import", "cluster-registration-url"} {
			all = append(all, object(name, `,"value":"`+canary+`","default":"`+canary+`"`))
		}
		return append(all,
			object("backup-target", `,"value":"{\"type\":\"s3\",\"accessKeyId\":\"`+canary+`\",\"secretAccessKey\":\"`+canary+`\"}"`),
			object("ssl-certificates", `,"value":"{\"publicCertificate\":\"\",\"privateKey\":\"`+canary+`\"}"`))
	case cluster.Deployments, cluster.DaemonSets, cluster.Jobs:
		return []string{object("rancher", `,"spec":{"template":{"spec":{"containers":[{"name":"rancher","env":[{"name":"PASSWORD","value":"`+canary+`"}]}]}}}`)}
	case cluster.ManagedCharts, cluster.Bundles, cluster.Apps, cluster.Addons:
		return []string{object("harvester", `,"spec":{"values":{"password":"`+canary+`"},"valuesContent":"`+canary+`","resources":[{"content":"`+canary+`"}]}`)}
	}
	return []string{object("some", "")}
}

// Reports name objects and fields, and never quote what is in them.
func TestNoFormOfOutputQuotesASecret(t *testing.T) {
	folder := t.TempDir()
	for _, resource := range cluster.Resources() {
		text := strings.Join(secretiveObjects(resource), "\n---\n")
		if err := os.WriteFile(filepath.Join(folder, string(resource.Kind)+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"--from", folder, "--assume-complete", "--version", "v1.4.2", "--at", at}
	commands := map[string][]string{}
	for _, form := range checkForms().each() {
		commands["check -o "+form] = append([]string{"check", "-o", form}, files...)
	}
	for _, form := range planForms().each() {
		commands["plan -o "+form] = append([]string{"plan", "-o", form}, files...)
	}
	for name, args := range commands {
		got := call(t, args...)
		if got.code == 1 || got.stdout == "" {
			t.Errorf("%s: got %+v", name, got)
		}
		if text := got.stdout + got.stderr; strings.Contains(text, canary) {
			at := strings.Index(text, canary)
			t.Errorf("%s quotes a secret: …%s", name, text[max(0, at-300):at])
		}
	}
}
