package checks

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	settingSSLCertificates = "ssl-certificates"
	settingServerURL       = "server-url"
)

// rotateRemedy renews the certificates of API servers and kubelets.
const rotateRemedy = "let Rancher renew the certificates of all nodes: raise spec.rkeConfig.rotateCertificates.generation by one, or set it to 1 (" +
	"kubectl -n fleet-local edit clusters.provisioning.cattle.io local), and wait until the cluster is ready again; for the time to come switch on " +
	"the setting auto-rotate-rke2-certs."

// rotateAuthorityRemedy is for an authority of RKE2, which the renewal of its certificates leaves as it is.
const rotateAuthorityRemedy = "renew RKE2's authority, for which rotating certificates does not help: rke2 certificate rotate-ca on a management node, as RKE2's " +
	"documentation describes."

// expiringCertificates finds certificates that end before the upgrade has, or soon after.
func expiringCertificates() Check {
	return Check{
		Name:  "expiring-certificates",
		Title: "Certificates have expired or soon will",
		Why: "The certificates of RKE2 last a year and are renewed only when it starts. Where one ends, Rancher waits for the node's probes for ever (waiting for probes: " +
			"kube-controller-manager, kube-scheduler), a kubelet cannot be reached, or a webhook refuses everything: the upgrade stays in its system services or at a node.",
		Finds: "Certificates and their chains that API servers and kubelets present, the authorities in webhook configurations, the certificate and the authority in Harvester's " +
			"setting ssl-certificates, and TLS Secrets where reading them is granted: those that have expired or end within, by default, 7 days, and, as a warning, within 30; and, as a " +
			"warning, a certificate in ssl-certificates that does not name the host of the setting server-url.",
		Beyond: "The certificates of kube-controller-manager and kube-scheduler, which each node serves on 127.0.0.1 alone (where they have expired, cluster-unprovisioned says that Rancher waits for probes), and those that are only files of a node.",
		Remedy: rotateRemedy, Severity: Block, Waivable: true,
		Needs: []cluster.Kind{cluster.ServedCertificates, cluster.ValidatingWebhooks, cluster.MutatingWebhooks, cluster.HarvesterSettings},
		Uses:  []cluster.Kind{cluster.Secrets},
		Sources: []string{
			"harvester/harvester#3863", "harvester/harvester#5828", "harvester/harvester#9765", "harvester/harvester#8846", "rancher/rancher#41125",
			"harvester/harvester pkg/webhook/resources/upgrade checkCerts",
		},
		Elsewhere: Peers{
			Webhook: "certificates of the API servers that end within 7 days",
			Script:  "certificate files of the node that it runs on, RKE2's servers and authorities",
		},
		Run: runExpiringCertificates,
	}
}

func runExpiringCertificates(p *Pass) error {
	for _, served := range p.ServedCertificates() {
		judgeServed(p, served)
	}
	for _, configuration := range p.ValidatingWebhooks() {
		bundles := webhookBundles{p: p, object: configuration}
		for _, webhook := range configuration.Webhooks {
			bundles.add(webhook.Name, webhook.ClientConfig, webhook.FailurePolicy)
		}
		bundles.report()
	}
	for _, configuration := range p.MutatingWebhooks() {
		bundles := webhookBundles{p: p, object: configuration}
		for _, webhook := range configuration.Webhooks {
			bundles.add(webhook.Name, webhook.ClientConfig, webhook.FailurePolicy)
		}
		bundles.report()
	}
	judgeSSLCertificates(p)
	judgeTLSSecrets(p)
	return nil
}

// judgeServed judges what one server presented; of one that did not answer nothing is known.
func judgeServed(p *Pass, served cluster.ServedCertificate) {
	object := hostOfServer(served)
	if len(served.Chain) == 0 {
		p.Unknownf(object, "the certificate of %s is not known: %s", served.Endpoint, served.Error)
		return
	}
	first := firstToExpire(served.Chain)
	found := judgeExpiry(p, first)
	if found.fact == "" {
		return
	}
	name := served.Endpoint
	if served.Node != "" && !strings.HasSuffix(name, " "+served.Node) {
		name += " on " + served.Node
	}
	f := Finding{
		Object: ObjectOf(object), Rule: serverRule(served), Severity: found.severity,
		Message: fmt.Sprintf("%s presents the %s, which %s", name, chainInWords(served.Chain, first), found.fact),
	}
	if !served.Chain[0].NotAfter.Equal(first.NotAfter) {
		f.Remedy = rotateAuthorityRemedy
	}
	p.Report(f)
}

// serverRule tells the servers of one node apart.
func serverRule(served cluster.ServedCertificate) string {
	if strings.HasPrefix(served.Endpoint, "kubelet") {
		return "kubelet"
	}
	return "api-server"
}

// hostOfServer returns the node of a server, or the Service of the API servers where that is not known.
func hostOfServer(served cluster.ServedCertificate) client.Object {
	if served.Node != "" {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: served.Node}}
	}
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "kubernetes"}}
}

// webhookBundles gathers what is wrong with the authorities of one webhook configuration.
type webhookBundles struct {
	p      *Pass
	object client.Object
	worst  Severity
	facts  []string
}

