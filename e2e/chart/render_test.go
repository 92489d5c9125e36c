package chart

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// kubeVersion is the release of Kubernetes that the chart is rendered for without a cluster.
const kubeVersion = "--kube-version=1.34.4"

func repository(t *testing.T) string {
	t.Helper()
	folder, err := tools.Repository()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func chartFolder(t *testing.T) string {
	t.Helper()
	return filepath.Join(repository(t), "deploy", "chart", "upgrade-gate")
}

// program returns the path of a program, which is built the first time.
func program(t *testing.T, wanted tools.Program) string {
	t.Helper()
	path, err := wanted.Ensure(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs a program without a cluster, and returns what it wrote.
func run(t *testing.T, path string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	command := exec.CommandContext(t.Context(), path, args...)
	command.Stdout, command.Stderr = &out, &errOut
	command.Env = []string{"HOME=" + t.TempDir(), "KUBECONFIG=/nonexistent", "LANG=C.UTF-8"}
	err = command.Run()
	return out.String(), errOut.String(), err
}

// template renders the chart, and returns what helm wrote to standard error, too.
func template(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	args = append([]string{"template", "upgrade-gate", chartFolder(t), "--namespace=upgrade-gate", kubeVersion}, args...)
	return run(t, program(t, tools.Helm()), args...)
}

// rendered returns the objects of the chart by their identity.
func rendered(t *testing.T, args ...string) map[string]*unstructured.Unstructured {
	t.Helper()
	text, stderr, err := template(t, args...)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	return objects(t, text)
}

// kustomized returns the objects of an overlay by their identity.
func kustomized(t *testing.T, folder string) map[string]*unstructured.Unstructured {
	t.Helper()
	text, stderr, err := run(t, program(t, tools.Kubectl()), "kustomize", folder)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	return objects(t, text)
}

// objects reads a stream of documents. Two of the same identity, and a field that is written twice, are errors.
func objects(t *testing.T, text string) map[string]*unstructured.Unstructured {
	t.Helper()
	found := map[string]*unstructured.Unstructured{}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(document, &object.Object); err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		if len(object.Object) == 0 {
			continue
		}
		id := identity(object)
		if found[id] != nil {
			t.Fatalf("%s is there twice", id)
		}
		found[id] = object
	}
}

func identity(object *unstructured.Unstructured) string {
	return strings.Join([]string{object.GetAPIVersion(), object.GetKind(), object.GetNamespace(), object.GetName()}, " ")
}
