package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
)

// namesThePerson compares what is recorded of the refusals so far with in whose names they were asked for; an empty
// name is Steve's own.
func namesThePerson(t *testing.T, at *site, process *gate.Process, asked []string) {
	var users []string
	for _, name := range asked {
		if name == "" {
			name = steveAccount
		}
		users = append(users, name)
	}
	t.Run("log", func(t *testing.T) {
		lines, err := process.Decisions()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, line := range lines {
			got = append(got, line.Text("user"))
		}
		if diff := cmp.Diff(users, got); diff != "" {
			t.Errorf("the users in the gate's log (-want +got):\n%s", diff)
		}
	})
	t.Run("event", func(t *testing.T) { eventsName(t, at, users) })
	t.Run("audit", func(t *testing.T) { auditNames(t, at, asked) })
}

// eventsName looks for one event of each refusal. Events of the same second have no order.
func eventsName(t *testing.T, at *site, users []string) {
	client, err := kubernetes.NewForConfig(at.Config)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	gatetest.Await(t, patience, func(ctx context.Context) error {
		list, err := client.EventsV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "reportingController=upgradegate.io/upgrade-gate"})
		if err != nil {
			return err
		}
		got = nil
		for _, event := range list.Items {
			if event.Reason != "UpgradeRejected" || !strings.HasPrefix(event.Regarding.Name, "hvst-upgrade-") {
				return fmt.Errorf("an event %s regarding %q", event.Reason, event.Regarding.Name)
			}
			for _, user := range []string{steveAccount, owner().name} {
				if strings.Contains(event.Note, "Asked for by "+user) {
					got = append(got, user)
				}
			}
		}
		if len(list.Items) < len(users) {
			return fmt.Errorf("%d events, want %d", len(list.Items), len(users))
		}
		return nil
	})
	if diff := cmp.Diff(users, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("the users in the events (-want +got):\n%s", diff)
	}
}

// auditNames looks for one line of each refusal in the API server's audit log: it shows Steve, in whose name Steve
// asked, and what the gate noted.
func auditNames(t *testing.T, at *site, asked []string) {
	var refused []controlplane.AuditEvent
	gatetest.Await(t, patience, func(context.Context) error {
		events, err := at.AuditEvents()
		if err != nil {
			return err
		}
		refused = nil
		for _, event := range events {
			if event.Verb == "create" && event.ResponseStatus.Code == http.StatusForbidden {
				refused = append(refused, event)
			}
		}
		if len(refused) != len(asked) {
			return fmt.Errorf("%d refusals in the audit log, want %d", len(refused), len(asked))
		}
		return nil
	})
	for i, event := range refused {
		if event.User.Username != steveAccount {
			t.Errorf("refusal %d was asked for by %s, want %s", i, event.User.Username, steveAccount)
		}
		if verdict := event.Annotations[manifests.MutatingWebhookName+"/verdict"]; verdict != "Blocked" {
			t.Errorf("refusal %d has the verdict %q in the audit log: %v", i, verdict, event.Annotations)
		}
		var want *controlplane.AuditUser
		if asked[i] != "" {
			want = &controlplane.AuditUser{Username: owner().name, Groups: owner().groups, Extra: map[string][]string{"username": {owner().display}}}
		}
		if diff := cmp.Diff(want, event.ImpersonatedUser, cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("in whose name refusal %d was asked for (-want +got):\n%s", i, diff)
		}
	}
}

// refusesTheViewer presses the button as somebody without the right to: Steve refuses, and so would the API server.
func refusesTheViewer(t *testing.T, at *site, process *gate.Process) {
	before, err := process.Decisions()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]answer{
		"Steve":          press(t, at, collection, dialog(false), viewer()),
		"the API server": press(t, at, "/apis/harvesterhci.io/v1beta1/namespaces/harvester-system/upgrades", apiObject(), viewer()),
	} {
		message := got.text("message")
		t.Logf("%s says %d: %s", name, got.status, message)
		if got.status != http.StatusForbidden || strings.Contains(message, "admission webhook") {
			t.Errorf("%s answers with %d: %s", name, got.status, got.body)
		}
	}
	after, err := process.Decisions()
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != len(before) {
		t.Errorf("the gate has decided %d times on what nobody may ask for", len(after)-len(before))
	}
}

// apiObject is the dialog's upgrade as the API server takes it, past Steve.
func apiObject() string {
	return strings.Replace(dialog(false), `"type":"harvesterhci.io.upgrade"`, `"apiVersion":"harvesterhci.io/v1beta1","kind":"Upgrade"`, 1)
}
