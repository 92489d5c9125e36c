package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
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

func manifestsIn(t *testing.T, text string) []manifest {
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
	all := manifestsIn(t, got.stdout)
	if got.code != 0 || len(all) != 1 || all[0].Kind != "ClusterRole" || all[0].Metadata.Name != "upgrade-gate-check" {
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
	got := call(t, "rbac", "--name", "reader", "--user", "anna", "--group", "system:support", "--read-secrets")
	all := manifestsIn(t, got.stdout)
	if got.code != 0 || len(all) != 3+3*len(cluster.GrantedRoles()) {
		t.Fatalf("got %d objects: %+v", len(all), got)
	}
	roles, bound := map[string]bool{}, map[string]int{}
	for _, one := range all {
		if !strings.HasSuffix(one.Kind, "Binding") {
			roles[one.Kind+one.Metadata.Namespace+one.Metadata.Name] = true
			continue
		}
		if len(one.Subjects) != 1 || one.Metadata.Name != one.RoleRef.Name+":"+one.Subjects[0].Name || !roles[one.RoleRef.Kind+one.Metadata.Namespace+one.RoleRef.Name] {
			t.Errorf("%s %s binds %+v to %v", one.Kind, one.Metadata.Name, one.RoleRef, one.Subjects)
			continue
		}
		bound[one.Subjects[0].Kind+" "+one.Subjects[0].Name]++
	}
	want := 1 + len(cluster.GrantedRoles())
	if diff := cmp.Diff(map[string]int{"User anna": want, "Group system:support": want}, bound); diff != "" {
		t.Errorf("bindings of each (-want +got):\n%s", diff)
	}
}

// The manifest is applied by people in clusters where the webhook is installed.
func TestTheRightsReplaceNothingOfTheWebhook(t *testing.T) {
	files, err := filepath.Glob("../../deploy/*/*.yaml")
	nested, errNested := filepath.Glob("../../deploy/*/*/*.yaml")
	if err != nil || errNested != nil || len(files) == 0 || len(nested) == 0 {
		t.Fatal(err, errNested, len(files), len(nested))
	}
	shipped := map[string]bool{}
	for _, file := range slices.Concat(files, nested) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range manifestsIn(t, string(content)) {
			shipped[one.Kind+" "+one.Metadata.Name] = true
		}
	}
	if !shipped["ClusterRole upgrade-gate-reader"] || !shipped["Role upgrade-gate-secrets"] {
		t.Fatalf("the roles of the webhook are not among %v", shipped)
	}
	for _, one := range manifestsIn(t, call(t, "rbac", "--user", "anna", "--read-secrets").stdout) {
		if shipped[one.Kind+" "+one.Metadata.Name] {
			t.Errorf("%s %s would replace the webhook's own", one.Kind, one.Metadata.Name)
		}
	}
}
