package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// admissionAPI answers the two deletions with these codes and notes what was asked.
func admissionAPI(t *testing.T, validating, mutating int) (address string, asked func() []string) {
	t.Helper()
	var requests []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r.Method+" "+r.URL.Path)
		code := validating
		if strings.Contains(r.URL.Path, "mutating") {
			code = mutating
		}
		status, reason := "Success", map[int]string{http.StatusNotFound: "NotFound", http.StatusForbidden: "Forbidden"}[code]
		if reason != "" {
			status = "Failure"
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"apiVersion":"v1","kind":"Status","status":%q,"reason":%q,"code":%d,"message":"the server's word"}`, status, reason, code)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string { return requests }
}

func TestUnregisterDeletesOurTwoConfigurationsAndNothingElse(t *testing.T) {
	const (
		deletedValidating = "ValidatingWebhookConfiguration upgrade-gate is deleted.\n"
		deletedMutating   = "MutatingWebhookConfiguration upgrade-gate-advance is deleted.\n"
	)
	for name, c := range map[string]struct {
		validating, mutating int
		code                 int
		stdout               string
		stderr               string
	}{
		"both are there":          {200, 200, 0, deletedValidating + deletedMutating, ""},
		"the advance one is off":  {200, 404, 0, deletedValidating + "MutatingWebhookConfiguration upgrade-gate-advance is not there.\n", ""},
		"it was run before":       {404, 404, 0, "ValidatingWebhookConfiguration upgrade-gate is not there.\nMutatingWebhookConfiguration upgrade-gate-advance is not there.\n", ""},
		"one may not be deleted":  {403, 200, 1, deletedMutating, "upgrade-gate: ValidatingWebhookConfiguration upgrade-gate is still there, and without the gate it may refuse upgrades: the server's word; to delete it: kubectl delete ValidatingWebhookConfiguration upgrade-gate\n"},
		"the other is in the way": {200, 403, 1, deletedValidating, "upgrade-gate: MutatingWebhookConfiguration upgrade-gate-advance is still there, and without the gate it may refuse upgrades: the server's word; to delete it: kubectl delete MutatingWebhookConfiguration upgrade-gate-advance\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
			address, asked := admissionAPI(t, c.validating, c.mutating)
			got := call(t, "unregister", "--server", address)
			if diff := cmp.Diff(outcome{c.code, c.stdout, c.stderr}, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			const path = "DELETE /apis/admissionregistration.k8s.io/v1/"
			want := []string{path + "validatingwebhookconfigurations/upgrade-gate", path + "mutatingwebhookconfigurations/upgrade-gate-advance"}
			if diff := cmp.Diff(want, asked()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnregisterWithoutAClusterIsOneClearLine(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("HOME", t.TempDir())
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	want := outcome{1, "", "upgrade-gate: no cluster to unregister from: there is no kubeconfig, and this is no pod; use --kubeconfig\n"}
	if diff := cmp.Diff(want, call(t, "unregister"), cmp.AllowUnexported(outcome{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
