// Package tools builds the foreign programs of the end-to-end tests from the pinned modules in its
// subfolders. Each subfolder is a Go module of its own, so that the programs' dependencies stay out
// of the product's and of each other's module graph.
package tools

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Program is one foreign program that is built from a pinned module below e2e/tools.
type Program struct {
	// Name is the file name of the binary, such as "kube-apiserver".
	Name string
	// Folder is the tool module's folder below e2e/tools, such as "kubernetes".
	Folder string
	// Package is the import path of the program's main package.
	Package string
	// Module is the path of the module that Package belongs to. Its version in the folder's go.mod is
	// the program's version, and keys the folder that the binary is kept in.
	Module string
	// Ours says that Package is ours and lies below e2e/tools, around what Module offers: its source keys the binary
	// as the version does.
	Ours bool
	// Stamp returns the linker's "importpath.name=value" assignments that write the version into the
	// binary. Nil stamps nothing.
	Stamp func(version string) []string
}

// kubernetes is a program of the Kubernetes module.
func kubernetes(name string) Program {
	return Program{
		Name:    name,
		Folder:  "kubernetes",
		Package: "k8s.io/kubernetes/cmd/" + name,
		Module:  "k8s.io/kubernetes",
		Stamp:   stampKubernetes,
	}
}

// KubeAPIServer is Kubernetes' API server.
func KubeAPIServer() Program { return kubernetes("kube-apiserver") }

// KubeScheduler is Kubernetes' scheduler.
func KubeScheduler() Program { return kubernetes("kube-scheduler") }

// KubeControllerManager is Kubernetes' controllers in one program.
func KubeControllerManager() Program { return kubernetes("kube-controller-manager") }

// Kubectl is Kubernetes' command line.
func Kubectl() Program { return kubernetes("kubectl") }

// NamespaceControllers are those of Kubernetes' controllers that bring a Deployment, a Job and a Service to life, for one
// namespace. The main package is ours, for the kube-controller-manager knows no namespaces.
func NamespaceControllers() Program {
	return Program{
		Name:    "namespace-controllers",
		Folder:  "kubernetes",
		Package: ourPackages + "kubernetes/controllers",
		Module:  "k8s.io/kubernetes",
		Ours:    true,
	}
}

// ourPackages is the beginning of the import path of every package below e2e/tools.
const ourPackages = "github.com/upgrade-gate/upgrade-gate/e2e/tools/"

// Etcd is the API server's store. It carries its version in its source and needs no stamp.
func Etcd() Program {
	return Program{
		Name:    "etcd",
		Folder:  "kubernetes",
		Package: "go.etcd.io/etcd/server/v3",
		Module:  "go.etcd.io/etcd/server/v3",
	}
}

// Kwok plays the kubelets of nodes that do not exist. It carries its version in its source and needs no stamp.
func Kwok() Program {
	return Program{
		Name:    "kwok",
		Folder:  "kwok",
		Package: "sigs.k8s.io/kwok/cmd/kwok",
		Module:  "sigs.k8s.io/kwok",
	}
}

// Helm is Helm's command line.
func Helm() Program {
	return Program{
		Name:    "helm",
		Folder:  "helm",
		Package: "helm.sh/helm/v3/cmd/helm",
		Module:  "helm.sh/helm/v3",
		Stamp:   func(version string) []string { return []string{"helm.sh/helm/v3/internal/version.version=" + version} },
	}
}

// Steve serves the API of Harvester's UI. It is Rancher's, with a main function of ours.
func Steve() Program {
	return Program{
		Name:    "steve",
		Folder:  "steve",
		Package: "github.com/upgrade-gate/upgrade-gate/e2e/tools/steve",
		Module:  "github.com/rancher/steve",
		Ours:    true,
	}
}

