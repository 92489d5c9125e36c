package certmanager_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/certs"
	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

const (
	// Paths from this folder.
	overlay  = "../../deploy/overlays/cert-manager"
	chart    = "../../deploy/chart/upgrade-gate"
	manifest = "../../examples/upgrade-v1.4.2.yaml"

	// servingSecret and authoritySecret are those that the overlay's Certificates are written to.
	servingSecret, authoritySecret = "upgrade-gate-tls", "upgrade-gate-ca"

	// patience bounds the wait for something that takes seconds on an idle machine.
	patience = 90 * time.Second
)

// cluster is a stuck cluster in which the overlay can be installed.
type cluster struct {
	*gate.Cluster
	admin kubernetes.Interface
}

// begin starts a stuck cluster without cert-manager's CRDs. It ends with the test.
func begin(t *testing.T) *cluster {
	t.Helper()
	started := gatetest.Start(t, "stuck-pre-drained", gate.ClusterOptions{})
	admin, err := kubernetes.NewForConfig(started.Config)
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{started, admin}
}

// kubectl runs the real kubectl as admin, in this folder, and returns what it wrote. That it fails is an error that says so.
func (c *cluster) kubectl(ctx context.Context, args ...string) (string, error) {
	stdout, stderr, err := c.Kubectl(ctx, nil, args...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return stderr, fmt.Errorf("kubectl %s: %w: %s", args[0], err, stderr)
	}
	return stdout, err
}

// addCRDs installs those that cert-manager's own source holds.
func (c *cluster) addCRDs(t *testing.T) {
	t.Helper()
	source, err := tools.ModuleSource(t.Context(), "certmanager", tools.CertManager().Module)
	if err != nil {
		t.Fatal(err)
	}
	gatetest.Kubectl(t, c.Cluster, "apply", "--server-side", "-f", filepath.Join(source, "deploy", "crds"))
	// kubectl gives up on one that has no conditions yet.
	gatetest.Await(t, patience, func(ctx context.Context) error {
		_, err := c.kubectl(ctx, "wait", "--for=condition=Established", "crd", "issuers.cert-manager.io", "certificates.cert-manager.io",
			"certificaterequests.cert-manager.io", "clusterissuers.cert-manager.io")
		return err
	})
}

