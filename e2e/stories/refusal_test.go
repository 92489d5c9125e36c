package stories_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
)

// guilt is what is wrong in the stuck example, by the check that says so: how the object is named.
func guilt() map[string]string {
	return map[string]string{
		"paused-vms":           `VM billing/ledger-1\b`,
		"faulted-replicas":     `-r-92b90cef\b`,
		"in-flight-migrations": `migration shop/cart-1-p5n8z\b`,
		"multi-engine-volumes": `volume pvc-12f0ddcf-0638-4944-a5b2-f8e8bb0ce20a\b`,
		"orphaned-engines":     `instance-manager-dff1eac01622eb55e89ca2c48f112d61\b`,
		"snapshot-anomalies":   `volume pvc-f57f09d7-5c9c-4f6f-a150-1df718d233d0\b`,
		"disk-space":           `node node-4 has\b`,
	}
}

// guiltyChecks are the checks that refuse the stuck example, in the order of reports.
func guiltyChecks() []string {
	return []string{
		"paused-vms", "in-flight-migrations", "faulted-replicas", "multi-engine-volumes", "orphaned-engines",
		"snapshot-anomalies", "disk-space",
	}
}

// failedChecks are the guilty ones, and the simulation, which only refers to them.
func failedChecks() []string { return append(guiltyChecks(), "drain-stuck") }

// Story 1.
func TestApplyingAnUpgradeToTheStuckClusterIsRefused(t *testing.T) {
	cluster, process := beginGuarded(t, stuck)
	refused := kubectl(t, cluster, "", "apply", "-f", manifest)

	if refused.code != 1 || refused.stdout != "" {
		t.Errorf("kubectl ended with %d and wrote %q, want 1 and nothing", refused.code, refused.stdout)
	}
	golden(t, "refusal", refused.stderr)
	if exists(t, cluster) {
		t.Error("the refused Upgrade exists")
	}
	t.Run("every guilty object is named once, with what to do", func(t *testing.T) { namesEveryGuiltyObject(t, refused.stderr) })
	t.Run("it is counted", func(t *testing.T) {
		if got := metric(t, process, admissions("Blocked", false)); got != 1 {
			t.Errorf("%v refusals counted, want 1", got)
		}
	})
	t.Run("the gate's log has one line", func(t *testing.T) { logsTheRefusal(t, process) })
	t.Run("an event tells of it", func(t *testing.T) { tellsOfTheRefusal(t, cluster) })
	t.Run("the API server's audit log has our annotations", func(t *testing.T) {
		auditsTheRefusal(t, cluster, manifests.MutatingWebhookName)
	})
	t.Run("without the advance refusal the validating phase says the same", func(t *testing.T) {
		saysTheSameWhenValidating(t, cluster, refused.stderr)
	})
}

func namesEveryGuiltyObject(t *testing.T, stderr string) {
	var warnings, items []string
	for line := range strings.Lines(stderr) {
		if warning, found := strings.CutPrefix(line, "Warning: "); found {
			warnings = append(warnings, strings.TrimSpace(warning))
		} else {
			items = append(items, line)
		}
	}
	message := strings.Join(items, "")
	for check, object := range guilt() {
		if named := len(regexp.MustCompile(object).FindAllString(message, -1)); named != 1 {
			t.Errorf("the refusal names %s %d times, want 1", object, named)
		}
		item := regexp.MustCompile(`(?m)^\(\d+\) ` + check + `: .* To fix: .+\.$`)
		if found := len(item.FindAllString(message, -1)); found != 1 {
			t.Errorf("%d numbered items of %s that say what to do, want 1", found, check)
		}
		warned := slices.ContainsFunc(warnings, func(warning string) bool { return strings.HasPrefix(warning, check+": ") })
		if !warned {
			t.Errorf("no warning of %s", check)
		}
	}
	for _, warning := range warnings {
		if length := len([]rune(warning)); length > 256 {
			t.Errorf("a warning of %d characters, want at most 256: %s", length, warning)
		}
	}
}

