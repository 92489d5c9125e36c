package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func TestCommittedManifestsAreCurrent(t *testing.T) {
	files, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Errorf("%v; run: go run ./deploy/generate", err)
			continue
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("deploy/%s is out of date, run: go run ./deploy/generate (-want +got):\n%s", path, diff)
		}
	}
}

func TestReaderMayOnlyReadAndNoSecrets(t *testing.T) {
	readOnly := []string{"get", "list", "watch"}
	rules := cluster.PolicyRules()
	if len(rules) == 0 {
		t.Fatal("the reader may read nothing")
	}
	for _, rule := range rules {
		for _, verb := range rule.Verbs {
			if !slices.Contains(readOnly, verb) {
				t.Errorf("verb %q on %v: the reader must not change anything", verb, rule.Resources)
			}
		}
		for _, word := range slices.Concat(rule.APIGroups, rule.Resources, rule.ResourceNames, rule.NonResourceURLs) {
			if strings.Contains(word, "*") {
				t.Errorf("wildcard %q in %v", word, rule)
			}
		}
		for _, resource := range rule.Resources {
			if resource == "secrets" || resource == "nodes/proxy" {
				t.Errorf("resource %s must not be readable", resource)
			}
		}
	}
}

func TestTheComponentGrantsListingSecretsInFourNamespacesAndNothingElse(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "components", "read-secrets", "roles.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	allowed, bound := map[string][]rbacv1.PolicyRule{}, map[string]rbacv1.Subject{}
	for _, document := range strings.Split(string(content), "\n---\n") {
		object, _, err := decoder.Decode([]byte(document), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch o := object.(type) {
		case *rbacv1.Role:
			allowed[o.Namespace+"/"+o.Name] = o.Rules
		case *rbacv1.RoleBinding:
			if len(o.Subjects) != 1 || o.RoleRef.Kind != "Role" {
				t.Errorf("binding in %s is %+v of %+v", o.Namespace, o.Subjects, o.RoleRef)
			}
			bound[o.Namespace+"/"+o.RoleRef.Name] = o.Subjects[0]
		default:
			t.Errorf("the component holds a %T", object)
		}
	}
	rules := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list"}}}
	subject := rbacv1.Subject{Kind: "ServiceAccount", Name: "upgrade-gate", Namespace: "upgrade-gate"}
	want, wantBound := map[string][]rbacv1.PolicyRule{}, map[string]rbacv1.Subject{}
	for _, namespace := range []string{"fleet-local", "cattle-system", "cattle-fleet-system", "harvester-system"} {
		want[namespace+"/upgrade-gate-secrets"], wantBound[namespace+"/upgrade-gate-secrets"] = rules, subject
	}
	if diff := cmp.Diff(want, allowed); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantBound, bound); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
}
