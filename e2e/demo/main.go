// Command demo shows the product's main job on a real control plane: a cluster in the state of harvester/harvester#7679, an
// upgrade that is refused with an explanation, the repairs, and the upgrade admitted.
//
// What happens goes to standard output, progress to standard error. KEEP=1 leaves everything running at the end, until Ctrl-C.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "demo: interrupted, everything was cleaned up")
		} else {
			fmt.Fprintln(os.Stderr, "demo:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	started := time.Now()
	folder, err := gate.Example("stuck-pre-drained")
	if err != nil {
		return err
	}
	progress("starting etcd and kube-apiserver, and loading the example cluster stuck-pre-drained: 4 nodes, 12 VMs, 36 replicas")
	cluster, err := gate.StartCluster(ctx, gate.ClusterOptions{Folder: folder, Progress: os.Stderr})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	progress("starting upgrade-gate serve, with the rights and the webhook configurations of deploy/")
	if _, err := cluster.StartGate(ctx, gate.Options{}); err != nil {
		return err
	}
	story := &story{ctx: ctx, cluster: cluster, out: os.Stdout}
	if err := story.tell(); err != nil {
		return err
	}
	progress(fmt.Sprintf("the demo took %s", time.Since(started).Round(time.Second)))
	if os.Getenv("KEEP") == "" {
		return nil
	}
	progress("the cluster stays until Ctrl-C: export KUBECONFIG=" + cluster.Kubeconfig)
	<-ctx.Done()
	return nil
}

func progress(text string) { fmt.Fprintln(os.Stderr, "…", text) }
