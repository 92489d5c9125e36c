package chart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/certs"
	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

const (
	// patience bounds the wait for something that takes milliseconds on an idle machine.
	patience = 30 * time.Second

	validating = "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration  upgrade-gate"
	mutating   = "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration  upgrade-gate-advance"
)

// release is the chart's release in a cluster.
type release struct {
	*gate.Cluster
	helmPath string
	objects  client.Client
}

func newRelease(t *testing.T) *release {
	t.Helper()
	r := &release{helmPath: program(t, tools.Helm()), Cluster: gatetest.Start(t, "", gate.ClusterOptions{})}
	var err error
	if r.objects, err = client.New(r.Config, client.Options{}); err != nil {
		t.Fatal(err)
	}
	// On a Harvester they are there.
	for _, name := range []string{"harvester-system", "fleet-local", "cattle-system", "cattle-fleet-system"} {
		if err := r.objects.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// helm runs the real helm as the cluster's admin.
func (r *release) helm(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	command := exec.CommandContext(t.Context(), r.helmPath, append(args, "--namespace=upgrade-gate")...)
	command.Stdout, command.Stderr = &out, &errOut
	command.Env = r.Environment(r.Kubeconfig)
	if err := command.Run(); err != nil {
		t.Fatalf("helm %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errOut.String())
	}
	return out.String()
}

// live returns an object as it is in the cluster; nil if it is not there.
func (r *release) live(t *testing.T, object *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(object.GroupVersionKind())
	err := r.objects.Get(t.Context(), client.ObjectKeyFromObject(object), found)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// manifest returns what the release says that it has installed.
func (r *release) manifest(t *testing.T) (text string, found map[string]*unstructured.Unstructured) {
	t.Helper()
	text = r.helm(t, "get", "manifest", "upgrade-gate")
	return text, objects(t, text)
}

// caBundles waits until the webhooks of a configuration hold an authority, and returns it by the webhook's name.
func (r *release) caBundles(t *testing.T, kind, name string) map[string]string {
	t.Helper()
	configuration := &unstructured.Unstructured{}
	configuration.SetAPIVersion("admissionregistration.k8s.io/v1")
	configuration.SetKind(kind)
	configuration.SetName(name)
	bundles := map[string]string{}
	if err := gate.Await(t.Context(), patience, func(context.Context) error {
		found := r.live(t, configuration)
		if found == nil {
			return errors.New(kind + " is not there")
		}
		for _, webhook := range found.Object["webhooks"].([]any) {
			fields := webhook.(map[string]any)
			bundle, _, _ := unstructured.NestedString(fields, "clientConfig", "caBundle")
			if bundle == "" {
				return fmt.Errorf("%s has no caBundle", fields["name"])
			}
			bundles[fields["name"].(string)] = bundle
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return bundles
}

// both returns the caBundles of both configurations.
func (r *release) both(t *testing.T) map[string]string {
	t.Helper()
	all := r.caBundles(t, "ValidatingWebhookConfiguration", "upgrade-gate")
	maps.Copy(all, r.caBundles(t, "MutatingWebhookConfiguration", "upgrade-gate-advance"))
	return all
}

// expectNoDrift compares the registrations in the cluster with the manifest as Fleet does, list by list and without the caBundle, and
// everything by a dry run of applying the manifest again.
func (r *release) expectNoDrift(t *testing.T) {
	t.Helper()
	text, installed := r.manifest(t)
	for id, object := range installed {
		if id != validating && id != mutating {
			continue
		}
		webhooks := r.live(t, object).Object["webhooks"].([]any)
		for _, webhook := range webhooks {
			unstructured.RemoveNestedField(webhook.(map[string]any), "clientConfig", "caBundle")
		}
		// Through JSON, so that numbers have one type.
		want := &unstructured.Unstructured{Object: map[string]any{"webhooks": object.Object["webhooks"]}}
		got := &unstructured.Unstructured{Object: map[string]any{"webhooks": webhooks}}
		if diff := cmp.Diff(asJSON(t, want), asJSON(t, got)); diff != "" {
			t.Errorf("%s has drifted in more than its caBundle (-manifest +cluster):\n%s", id, diff)
		}
	}
	out, _, err := r.Kubectl(t.Context(), strings.NewReader(text), "diff", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", "-")
	if err != nil || out != "" {
		t.Errorf("applying the manifest again would change: %v\n%s", err, out)
	}
}

func asJSON(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	object.SetAPIVersion("v1")
	object.SetKind("Compared")
	text, err := object.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// create asks whether an upgrade may begin, without beginning it.
func (r *release) create(t *testing.T) (stderr string, err error) {
	t.Helper()
	_, stderr, err = r.Kubectl(t.Context(), nil, "create", "--dry-run=server", "-f", filepath.Join(repository(t), "examples", "upgrade-v1.4.2.yaml"))
	return stderr, err
}

// TestAReleaseIsInstalledUpgradedRolledBackAndRemovedWhileAGateRuns runs the real helm against a real API server. The gate has no rights but
// the release's. It writes its authority into the release's own objects, and no step of Helm's takes it away. In the end the hook's command
// runs with the hook's account; the pods of hooks do not run here.
func TestAReleaseIsInstalledUpgradedRolledBackAndRemovedWhileAGateRuns(t *testing.T) {
	r := newRelease(t)
	notes := r.helm(t, "install", "upgrade-gate", chartFolder(t), "--create-namespace", "--set=image.repository=registry.example.com/upgrade-gate")
	if !strings.Contains(notes, "kubectl create --dry-run=server -f -") {
		t.Errorf("the notes do not tell how to try it:\n%s", notes)
	}
	if stderr, err := r.create(t); err == nil || !strings.Contains(stderr, `failed calling webhook "upgrade-gate.upgradegate.io"`) {
		t.Errorf("without a replica an upgrade may begin: %v %s", err, stderr)
	}

	if err := r.Adopt(t.Context(), certs.SelfManaged); err != nil {
		t.Fatal(err)
	}
	process, err := r.StartProcess(t.Context(), gate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := process.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	registered := r.both(t)
	r.expectNoDrift(t)

	for _, step := range [][]string{
		{"upgrade", "upgrade-gate", chartFolder(t), "--reuse-values", "--set=replicas=3,policy.checks.paused-vms.enforcement=warn"},
		{"upgrade", "upgrade-gate", chartFolder(t), "--reuse-values", "--set=readSecrets=true,networkPolicy.enabled=true"},
		{"rollback", "upgrade-gate", "1"},
	} {
		r.helm(t, step...)
		if diff := cmp.Diff(registered, r.both(t)); diff != "" {
			t.Errorf("helm %s has changed the caBundle (-before +after):\n%s", step[0], diff)
		}
		r.expectNoDrift(t)
	}

	r.helm(t, "upgrade", "upgrade-gate", chartFolder(t), "--reuse-values", "--set=advanceRefusal.enabled=false")
	if _, installed := r.manifest(t); installed[mutating] != nil {
		t.Error("the advance refusal is off, and its configuration is there")
	}
	r.helm(t, "rollback", "upgrade-gate", "1")
	if diff := cmp.Diff(registered, r.both(t)); diff != "" {
		t.Errorf("switched off and on, the advance refusal has another authority (-before +after):\n%s", diff)
	}
	if err := process.AwaitReady(t.Context()); err != nil {
		t.Error(err)
	}
	r.remove(t)
}

// remove removes the release as helm uninstall does: first the hook, then the rest.
func (r *release) remove(t *testing.T) {
	t.Helper()
	_, installed := r.manifest(t)
	hook := r.hookAccount(t)
	binary, err := r.Binary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, "unregister")
	command.Env = r.Environment(hook.Kubeconfig)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := "ValidatingWebhookConfiguration upgrade-gate is deleted.\nMutatingWebhookConfiguration upgrade-gate-advance is deleted.\n"
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if stderr, err := r.create(t); err != nil {
		t.Errorf("unregistered, the gate is still in the way: %v %s", err, stderr)
	}
	if _, stderr, err := r.KubectlAs(t.Context(), hook.Kubeconfig, nil, "delete", "validatingwebhookconfiguration", "harvester-validator"); err == nil ||
		!strings.Contains(stderr, "Forbidden") {
		t.Errorf("the hook's account may delete another configuration: %v %s", err, stderr)
	}

	r.helm(t, "uninstall", "upgrade-gate", "--no-hooks")
	for _, id := range slices.Sorted(maps.Keys(installed)) {
		if r.live(t, installed[id]) != nil {
			t.Errorf("%s is still there", id)
		}
	}
	client, err := kubernetes.NewForConfig(r.Config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Secrets("upgrade-gate").Get(t.Context(), "upgrade-gate-ca", metav1.GetOptions{}); err != nil {
		t.Errorf("the gate's own Secret is gone with the release: %v", err)
	}
}

// hookAccount creates what the hook's Job runs as, and waits until its rights are known.
func (r *release) hookAccount(t *testing.T) *controlplane.Identity {
	t.Helper()
	for _, object := range objects(t, r.helm(t, "get", "hooks", "upgrade-gate")) {
		if object.GetKind() == "Job" {
			continue
		}
		if err := r.objects.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	account, err := r.AddServiceAccount(t.Context(), "upgrade-gate", "upgrade-gate-unregister", controlplane.Rights{})
	if err != nil {
		t.Fatal(err)
	}
	if err := gate.Await(t.Context(), patience, func(ctx context.Context) error {
		_, _, err := r.KubectlAs(ctx, account.Kubeconfig, nil, "auth", "can-i", "delete", "mutatingwebhookconfigurations/upgrade-gate-advance")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return account
}
