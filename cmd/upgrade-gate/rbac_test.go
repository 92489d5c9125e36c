package main

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// manifest is one object of what rbac prints.
type manifest struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Rules    []rbacv1.PolicyRule
	Subjects []rbacv1.Subject
	RoleRef  rbacv1.RoleRef
}

func manifests(t *testing.T, text string) []manifest {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	var all []manifest
	for {
		var one manifest
		switch err := decoder.Decode(&one); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, one)
	}
}

func TestTheRightsThatAreNeededArePrinted(t *testing.T) {
	got := call(t, "rbac")
	all := manifests(t, got.stdout)
	if got.code != 0 || len(all) != 1 || all[0].Kind != "ClusterRole" || all[0].Metadata.Name != "upgrade-gate-reader" {
		t.Fatalf("got %+v", got)
	}
	if diff := cmp.Diff(cluster.PolicyRules(), all[0].Rules); diff != "" {
		t.Errorf("rules (-of the kinds +printed):\n%s", diff)
	}
	for _, rule := range all[0].Rules {
		if slices.Contains(rule.Resources, "secrets") || slices.Contains(rule.Verbs, "*") {
			t.Errorf("more than reading is allowed: %+v", rule)
		}
	}
}

func TestTheRightsAreBoundToWhomIsNamed(t *testing.T) {
	got := call(t, "rbac", "--name", "reader", "--user", "anna", "--group", "support", "--read-secrets")
	all := manifests(t, got.stdout)
	if got.code != 0 || len(all) != 2+2*len(cluster.GrantedRoles()) {
		t.Fatalf("got %d objects: %+v", len(all), got)
	}
	want := []rbacv1.Subject{{Kind: "User", APIGroup: "rbac.authorization.k8s.io", Name: "anna"}, {Kind: "Group", APIGroup: "rbac.authorization.k8s.io", Name: "support"}}
	roles := map[string]bool{}
	for _, one := range all {
		if strings.HasSuffix(one.Kind, "Binding") {
			if diff := cmp.Diff(want, one.Subjects); diff != "" || !roles[one.RoleRef.Kind+one.Metadata.Namespace+one.RoleRef.Name] {
				t.Errorf("%s %s binds %+v to %v", one.Kind, one.Metadata.Name, one.RoleRef, one.Subjects)
			}
			continue
		}
		roles[one.Kind+one.Metadata.Namespace+one.Metadata.Name] = true
	}
}
