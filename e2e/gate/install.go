package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/certs"
	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// installation is what a gate needs before it can start.
type installation struct {
	identity  *controlplane.Identity
	binary    string
	kubeletCA string
}

// rightsTimeout bounds the wait until the API server's authorizer knows the rights.
const rightsTimeout = 30 * time.Second

// poll is how often something is looked at that is waited for.
const poll = 20 * time.Millisecond

// shippedRights are the files that give the gate its rights, below deploy/. They are applied as they are.
func shippedRights() []string {
	return []string{
		"base/namespace.yaml", "base/serviceaccount.yaml", "base/clusterrole.yaml", "base/rbac.yaml",
		"overlays/self-managed/rbac.yaml",
	}
}

// Identity returns the gate's service account, with the rights that deploy/ ships and no others.
func (c *Cluster) Identity(ctx context.Context) (*controlplane.Identity, error) {
	installed, err := c.install(ctx)
	if err != nil {
		return nil, err
	}
	return installed.identity, nil
}

// Binary returns the path of the upgrade-gate binary, for its other commands.
func (c *Cluster) Binary(ctx context.Context) (string, error) {
	installed, err := c.install(ctx)
	if err != nil {
		return "", err
	}
	return installed.binary, nil
}

// KubeletCA returns the path of the file with the CA of the kubelets' certificates.
func (c *Cluster) KubeletCA(ctx context.Context) (string, error) {
	installed, err := c.install(ctx)
	if err != nil {
		return "", err
	}
	return installed.kubeletCA, nil
}

// install builds the binary and gives the service account its rights, once. A Cluster is used by one
// goroutine until its first gate runs.
func (c *Cluster) install(ctx context.Context) (*installation, error) {
	if c.installed != nil {
		return c.installed, nil
	}
	if err := c.grant(ctx); err != nil {
		return nil, err
	}
	return c.finish(ctx, certs.SelfManaged)
}

// Adopt prepares gates that run with the rights which the service account has already, from the chart or from an overlay, in
// the place of those that StartProcess would give it. mode is that of their certificates: one that is self-managed has the
// rights for it.
func (c *Cluster) Adopt(ctx context.Context, mode certs.Mode) error {
	_, err := c.finish(ctx, mode)
	return err
}

// finish builds the binary, and waits until the service account has its rights.
func (c *Cluster) finish(ctx context.Context, mode certs.Mode) (*installation, error) {
	installed := &installation{
		binary:    filepath.Join(c.WorkDir, "upgrade-gate"),
		kubeletCA: filepath.Join(c.WorkDir, "kubelet-ca.pem"),
	}
	if err := tools.Product(ctx, c.progress, installed.binary); err != nil {
		return nil, err
	}
	if err := os.WriteFile(installed.kubeletCA, c.ClusterCA.PEM(), 0o600); err != nil {
		return nil, fmt.Errorf("writing the kubelets' CA: %w", err)
	}
	identity, err := c.AddServiceAccount(ctx, manifests.Namespace, manifests.Name, controlplane.Rights{})
	if err != nil {
		return nil, err
	}
	identity.ClusterRole = manifests.ReaderRole(nil).Name
	installed.identity = identity
	if err := awaitRights(ctx, identity, mode); err != nil {
		return nil, err
	}
	c.installed = installed
	return installed, nil
}

// grant applies the shipped files with the real kubectl.
func (c *Cluster) grant(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	// One of the shipped roles is for this namespace, which an empty cluster lacks.
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "harvester-system"}}
	_, err = client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating the namespace %s: %w", namespace.Name, err)
	}
	repository, err := tools.Repository()
	if err != nil {
		return err
	}
	args := []string{"apply", "--server-side"}
	for _, file := range shippedRights() {
		args = append(args, "-f", filepath.Join(repository, "deploy", filepath.FromSlash(file)))
	}
	if _, _, err := c.Kubectl(ctx, nil, args...); err != nil {
		return fmt.Errorf("giving the gate its rights: %w", err)
	}
	return nil
}

// awaitRights waits until the authorizer, which learns of roles and bindings through watches, grants one
// right out of each of them.
func awaitRights(ctx context.Context, identity *controlplane.Identity, mode certs.Mode) error {
	client, err := kubernetes.NewForConfig(identity.Config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	rights := []authorizationv1.ResourceAttributes{
		{Verb: "list", Group: "longhorn.io", Resource: "volumes"},
		{Verb: "watch", Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations", Name: manifests.Name},
		{Verb: "create", Group: "events.k8s.io", Resource: "events", Namespace: "harvester-system"},
		{Verb: "create", Group: "events.k8s.io", Resource: "events", Namespace: "default"},
	}
	if mode == certs.SelfManaged {
		rights = append(rights,
			authorizationv1.ResourceAttributes{Verb: "patch", Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations", Name: manifests.MutatingConfigurationName},
			authorizationv1.ResourceAttributes{Verb: "create", Resource: "secrets", Namespace: manifests.Namespace})
	}
	for _, right := range rights {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &right}}
		if err := Await(ctx, rightsTimeout, func(ctx context.Context) error {
			answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
			if err == nil && !answer.Status.Allowed {
				err = fmt.Errorf("%s may not %s %s %s", identity.Username, right.Verb, right.Resource, right.Name)
			}
			return err
		}); err != nil {
			return fmt.Errorf("giving the gate its rights: %w", err)
		}
	}
	return nil
}

// Await tries until there is no error, and returns the last one when the timeout has passed or ctx ends.
func Await(ctx context.Context, timeout time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	var last error
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if last == nil || !errors.Is(err, context.DeadlineExceeded) {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s: %w", timeout, last)
		case <-ticker.C:
		}
	}
}
