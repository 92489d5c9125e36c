package controlplane

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// AssetsVariable names the environment variable that points to a folder with ready-made binaries, as
// in every project that tests with controller-runtime's envtest.
const AssetsVariable = "KUBEBUILDER_ASSETS"

// Binaries are the paths of the programs that a control plane is made of.
type Binaries struct {
	APIServer string
	Etcd      string
	Kubectl   string
}

// EnsureBinaries returns the programs in the folder that KUBEBUILDER_ASSETS names when all three are
// there, and otherwise those built from e2e/tools/kubernetes, which takes some minutes the first time.
// Lines of progress go to progress, which may be nil.
func EnsureBinaries(ctx context.Context, progress io.Writer) (Binaries, error) {
	if folder := os.Getenv(AssetsVariable); folder != "" {
		given, missing := assets(folder)
		if missing == "" {
			return given, nil
		}
		if progress != nil {
			fmt.Fprintf(progress, "%s=%s has no executable %s: using binaries built from e2e/tools/kubernetes\n",
				AssetsVariable, folder, missing)
		}
	}
	var built Binaries
	for _, item := range []struct {
		program tools.Program
		path    *string
	}{
		{tools.Etcd(), &built.Etcd},
		{tools.KubeAPIServer(), &built.APIServer},
		{tools.Kubectl(), &built.Kubectl},
	} {
		path, err := item.program.Ensure(ctx, progress)
		if err != nil {
			return Binaries{}, err
		}
		*item.path = path
	}
	return built, nil
}

// assets returns the binaries in folder, and the name of the first one that is missing or cannot be
// executed.
func assets(folder string) (found Binaries, missing string) {
	found = Binaries{
		APIServer: filepath.Join(folder, "kube-apiserver"),
		Etcd:      filepath.Join(folder, "etcd"),
		Kubectl:   filepath.Join(folder, "kubectl"),
	}
	for _, path := range []string{found.APIServer, found.Etcd, found.Kubectl} {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return Binaries{}, filepath.Base(path)
		}
	}
	return found, ""
}