// CertManager is cert-manager's controllers and its CA injector. The main package is ours, for no module proxy serves those of
// cert-manager; all else in it is cert-manager's.
func CertManager() Program {
	return Program{
		Name:    "certmanager",
		Folder:  "certmanager",
		Package: "github.com/upgrade-gate/upgrade-gate/e2e/tools/certmanager",
		Module:  "github.com/cert-manager/cert-manager",
		Ours:    true,
	}
}

// Krew installs plugins of kubectl.
func Krew() Program {
	return Program{
		Name:    "krew",
		Folder:  "krew",
		Package: "sigs.k8s.io/krew/cmd/krew",
		Module:  "sigs.k8s.io/krew",
	}
}

// Kubeconform validates manifests against JSON schemas.
func Kubeconform() Program {
	return Program{
		Name:    "kubeconform",
		Folder:  "kubeconform",
		Package: "github.com/yannh/kubeconform/cmd/kubeconform",
		Module:  "github.com/yannh/kubeconform",
	}
}

// ControllerGen writes CRDs from Go types.
func ControllerGen() Program {
	return Program{
		Name:    "controller-gen",
		Folder:  "crds",
		Package: "sigs.k8s.io/controller-tools/cmd/controller-gen",
		Module:  "sigs.k8s.io/controller-tools",
	}
}

// stampKubernetes returns what Kubernetes' own release build writes into its binaries. Without it the
// API server says v0.0.0-master, and whoever compares versions (kubectl's skew warning, controllers
// that switch features on) is misled.
func stampKubernetes(version string) []string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	stamp := []string{"gitVersion=" + version, "gitTreeState=clean"}
	if len(parts) == 3 {
		stamp = append(stamp, "gitMajor="+parts[0], "gitMinor="+parts[1])
	}
	for i, assignment := range stamp {
		stamp[i] = "k8s.io/component-base/version." + assignment
	}
	return stamp
}

// Version returns the version that the program is pinned to in its tool module's go.mod.
func (p Program) Version() (string, error) {
	folder, err := ModuleFolder(p.Folder)
	if err != nil {
		return "", err
	}
	return RequiredVersion(folder, p.Module)
}

// Ensure returns the path of the program's binary, building it first when this version has not been
// built on this machine yet. Lines of progress go to progress, which may be nil. Processes that
// ask at the same time build once: the others wait, until ctx ends.
func (p Program) Ensure(ctx context.Context, progress io.Writer) (string, error) {
	version, err := p.Version()
	if err != nil {
		return "", fmt.Errorf("finding the version of %s: %w", p.Name, err)
	}
	key, err := p.key(version)
	if err != nil {
		return "", fmt.Errorf("reading the source of %s: %w", p.Name, err)
	}
	folder, err := Cached(ctx, key, progress, func(ctx context.Context, folder string) error {
		return p.build(ctx, version, filepath.Join(folder, p.Name))
	})
	if err != nil {
		return "", fmt.Errorf("building %s %s: %w", p.Name, version, err)
	}
	return filepath.Join(folder, p.Name), nil
}

// key names the folder that the binary is kept in.
func (p Program) key(version string) (string, error) {
	key := p.Name + "-" + version
	if !p.Ours {
		return key, nil
	}
	folder, err := ModuleFolder(filepath.FromSlash(strings.TrimPrefix(p.Package, ourPackages)))
	if err != nil {
		return "", err
	}
	files, err := os.ReadDir(folder) // sorted
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, file := range files {
		if file.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %d\n%s", file.Name(), len(text), text)
	}
	return key + "-" + hex.EncodeToString(hash.Sum(nil))[:12], nil
}

// build compiles the program into the file output, static and without debugging information.
func (p Program) build(ctx context.Context, version, output string) error {
	ldflags := []string{"-s", "-w"}
	if p.Stamp != nil {
		for _, assignment := range p.Stamp(version) {
			ldflags = append(ldflags, "-X", assignment)
		}
	}
	return Go(ctx, p.Folder, "build", "-trimpath", "-ldflags", strings.Join(ldflags, " "), "-o", output, p.Package)
}
