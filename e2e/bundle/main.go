// Command bundle writes the support bundle of an example cluster: it starts a real control plane that holds the example, collects
// from it what Harvester's support bundle kit collects, and stops it again. With -files it reads the example's files instead, which is
// quicker and leaves out what the API server adds.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
	"github.com/upgrade-gate/upgrade-gate/e2e/supportbundle"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flags, err := parse(os.Args[1:], os.Stderr)
	if err == nil {
		err = write(ctx, flags)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

// write collects the bundle and writes it. Nothing is written when that fails.
func write(ctx context.Context, flags *flags) error {
	// A mistyped path would show only after the control plane has come and gone.
	folder := flags.out
	if info, err := os.Stat(folder); !flags.unpacked && (err != nil || !info.IsDir()) {
		folder = filepath.Dir(folder)
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fmt.Errorf("-o %s: there is no folder %s", flags.out, folder)
	}
	bundle, err := collect(ctx, flags)
	if err != nil {
		return err
	}
	if flags.unpacked {
		top, err := bundle.Unpack(flags.out)
		if err != nil {
			return err
		}
		fmt.Println(top)
		return nil
	}
	file := flags.out
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		file = filepath.Join(file, bundle.Name+".zip")
	}
	if err := bundle.WriteZip(file); err != nil {
		return err
	}
	fmt.Println(file)
	return nil
}

func collect(ctx context.Context, flags *flags) (bundle *supportbundle.Bundle, err error) {
	folder, err := gate.Example(flags.cluster)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("-cluster %s: examples/clusters has no such folder", flags.cluster)
	}
	if flags.files {
		held, err := load.Read(folder)
		if err != nil {
			return nil, err
		}
		return supportbundle.Collect(ctx, supportbundle.FromObjects("v1.30.7+rke2r1", held), flags.options)
	}
	cluster, err := gate.StartCluster(ctx, gate.ClusterOptions{Folder: folder, Progress: os.Stderr})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	if err := supportbundle.Furnish(ctx, cluster.Config); err != nil {
		return nil, err
	}
	api, err := supportbundle.FromServer(cluster.Config)
	if err != nil {
		return nil, err
	}
	return supportbundle.Collect(ctx, api, flags.options)
}
