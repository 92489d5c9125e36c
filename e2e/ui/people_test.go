package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

// admit gives the people their rights and waits until Steve, which learns of them through watches, knows them.
func admit(t *testing.T, at *site) {
	t.Helper()
	gatetest.Kubectl(t, at.Cluster, "apply", "-f", "testdata/people.yaml")
	for _, who := range []person{{}, owner(), viewer()} {
		gatetest.Await(t, patience, func(ctx context.Context) error {
			got, err := at.send(ctx, http.MethodGet, collection, "", who)
			if err == nil && got.status != http.StatusOK {
				err = fmt.Errorf("Steve gives %q no list of the upgrades: %s", who.name, got.body)
			}
			return err
		})
	}
}

// upload puts the image into the cluster that an air-gapped upgrade begins with.
func upload(t *testing.T, at *site) {
	t.Helper()
	text, err := os.ReadFile("testdata/image.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := load.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := at.Loader.Apply(t.Context(), objects...); err != nil {
		t.Fatal(err)
	}
}
