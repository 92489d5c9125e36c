// Command prepare builds everything that the end-to-end tests need and that takes long: etcd, the API server, kubectl, the
// scheduler, the controllers, kwok, helm, krew, kubeconform, cert-manager, steve, controller-gen, the generated CRDs, and the
// product with a clock that can be set. Tests build what is missing themselves; run before them, prepare keeps the minutes
// that this takes the first time out of their timeout. With -demo it builds only what the demo needs: not the scheduler, the
// controllers and the programs after them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/crds"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

func main() {
	demo := flag.Bool("demo", false, "build only what the demo needs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := prepare(ctx, *demo); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}

func prepare(ctx context.Context, demo bool) error {
	if _, err := controlplane.EnsureBinaries(ctx, os.Stderr); err != nil {
		return err
	}
	if _, err := crds.Generate(ctx, os.Stderr); err != nil || demo {
		return err
	}
	for _, program := range []tools.Program{
		tools.KubeScheduler(), tools.KubeControllerManager(), tools.NamespaceControllers(), tools.Kwok(), tools.Helm(), tools.Krew(),
		tools.Kubeconform(), tools.CertManager(), tools.Steve(),
	} {
		if _, err := program.Ensure(ctx, os.Stderr); err != nil {
			return err
		}
	}
	return prepareClock(ctx)
}

// prepareClock compiles the product with a clock that can be set, which leaves everything in Go's cache.
func prepareClock(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "upgrade-gate-prepare-")
	if err != nil {
		return fmt.Errorf("creating a folder: %w", err)
	}
	defer os.RemoveAll(folder)
	return tools.ClockProduct(ctx, os.Stderr, filepath.Join(folder, "upgrade-gate"))
}
