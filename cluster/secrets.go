package cluster

import (
	"path"
	"slices"

	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Secrets are a few Secrets, and of them only what is no secret. They are read only when the operator grants it, and never
// watched.
const Secrets Kind = "secrets"

// The Secrets in the namespace fleet-local that checks read, and the annotations by which an upgrade leaves its hooks on them.
const (
	// MachinePlanSuffix ends the name of a machine's plan.
	MachinePlanSuffix = "-machine-plan"
	// LocalKubeconfigSecret is how Rancher reaches the cluster itself.
	LocalKubeconfigSecret = "local-kubeconfig"
	// AnnotationPreDrain and AnnotationPostDrain are set by Rancher while a machine waits before and after its drain.
	AnnotationPreDrain  = "rke.cattle.io/pre-drain"
	AnnotationPostDrain = "rke.cattle.io/post-drain"
	// AnnotationPreHook and AnnotationPostHook are set by Harvester when it is done with a machine.
	AnnotationPreHook  = "harvesterhci.io/pre-hook"
	AnnotationPostHook = "harvesterhci.io/post-hook"
)

// Grant is a right to read that the operator has to give; without it a kind is NotGranted.
type Grant struct {
	// Name says what is granted: "reading Secrets".
	Name string
	// Flag is the flag that gives the right to the program: "--read-secrets".
	Flag string
	// Role is the name of the Role, in each namespace, that gives it to the service account.
	Role string
	// Page is the page of the documentation about it.
	Page string
	// Places are all that is read.
	Places []Place
}

// Place is a namespace, and what is read in it.
type Place struct {
	// Namespace is where.
	Namespace string
	// Type is the only type of Secret that is read; empty means every type.
	Type string
	// Names are patterns, as path.Match knows them, of what is kept; empty keeps everything.
	Names []string
	// MetadataOnly asks the API server for labels and annotations, and for nothing else.
	MetadataOnly bool
}

// GrantedResources is the table of kinds that are read only with the operator's grant. They are listed, never watched, and
// the ClusterRole knows nothing of them.
func GrantedResources() []Resource { return []Resource{secretRow()} }

// everyResource is every kind that is listed.
func everyResource() []Resource { return append(Resources(), GrantedResources()...) }

func secretsGrant() *Grant {
	return &Grant{
		Name: "reading Secrets", Flag: "--read-secrets", Role: "upgrade-gate-secrets", Page: "docs/secrets.md",
		Places: []Place{
			{Namespace: FleetLocalNamespace, Names: []string{"*" + MachinePlanSuffix, LocalKubeconfigSecret}, MetadataOnly: true},
			{Namespace: "cattle-system", Type: tlsSecret},
			{Namespace: "cattle-fleet-system", Type: tlsSecret},
			{Namespace: HarvesterNamespace, Type: tlsSecret},
		},
	}
}

// Secrets returns the Secrets that were read, by namespace and name; empty where that was not granted. Those of fleet-local
// have neither type nor data.
func (s *Snapshot) Secrets() []*Secret { return s.secrets.items }

// Secret returns the Secret of that name, or nil.
func (s *Snapshot) Secret(namespace, name string) *Secret { return s.secrets.get(namespace, name) }

// notGranted is the evidence of a kind that the operator did not grant.
func notGranted(resource Resource, because string) Evidence {
	return Evidence{Kind: resource.Kind, State: NotGranted, Because: because}
}

// because says how to give a grant that was not given.
func (g Grant) because() string {
	return g.Name + " is not granted (" + g.Flag + ", see " + g.Page + ")"
}

// parameters returns what narrows a list to a place.
func (p Place) parameters() map[string]string {
	if p.Type == "" {
		return nil
	}
	return map[string]string{"fieldSelector": fields.OneTermEqualSelector("type", p.Type).String()}
}

// keep returns those of the objects that a place holds, without what is not read there: files may hold more than was asked for.
func (g Grant) keep(objects []client.Object) []client.Object {
	var kept []client.Object
	for _, object := range objects {
		secret, ok := object.(*Secret)
		if !ok {
			continue
		}
		if i := slices.IndexFunc(g.Places, func(p Place) bool { return p.holds(secret) }); i >= 0 {
			if g.Places[i].MetadataOnly && (secret.Type != "" || secret.Data.Certificate != nil) {
				secret = secret.DeepCopyObject().(*Secret)
				secret.Type, secret.Data = "", SecretData{}
			}
			kept = append(kept, secret)
		}
	}
	return kept
}

func (p Place) holds(secret *Secret) bool {
	named := len(p.Names) == 0 || slices.ContainsFunc(p.Names, func(pattern string) bool {
		match, err := path.Match(pattern, secret.Name)
		return err == nil && match
	})
	return secret.Namespace == p.Namespace && (p.Type == "" || secret.Type == p.Type) && named
}