// add judges the authorities by which the API server knows a webhook. Where there are none it goes by those of its host.
func (b *webhookBundles) add(name string, to admissionv1.WebhookClientConfig, policy *admissionv1.FailurePolicyType) {
	if len(to.CABundle) == 0 {
		return
	}
	bundle, err := cluster.ParseCertificates(to.CABundle)
	if err != nil {
		b.p.Unknownf(b.object, "the authorities of its webhook %s cannot be read: %v", name, err)
		return
	}
	found := judgeExpiry(b.p, lastToExpire(bundle))
	if found.fact == "" {
		return
	}
	if found.severity == Block && (policy == nil || *policy != admissionv1.Ignore) {
		b.worst = Block
	}
	b.facts = append(b.facts, fmt.Sprintf("knows %s by the authority %s, which %s", name, lastToExpire(bundle).Subject, found.fact))
}

func (b *webhookBundles) report() {
	if len(b.facts) == 0 {
		return
	}
	severity := b.worst
	if severity == "" {
		severity = Warn // What is passed over when it fails does not hold an upgrade up.
	}
	object := ObjectOf(b.object)
	b.p.Report(Finding{
		Object: object, Severity: severity,
		Message: fmt.Sprintf("%s %s", object, abridge(b.facts)),
		Remedy: "restart the workload behind the webhook, which renews its authority and writes it here: kubectl get " + strings.ToLower(object.Kind) + " " + object.Name +
			" -o jsonpath='{.webhooks[*].clientConfig.service}' names its Service.",
	})
}

// judgeSSLCertificates judges the certificate that an administrator has given to Harvester's own address.
func judgeSSLCertificates(p *Pass) {
	value, _ := p.Setting(settingSSLCertificates)
	var given struct {
		CA                string `json:"ca"`
		PublicCertificate string `json:"publicCertificate"`
	}
	if json.Unmarshal([]byte(value), &given) != nil {
		return
	}
	setting := p.SettingObject(settingSSLCertificates)
	severity, facts := Warn, []string(nil)
	judge := func(what, text string, pick func([]cluster.Certificate) cluster.Certificate) []cluster.Certificate {
		if strings.TrimSpace(text) == "" {
			return nil
		}
		chain, err := cluster.ParseCertificates([]byte(text))
		if err != nil {
			p.Unknownf(setting, "its %s cannot be read: %v", what, err)
			return nil
		}
		if found := judgeExpiry(p, pick(chain)); found.fact != "" {
			facts = append(facts, fmt.Sprintf("has the %s %s, which %s", what, pick(chain).Subject, found.fact))
			if found.severity == Block {
				severity = Block
			}
		}
		return chain
	}
	if chain := judge("publicCertificate", given.PublicCertificate, firstToExpire); chain != nil {
		if host := serverHost(p); host != "" && !issuedFor(chain[0], host) {
			facts = append(facts, fmt.Sprintf("has a publicCertificate that is not issued for %s, the host of the setting %s", host, settingServerURL))
		}
	}
	judge("ca", given.CA, lastToExpire)
	if len(facts) > 0 {
		p.Report(Finding{
			Object: ObjectOf(setting), Severity: severity, Message: fmt.Sprintf("setting %s %s", settingSSLCertificates, strings.Join(facts, " and ")),
			Remedy: "give Harvester a new certificate, for the host of its address, in the setting ssl-certificates, or empty the setting to go back to Harvester's own.",
		})
	}
}

// serverHost returns the host under which people and nodes reach Harvester; empty where the setting does not say.
func serverHost(p *Pass) string {
	value, _ := p.Setting(settingServerURL)
	address, err := url.Parse(value)
	if err != nil {
		return ""
	}
	return address.Hostname()
}

// judgeTLSSecrets judges the serving certificates in the system's namespaces, where the operator lets them be read.
func judgeTLSSecrets(p *Pass) {
	if evidence := p.Evidence(cluster.Secrets); evidence.State != cluster.Read {
		p.LeaveOut("TLS Secrets (" + evidence.Because + ")")
		return
	}
	for _, secret := range p.Secrets() {
		if secret.Type != string(corev1.SecretTypeTLS) {
			continue
		}
		chain, err := cluster.ParseCertificates(secret.Data.Certificate)
		if err != nil {
			p.Unknownf(secret, "its tls.crt cannot be read: %v", err)
			continue
		}
		first := firstToExpire(chain)
		if found := judgeExpiry(p, first); found.fact != "" {
			p.Report(Finding{
				Object: ObjectOf(secret), Severity: found.severity,
				Message: fmt.Sprintf("secret %s/%s holds the %s, which %s", secret.Namespace, secret.Name, chainInWords(chain, first), found.fact),
				Remedy: fmt.Sprintf("find out who made it (kubectl -n %[1]s get secret %[2]s --show-managed-fields -o jsonpath='{.metadata.managedFields[*].manager}') and have it renewed; "+
					"a Secret that nothing uses any more can be deleted.", secret.Namespace, secret.Name),
			})
		}
	}
}
