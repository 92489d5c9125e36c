package oracle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
)

const (
	// clusters is how many clusters, and how many namespaces with budgets, are generated.
	clusters = 220
	// parallel is how many of them are worked on at once.
	parallel = 24
	// patience is how long the real thing may take for one step. It is long because other tests may keep the machine busy.
	patience = 90 * time.Second
)

// numbers returns the numbers of the clusters to generate.
func numbers(t *testing.T) []int {
	t.Helper()
	if only := os.Getenv("ORACLE_ONLY"); only != "" {
		number, err := strconv.Atoi(only)
		if err != nil {
			t.Fatalf("ORACLE_ONLY: %v", err)
		}
		return []int{number}
	}
	from := 1
	if text := os.Getenv("ORACLE_FROM"); text != "" {
		var err error
		if from, err = strconv.Atoi(text); err != nil {
			t.Fatalf("ORACLE_FROM: %v", err)
		}
	}
	all := make([]int, clusters)
	for i := range all {
		all[i] = from + i
	}
	return all
}

// startPlane starts a control plane that ends with the test.
func startPlane(t *testing.T) (*controlplane.ControlPlane, kubernetes.Interface) {
	t.Helper()
	plane, err := controlplane.Start(t.Context(), controlplane.Options{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error("stopping:", err)
		}
	})
	config := rest.CopyConfig(plane.Config)
	config.WarningHandlerWithContext = rest.NoWarnings{}
	config.AcceptContentTypes, config.ContentType = runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON, runtime.ContentTypeProtobuf
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return plane, client
}

// each calls do for each item, many at once, and joins the errors.
func each[T any](ctx context.Context, items []T, do func(ctx context.Context, item T) error) error {
	var group sync.WaitGroup
	errs := make([]error, len(items))
	slots := make(chan struct{}, parallel)
	for i, item := range items {
		slots <- struct{}{}
		group.Go(func() {
			errs[i] = do(ctx, item)
			<-slots
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// dice are the numbers that a cluster is generated from.
type dice struct{ *rand.Rand }

func newDice(number int) dice { return dice{rand.New(rand.NewPCG(uint64(number), 7679))} }

// chance is true so many times in a hundred.
func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

// between returns a number from low to high.
func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

func pick[T any](d dice, choices ...T) T { return choices[d.IntN(len(choices))] }

func named(format string, values ...any) string { return fmt.Sprintf(format, values...) }
