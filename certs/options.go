package certs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Mode says where the serving certificate comes from.
type Mode string

const (
	// SelfManaged keeps a certificate authority in a Secret of our own and patches
	// the caBundle of our webhook configurations.
	SelfManaged Mode = "self-managed"
	// CertManager reads the certificate from files that cert-manager's Secret is
	// mounted as; cert-manager's CA injector sets the caBundle.
	CertManager Mode = "cert-manager"
)

const (
	defaultCADuration   = 365 * 24 * time.Hour
	defaultLeafDuration = 7 * 24 * time.Hour
	defaultGrace        = 2 * time.Second

	// maxClockSkew is how far the clocks of the cluster's nodes may differ before
	// a fresh leaf is refused as not yet valid.
	maxClockSkew = 30 * time.Second
)

// Options configure a Provider. Zero durations mean their defaults.
type Options struct {
	// Mode has no default: the operator decides.
	Mode Mode
	// Namespace of the Service, of the Secret, and of the objects that
	// CertManagerObjects returns.
	Namespace string
	// SecretName is, when self-managed, the Secret that holds the certificate
	// authority (kept by us); with cert-manager the Secret that the serving
	// certificate is written to (kept by cert-manager, mounted at CertDir).
	SecretName string
	// ServiceName is the Service in front of the webhook. The leaf is issued for
	// <service>.<namespace>.svc, which is the name an API server verifies.
	ServiceName string
	// ExtraDNSNames are added to the leaf, for example "localhost" where the
	// webhook is registered by URL.
	ExtraDNSNames []string
	// CertDir holds tls.crt and tls.key. Needed with cert-manager only.
	CertDir string
	// ValidatingConfig names our ValidatingWebhookConfiguration.
	ValidatingConfig string
	// MutatingConfig names our MutatingWebhookConfiguration; empty when the
	// advance refusal is switched off.
	MutatingConfig string
	// CADuration is the life of a self-managed certificate authority, replaced at
	// two thirds of it. Default 365 days. At least three times LeafDuration, so
	// that a leaf never outlives the authority that signed it.
	CADuration time.Duration
	// LeafDuration is the life of a self-managed leaf, renewed at two thirds of
	// it. Default 7 days.
	LeafDuration time.Duration
	// Grace is how long a new authority must have been seen in every caBundle
	// before a leaf signed by it is used; API servers learn of a changed
	// configuration through a watch of their own. Default 2 seconds.
	Grace time.Duration

	// Clock says why our clock cannot be trusted; nil while it can. While it
	// cannot, nothing is signed and nothing is written: what is made then is valid
	// at another time than the API server's, and would outlive the wrong clock.
	// Default: it can.
	Clock func() error

	// now replaces time.Now in tests of this package.
	now func() time.Time
}

// Validate returns every problem of the options at once, or nil.
func (o Options) Validate() error {
	o = o.withDefaults()
	var problems []error
	report := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	requireName := func(what, name string, valid func(string) []string) {
		switch invalid := valid(name); {
		case name == "":
			report("%s is missing", what)
		case len(invalid) > 0:
			report("%s %q: %s", what, name, strings.Join(invalid, "; "))
		}
	}

	requireName("namespace", o.Namespace, validation.IsDNS1123Label)
	requireName("service name", o.ServiceName, validation.IsDNS1035Label)
	requireName("validating webhook configuration", o.ValidatingConfig, validation.IsDNS1123Subdomain)
	if o.MutatingConfig != "" {
		requireName("mutating webhook configuration", o.MutatingConfig, validation.IsDNS1123Subdomain)
	}
	for _, name := range o.ExtraDNSNames {
		requireName("extra DNS name", name, validation.IsDNS1123Subdomain)
	}
	if o.Grace < 0 {
		report("grace %s is negative", o.Grace)
	}

	switch o.Mode {
	case SelfManaged:
		requireName("secret name", o.SecretName, validation.IsDNS1123Subdomain)
		if o.LeafDuration < 0 {
			report("leaf duration %s is negative", o.LeafDuration)
		}
		if o.CADuration < 3*o.LeafDuration {
			report("CA duration %s is shorter than three times the leaf duration %s", o.CADuration, o.LeafDuration)
		}
	case CertManager:
		if o.CertDir == "" {
			report("certificate directory is missing, it is where cert-manager's secret is mounted")
		}
	default:
		report("mode %q is neither %q nor %q", o.Mode, SelfManaged, CertManager)
	}
	return errors.Join(problems...)
}

// DNSNames returns the names that the leaf is issued for, the Service's first.
func (o Options) DNSNames() []string {
	service := o.ServiceName + "." + o.Namespace
	names := []string{service + ".svc", service + ".svc.cluster.local", service, o.ServiceName}
	for _, name := range o.ExtraDNSNames {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (o Options) withDefaults() Options {
	o.CADuration = cmp.Or(o.CADuration, defaultCADuration)
	o.LeafDuration = cmp.Or(o.LeafDuration, defaultLeafDuration)
	o.Grace = cmp.Or(o.Grace, defaultGrace)
	if o.Clock == nil {
		o.Clock = func() error { return nil }
	}
	if o.now == nil {
		o.now = time.Now
	}
	return o
}

// settleTime is how old a renewed leaf must be before it replaces one that still
// works: longer than the clocks of two nodes differ, far shorter than a leaf lives.
func (o Options) settleTime() time.Duration {
	return min(maxClockSkew, o.LeafDuration/10)
}
