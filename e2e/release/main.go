// Command release writes everything that is published of a version: archives of the program for each platform with their bills of materials,
// krew's manifest, the Helm chart, the manifests, and the checksums of it all. It is here and not in deploy/, because what it needs besides Go's own
// library, to tell licences and to write bills of materials, stays out of the product's go.mod.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/upgrade-gate/upgrade-gate/e2e/licenses"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	version := flag.String("version", "", "the version, such as v0.1.0")
	base := flag.String("base", "", "the address below which the files will be published (default "+homepage+"/releases/download/VERSION)")
	out := flag.String("o", "", "the folder to write (default dist in the checkout)")
	platforms := flag.String("platforms", strings.Join(licenses.Platforms(), ","), "the platforms to build for")
	flag.Parse()
	if err := start(ctx, *version, *base, *out, *platforms); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, version, base, out, platforms string) error {
	repository, err := tools.Repository()
	if err != nil {
		return err
	}
	if base == "" {
		base = homepage + "/releases/download/" + version
	}
	if !strings.HasPrefix(base, "https://") {
		return fmt.Errorf("-base %s: krew downloads from addresses that begin with https:// alone", base)
	}
	if out == "" {
		out = filepath.Join(repository, "dist")
	}
	err = release(ctx, repository, options{version: version, base: base, out: out, platforms: strings.Split(platforms, ","), progress: os.Stderr})
	if err == nil {
		fmt.Fprintln(os.Stderr, "written to", out)
	}
	return err
}