func logsTheRefusal(t *testing.T, process *gate.Process) {
	lines := decisions(t, process)
	if len(lines) != 1 {
		t.Fatalf("%d decisions in the log, want 1", len(lines))
	}
	got := map[string]any{}
	want := map[string]any{
		"level": "info", "phase": "advance", "operation": "CREATE", "kind": "Upgrade", "namespace": upgradeNamespace,
		"name": upgradeName, "user": "admin", "verdict": "Blocked", "allowed": false, "dryRun": false, "target": "v1.4.2",
		"source": "the watch cache", "failedChecks": anySlice(failedChecks()), "unknownChecks": []any{}, "waivers": []any{},
	}
	for key := range want {
		got[key] = lines[0].Fields[key]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the log line differs (-want +got):\n%s", diff)
	}
}

func anySlice(texts []string) []any {
	values := make([]any, len(texts))
	for i, text := range texts {
		values[i] = text
	}
	return values
}

func tellsOfTheRefusal(t *testing.T, cluster *gate.Cluster) {
	events := awaitEvents(t, cluster, upgradeNamespace, 1)["UpgradeRejected"]
	if len(events) != 1 {
		t.Fatalf("%d events UpgradeRejected, want 1", len(events))
	}
	event := events[0]
	want := corev1.ObjectReference{APIVersion: "harvesterhci.io/v1beta1", Kind: "Upgrade", Namespace: upgradeNamespace, Name: upgradeName}
	if diff := cmp.Diff(want, event.Regarding); diff != "" {
		t.Errorf("regarding differs (-want +got):\n%s", diff)
	}
	version := &corev1.ObjectReference{APIVersion: "harvesterhci.io/v1beta1", Kind: "Version", Namespace: upgradeNamespace, Name: "v1.4.2"}
	if diff := cmp.Diff(version, event.Related); diff != "" {
		t.Errorf("related differs (-want +got):\n%s", diff)
	}
	if event.Type != corev1.EventTypeWarning {
		t.Errorf("type %q, want Warning", event.Type)
	}
	if len(event.Note) > 1024 {
		t.Errorf("a note of %d bytes, want at most 1024", len(event.Note))
	}
	said := append([]string{"Asked for by admin", "VM billing/ledger-1"}, guiltyChecks()...)
	for _, words := range said {
		if !strings.Contains(event.Note, words) {
			t.Errorf("the note does not say %q: %s", words, event.Note)
		}
	}
}

// auditsTheRefusal looks for the API server's own record of the last create, with what the webhook noted.
func auditsTheRefusal(t *testing.T, cluster *gate.Cluster, webhook string) {
	events, err := cluster.AuditEvents()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(events, func(event controlplane.AuditEvent) bool {
		return event.ObjectRef.Name == upgradeName && event.ResponseStatus.Code == 403 && event.Annotations[webhook+"/verdict"] != ""
	})
	if at < 0 {
		t.Fatalf("no refusal with annotations of %s in the audit log", webhook)
	}
	got := map[string]string{}
	want := map[string]string{"verdict": "Blocked", "target": "v1.4.2", "failed-checks": strings.Join(failedChecks(), ",")}
	for key := range want {
		got[key] = events[at].Annotations[webhook+"/"+key]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the audit annotations differ (-want +got):\n%s", diff)
	}
	if findings := events[at].Annotations[webhook+"/findings"]; !strings.Contains(findings, "VM billing/ledger-1") {
		t.Errorf("the annotation findings names no VM: %q", findings)
	}
}

func saysTheSameWhenValidating(t *testing.T, cluster *gate.Cluster, before string) {
	if err := cluster.UnregisterAdvance(t.Context()); err != nil {
		t.Fatal(err)
	}
	var refused answer
	gatetest.Await(t, patience, func(context.Context) error { // the API server learns of registrations through a watch
		refused = kubectl(t, cluster, "", "apply", "-f", manifest)
		if strings.Contains(refused.stderr, fmt.Sprintf("%q", manifests.MutatingWebhookName)) {
			return errors.New("the advance refusal is still there")
		}
		return nil
	})
	want := strings.ReplaceAll(timeless(before), manifests.MutatingWebhookName, manifests.ValidatingWebhookName)
	if diff := cmp.Diff(want, timeless(refused.stderr)); diff != "" {
		t.Errorf("the two phases speak differently (-mutating +validating):\n%s", diff)
	}
	auditsTheRefusal(t, cluster, manifests.ValidatingWebhookName)
}
