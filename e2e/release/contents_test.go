package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/e2e/licenses"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

func testTime() time.Time { return time.Date(2026, 11, 20, 9, 12, 0, 0, time.UTC) }

func digests(files map[string]string) map[string]string {
	found := map[string]string{}
	for name, content := range files {
		found[name] = fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	}
	return found
}

// called runs a program that succeeds, with nothing of this machine's environment but what is given.
func called(t *testing.T, environment []string, program string, args ...string) string {
	t.Helper()
	output, err := tools.Output(t.Context(), t.TempDir(), append([]string{"HOME=" + t.TempDir(), "KUBECONFIG=/nonexistent"}, environment...), program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return string(output)
}

func program(t *testing.T, wanted tools.Program) string {
	t.Helper()
	path, err := wanted.Ensure(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func expectProgram(t *testing.T, unpacked string) {
	if got := called(t, nil, filepath.Join(unpacked, programFile), "version"); got != testVersion+"\n" {
		t.Errorf("the program says that it is %q", got)
	}
	// As its README says: one link, in a folder in the PATH.
	if err := os.Symlink(programFile, filepath.Join(unpacked, "kubectl-upgrade_gate")); err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + unpacked + ":" + os.Getenv("PATH")
	if got := called(t, []string{path}, program(t, tools.Kubectl()), "upgrade-gate", "version"); got != testVersion+"\n" {
		t.Errorf("kubectl upgrade-gate version writes %q", got)
	}
	if got := called(t, []string{path}, program(t, tools.Kubectl()), "__complete", "upgrade-gate", "explain", "paused-"); !strings.HasPrefix(got, "paused-vms") {
		t.Errorf("kubectl does not complete a check's name: %q", got)
	}
}

func expectChecksums(t *testing.T, dist string) {
	files := contentsOf(t, dist)
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name != checksumsName {
			lines.WriteString(digests(files)[name] + "  " + name + "\n")
		}
	}
	if diff := cmp.Diff(lines.String(), files[checksumsName]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// And as people check them.
	if output, err := tools.Output(t.Context(), dist, nil, "sha256sum", "--check", "--strict", checksumsName); err != nil || strings.Count(string(output), ": OK\n") != len(files)-1 {
		t.Errorf("%v\n%s", err, output)
	}
}

// expectBill reads the bill with CycloneDX's own schema, and compares it with what is listed of licences.
func expectBill(t *testing.T, dist, unpacked string) {
	text := []byte(contentsOf(t, dist)[strings.TrimSuffix(archiveName(), ".tar.gz")+".cdx.json"])
	bill, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := billSchema(t).Validate(bill); err != nil {
		t.Error(err)
	}
	var says struct {
		SerialNumber string
		Metadata     struct {
			Timestamp string
			Component struct {
				Name, Version string
				Hashes        []struct{ Content string }
			}
		}
		Components []struct {
			Name, Version, PURL string
			Licenses            []struct{ Expression string }
		}
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
	}
	if err := json.Unmarshal(text, &says); err != nil {
		t.Fatal(err)
	}
	ours := says.Metadata.Component
	if ours.Version != testVersion || ours.Hashes[0].Content != digests(contentsOf(t, unpacked))[programFile] || says.Metadata.Timestamp != "2026-11-20T09:12:00Z" || says.SerialNumber != "" {
		t.Errorf("the bill is of another program, or of another time: %+v %q", says.Metadata, says.SerialNumber)
	}
	page, err := os.ReadFile(filepath.Join(repositoryFolder(t), "docs", "licenses.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range says.Components {
		row := fmt.Sprintf("| %s | %s | %s |\n", c.Name, c.Version, strings.ReplaceAll(c.Licenses[0].Expression, " AND ", ", "))
		if c.Name != licenses.StandardLibrary && !strings.Contains(string(page), row) {
			t.Errorf("docs/licenses.md lacks %s", row)
		}
	}
	edges := map[string][]string{}
	for _, d := range says.Dependencies {
		edges[d.Ref] = d.DependsOn
	}
	if !slices.Contains(edges["pkg:golang/k8s.io/client-go@v0.37.0"], "pkg:golang/k8s.io/api@v0.37.0") || len(edges) != len(says.Components)+1 {
		t.Errorf("client-go needs %v, and there are %d edges of %d components", edges["pkg:golang/k8s.io/client-go@v0.37.0"], len(edges), len(says.Components))
	}
}

func repositoryFolder(t *testing.T) string {
	t.Helper()
	folder, err := tools.Repository()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// billSchema returns the schema of CycloneDX 1.6, which comes with its Go module.
func billSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	module, err := tools.Output(t.Context(), "", nil, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go")
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	for address, name := range map[string]string{
		"http://cyclonedx.org/schema/bom-1.6.schema.json":  "bom-1.6.schema.json",
		"http://cyclonedx.org/schema/spdx.schema.json":     "spdx.schema.json",
		"http://cyclonedx.org/schema/jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "schema", name))
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource(address, document); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// expectPlugin installs the plugin with the real krew, which validates the manifest and the digest, and calls it through kubectl.
func expectPlugin(t *testing.T, dist string) {
	packed := filepath.Join(dist, archiveName())
	content, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	var archives []published // of all platforms: krew looks at every one
	for _, platform := range licenses.Platforms() {
		name := "upgrade-gate_" + testVersion + "_" + strings.ReplaceAll(platform, "/", "_") + ".tar.gz"
		archives = append(archives, published{platform, name, content})
	}
	all, err := krewManifest(testVersion, "https://downloads.example.com/v0.1.0/", archives)
	if err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(t.TempDir(), "upgrade-gate.yaml")
	write(t, manifest, string(all))
	var ofRelease, ofAll plugin
	for text, into := range map[string]*plugin{contentsOf(t, dist)["plugins/upgrade-gate.yaml"]: &ofRelease, string(all): &ofAll} {
		if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if len(ofRelease.Spec.Platforms) != 1 || !slices.ContainsFunc(ofAll.Spec.Platforms, func(p pluginPlatform) bool { return cmp.Equal(p, ofRelease.Spec.Platforms[0]) }) {
		t.Errorf("the release's manifest is of %+v, and not one of %+v", ofRelease.Spec.Platforms, ofAll.Spec.Platforms)
	}
	root := t.TempDir()
	environment := []string{"KREW_ROOT=" + root, "KREW_NO_UPGRADE_CHECK=1", "PATH=" + filepath.Join(root, "bin") + ":" + os.Getenv("PATH")}
	krew := program(t, tools.Krew())
	called(t, environment, krew, "install", "--manifest="+manifest, "--archive="+packed)
	if got := called(t, environment, program(t, tools.Kubectl()), "upgrade-gate", "version"); got != testVersion+"\n" {
		t.Errorf("kubectl upgrade-gate version writes %q", got)
	}
	if got := called(t, environment, program(t, tools.Kubectl()), "upgrade-gate", "--help"); !strings.Contains(got, "kubectl upgrade-gate check --version") {
		t.Errorf("the plugin does not know its name:\n%s", got)
	}
	// An archive that was changed on its way is refused.
	write(t, filepath.Join(dist, "..", "changed.tar.gz"), string(content)+"x")
	_, err = tools.Output(t.Context(), dist, append(environment, "KREW_ROOT="+t.TempDir()), krew, "install", "--manifest="+manifest, "--archive="+filepath.Join(dist, "..", "changed.tar.gz"))
	if err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("krew installs an archive that was changed: %v", err)
	}
}

func expectChart(t *testing.T, dist, checkout string) {
	helm := program(t, tools.Helm())
	rendered := func(chart string) string {
		return called(t, nil, helm, "template", "upgrade-gate", chart, "--namespace=upgrade-gate", "--kube-version=1.34.4")
	}
	got, want := rendered(filepath.Join(dist, "upgrade-gate-0.1.0.tgz")), rendered(filepath.Join(checkout, chartFolder))
	if diff := cmp.Diff(want, got); diff != "" || !strings.Contains(got, "image: \"upgrade-gate:"+testVersion) && !strings.Contains(got, "image: upgrade-gate:"+testVersion) {
		t.Errorf("(-folder +package):\n%s", diff)
	}
	// A repository is made of the package as it is.
	called(t, nil, helm, "repo", "index", dist)
	if index := contentsOf(t, dist)["index.yaml"]; !strings.Contains(index, digests(contentsOf(t, dist))["upgrade-gate-0.1.0.tgz"]) {
		t.Errorf("helm's index lacks the package:\n%s", index)
	}
}

func expectOverlays(t *testing.T, dist, checkout string) {
	unpacked := t.TempDir()
	unpack(t, filepath.Join(dist, "upgrade-gate_"+testVersion+"_manifests.tar.gz"), unpacked)
	for _, overlay := range []string{"self-managed", "cert-manager"} {
		want := called(t, nil, program(t, tools.Kubectl()), "kustomize", filepath.Join(checkout, "deploy", "overlays", overlay))
		got := called(t, nil, program(t, tools.Kubectl()), "kustomize", filepath.Join(unpacked, "overlays", overlay))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-deploy +archive):\n%s", overlay, diff)
		}
	}
	if contentsOf(t, unpacked)["addon/upgrade-gate.yaml"] == "" {
		t.Error("the add-on is not there")
	}
}
