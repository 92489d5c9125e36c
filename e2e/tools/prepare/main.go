// Command prepare builds everything that the end-to-end tests need and that takes long: etcd, the API
// server, kubectl, controller-gen, and the generated CRDs. Tests build what is missing themselves; run
// before them, prepare keeps the minutes that this takes the first time out of their timeout.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/crds"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := prepare(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}

func prepare(ctx context.Context) error {
	if _, err := controlplane.EnsureBinaries(ctx, os.Stderr); err != nil {
		return err
	}
	_, err := crds.Generate(ctx, os.Stderr)
	return err
}