// addCertManager starts cert-manager's controllers and its CA injector.
func (c *cluster) addCertManager(t *testing.T) (controllers, injector *controlplane.Component) {
	t.Helper()
	controllers, err := c.StartCertManager(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if injector, err = c.StartCAInjector(t.Context(), os.Stderr, ""); err != nil {
		t.Fatal(err)
	}
	return controllers, injector
}

// replicas are two gates, each with a mount of its own, as on two nodes.
type replicas struct {
	*gate.Service
	mounts []*mount
}

// install applies the overlay as it is, and starts replicas.
func (c *cluster) install(t *testing.T) *replicas {
	t.Helper()
	gatetest.Kubectl(t, c.Cluster, "apply", "-k", overlay)
	return c.replicate(t)
}

// replicate starts two replicas with the rights and with the flags that what is installed gives them, and leads its Service to
// them. It does not wait until they are ready.
func (c *cluster) replicate(t *testing.T) *replicas {
	t.Helper()
	if err := c.Adopt(t.Context(), certs.CertManager); err != nil {
		t.Fatal(err)
	}
	r := &replicas{}
	var processes []*gate.Process
	for range 2 {
		mount := newMount(t, c.admin, servingSecret)
		process, err := c.StartProcess(t.Context(), gate.Options{Args: []string{"--certs=cert-manager", "--cert-dir=" + mount.folder}})
		if err != nil {
			t.Fatal(err)
		}
		processes, r.mounts = append(processes, process), append(r.mounts, mount)
	}
	var err error
	if r.Service, err = c.Join(processes...); err != nil {
		t.Fatal(err)
	}
	c.lead(t, r.Port())
	return r
}

// lead leads the overlay's Service to a port of localhost, because neither pods nor a kube-proxy are there. It is still called
// by its own name, which the certificate has to be valid for.
func (c *cluster) lead(t *testing.T, port int) {
	t.Helper()
	gatetest.Kubectl(t, c.Cluster, "patch", "-n", manifests.Namespace, "service", manifests.Name, "--type=merge",
		"--patch", `{"spec":{"type":"ExternalName","externalName":"localhost"}}`)
	at := fmt.Sprintf(`[{"op":"add","path":"/webhooks/0/clientConfig/service/port","value":%d}]`, port)
	gatetest.Kubectl(t, c.Cluster, "patch", "validatingwebhookconfiguration", manifests.Name, "--type=json", "--patch", at)
	gatetest.Kubectl(t, c.Cluster, "patch", "mutatingwebhookconfiguration", manifests.MutatingConfigurationName, "--type=json", "--patch", at)
}

// awaitReady waits until all replicas are ready.
func (r *replicas) awaitReady(t *testing.T) {
	t.Helper()
	for _, replica := range r.Replicas {
		if err := replica.AwaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitUnready waits until no replica is ready, and each says why in these words.
func (r *replicas) awaitUnready(t *testing.T, words string) {
	t.Helper()
	for _, replica := range r.Replicas {
		gatetest.Await(t, patience, func(ctx context.Context) error {
			err := replica.Ready(ctx)
			if err == nil {
				return errors.New("the gate is ready")
			}
			if !strings.Contains(err.Error(), words) {
				return fmt.Errorf("other than %q: %w", words, err)
			}
			return nil
		})
	}
}

// press tries to create the Upgrade, and returns what kubectl said. On a stuck cluster it must fail.
func (c *cluster) press(ctx context.Context) (string, error) {
	said, err := c.kubectl(ctx, "create", "--dry-run=server", "-f", manifest)
	if ctx.Err() != nil { // kubectl was killed half way
		return "", ctx.Err()
	}
	if err == nil {
		return "", errors.New("the upgrade of a stuck cluster was admitted")
	}
	return said, nil
}

// awaitSaid presses the button until kubectl says something with these words.
func (c *cluster) awaitSaid(t *testing.T, words string) {
	t.Helper()
	gatetest.Await(t, patience, func(ctx context.Context) error {
		said, err := c.press(ctx)
		if err == nil && !strings.Contains(said, words) {
			err = fmt.Errorf("kubectl said nothing of %q: %s", words, said)
		}
		return err
	})
}

// verdict is how our answer begins.
const verdict = "denied the request: Upgrade to v1.4.2 refused"

// injected returns an error if the authority beside the serving certificate is not in the caBundle of both configurations, and
// otherwise how many authorities there are in the larger one.
func (c *cluster) injected(ctx context.Context) (authorities int, err error) {
	_, authority, err := c.issued(ctx, servingSecret)
	if err != nil {
		return 0, err
	}
	registrations := c.admin.AdmissionregistrationV1()
	validating, err := registrations.ValidatingWebhookConfigurations().Get(ctx, manifests.Name, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	mutating, err := registrations.MutatingWebhookConfigurations().Get(ctx, manifests.MutatingConfigurationName, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	for _, bundle := range [][]byte{validating.Webhooks[0].ClientConfig.CABundle, mutating.Webhooks[0].ClientConfig.CABundle} {
		if len(authority) == 0 || !bytes.Contains(bundle, bytes.TrimSpace(authority)) {
			return 0, errors.New("the authority of the serving certificate is not in a caBundle")
		}
		authorities = max(authorities, bytes.Count(bundle, []byte("BEGIN CERTIFICATE")))
	}
	return authorities, nil
}

// awaitInjected waits until the authority beside the serving certificate is in both caBundles, and there are so many.
func (c *cluster) awaitInjected(t *testing.T, want int) {
	t.Helper()
	gatetest.Await(t, patience, func(ctx context.Context) error {
		got, err := c.injected(ctx)
		if err == nil && got != want {
			err = fmt.Errorf("there are %d authorities in a caBundle, want %d", got, want)
		}
		return err
	})
}

// issued returns the certificate in a Secret, and the authority beside it.
func (c *cluster) issued(ctx context.Context, secret string) (certificate *x509.Certificate, authority []byte, err error) {
	found, err := c.admin.CoreV1().Secrets(manifests.Namespace).Get(ctx, secret, metav1.GetOptions{})
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(found.Data["tls.crt"])
	if block == nil {
		return nil, nil, fmt.Errorf("the secret %s holds no certificate", secret)
	}
	certificate, err = x509.ParseCertificate(block.Bytes)
	return certificate, found.Data["ca.crt"], err
}

// mustIssued is issued for a Secret that is there.
func (c *cluster) mustIssued(t *testing.T, secret string) *x509.Certificate {
	t.Helper()
	certificate, _, err := c.issued(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// renew asks cert-manager for a new certificate, as cmctl renew does, and returns it.
func (c *cluster) renew(t *testing.T, certificate, secret string) *x509.Certificate {
	t.Helper()
	before := c.mustIssued(t, secret)
	now := time.Now().UTC().Format(time.RFC3339)
	gatetest.Kubectl(t, c.Cluster, "patch", "-n", manifests.Namespace, "certificates.cert-manager.io", certificate, "--subresource=status", "--type=json", "--patch",
		`[{"op":"add","path":"/status/conditions/-","value":{"type":"Issuing","status":"True","reason":"ManuallyTriggered","message":"renewed by hand","lastTransitionTime":"`+now+`"}}]`)
	return c.awaitOther(t, secret, before)
}

// awaitOther waits until a Secret holds another certificate, and returns it.
func (c *cluster) awaitOther(t *testing.T, secret string, before *x509.Certificate) *x509.Certificate {
	t.Helper()
	var now *x509.Certificate
	gatetest.Await(t, patience, func(ctx context.Context) (err error) {
		now, _, err = c.issued(ctx, secret)
		if err == nil && now.Equal(before) {
			err = fmt.Errorf("the secret %s still holds the same certificate", secret)
		}
		return err
	})
	return now
}
