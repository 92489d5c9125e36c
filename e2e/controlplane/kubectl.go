package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Kubectl runs the real kubectl as the cluster's admin and returns what it wrote. stdin may be nil.
// The error is that of os/exec: an *exec.ExitError carries the exit code.
func (p *ControlPlane) Kubectl(ctx context.Context, stdin io.Reader, args ...string) (stdout, stderr string, err error) {
	return p.KubectlAs(ctx, p.Kubeconfig, stdin, args...)
}

// KubectlAs is Kubectl with another kubeconfig, such as an Identity's.
func (p *ControlPlane) KubectlAs(ctx context.Context, kubeconfig string, stdin io.Reader, args ...string) (stdout, stderr string, err error) {
	var out, errOut bytes.Buffer
	command := exec.CommandContext(ctx, p.KubectlPath, args...)
	command.Stdin, command.Stdout, command.Stderr = stdin, &out, &errOut
	command.Env = p.Environment(kubeconfig)
	if err := command.Run(); err != nil {
		return out.String(), errOut.String(), fmt.Errorf("kubectl %v: %w\n%s", args, err, errOut.String())
	}
	return out.String(), errOut.String(), nil
}

// Environment returns the environment for a program that talks to this control plane: that kubeconfig,
// kubectl's caches inside the work folder, and nothing of the caller's own clusters or proxies.
func (p *ControlPlane) Environment(kubeconfig string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + p.WorkDir,
		"KUBECONFIG=" + kubeconfig,
		"KUBECACHEDIR=" + p.path("kubectl-cache"),
		"LANG=C.UTF-8",
		"TERM=dumb",
	}
}
