package certs

import (
	"time"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// ServingCertificateName is the Certificate whose authority cert-manager's CA
	// injector puts into our caBundles. It has to be this one and not the
	// authority's own: its Secret holds the authority that signed the leaf in use.
	ServingCertificateName = "upgrade-gate-serving"

	selfSignedIssuerName = "upgrade-gate-selfsigned"
	authorityName        = "upgrade-gate-ca"

	injectedCADuration      = 10 * 365 * 24 * time.Hour
	injectedCARenewBefore   = 365 * 24 * time.Hour
	injectedLeafDuration    = 90 * 24 * time.Hour
	injectedLeafRenewBefore = 30 * 24 * time.Hour
)

// CertManagerObjects returns what cert-manager needs to issue our serving
// certificate, in the order in which each refers to the one before: a self-signed
// issuer, the certificate authority, its issuer, and the serving certificate for
// opts.DNSNames, written to opts.SecretName. All are in opts.Namespace.
func CertManagerObjects(opts Options) []client.Object {
	return []client.Object{
		issuer(opts, selfSignedIssuerName, cmv1.IssuerConfig{SelfSigned: &cmv1.SelfSignedIssuer{}}),
		certificate(opts, authorityName, cmv1.CertificateSpec{
			SecretName:  authorityName,
			CommonName:  authorityCommonName,
			IsCA:        true,
			Duration:    &metav1.Duration{Duration: injectedCADuration},
			RenewBefore: &metav1.Duration{Duration: injectedCARenewBefore},
			IssuerRef:   issuerRef(selfSignedIssuerName),
			Usages:      []cmv1.KeyUsage{cmv1.UsageDigitalSignature, cmv1.UsageCertSign},
			// Before cert-manager 1.19 the CA injector forgets the old authority at once,
			// but a mounted Secret reaches the pods up to two minutes later. With the key
			// kept, old and new leaf chain to old and new authority alike and no call is
			// lost.
			PrivateKey: ecdsaKey(cmv1.RotationPolicyNever),
		}),
		issuer(opts, authorityName, cmv1.IssuerConfig{CA: &cmv1.CAIssuer{SecretName: authorityName}}),
		certificate(opts, ServingCertificateName, cmv1.CertificateSpec{
			SecretName:  opts.SecretName,
			DNSNames:    opts.DNSNames(),
			Duration:    &metav1.Duration{Duration: injectedLeafDuration},
			RenewBefore: &metav1.Duration{Duration: injectedLeafRenewBefore},
			IssuerRef:   issuerRef(authorityName),
			Usages:      []cmv1.KeyUsage{cmv1.UsageDigitalSignature, cmv1.UsageServerAuth},
			PrivateKey:  ecdsaKey(cmv1.RotationPolicyAlways),
		}),
	}
}

// InjectionAnnotation returns the annotation that makes cert-manager's CA injector
// set the caBundle of the webhook configuration that carries it.
func InjectionAnnotation(namespace string) map[string]string {
	return map[string]string{cmv1.WantInjectAnnotation: namespace + "/" + ServingCertificateName}
}

func issuer(opts Options, name string, config cmv1.IssuerConfig) *cmv1.Issuer {
	return &cmv1.Issuer{
		TypeMeta:   metav1.TypeMeta{APIVersion: cmv1.SchemeGroupVersion.String(), Kind: cmv1.IssuerKind},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: opts.Namespace},
		Spec:       cmv1.IssuerSpec{IssuerConfig: config},
	}
}

func certificate(opts Options, name string, spec cmv1.CertificateSpec) *cmv1.Certificate {
	return &cmv1.Certificate{
		TypeMeta:   metav1.TypeMeta{APIVersion: cmv1.SchemeGroupVersion.String(), Kind: cmv1.CertificateKind},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: opts.Namespace},
		Spec:       spec,
	}
}

func issuerRef(name string) cmmeta.IssuerReference {
	return cmmeta.IssuerReference{Group: cmv1.SchemeGroupVersion.Group, Kind: cmv1.IssuerKind, Name: name}
}

func ecdsaKey(rotation cmv1.PrivateKeyRotationPolicy) *cmv1.CertificatePrivateKey {
	return &cmv1.CertificatePrivateKey{
		Algorithm:      cmv1.ECDSAKeyAlgorithm,
		Size:           256,
		Encoding:       cmv1.PKCS8,
		RotationPolicy: rotation,
	}
}
