package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
)

func TestCommittedManifestsAreCurrent(t *testing.T) {
	files, err := manifests.Files(cluster.PolicyRules())
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
