package webhook

import (
	"cmp"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/gate"
)

// upgrade is what one admission request asks for.
type upgrade struct {
	gate.Request
	// uid is the object's. That of an object which is being created will be borne by nothing if the request is refused.
	uid types.UID
	// passed says why the request is none of the gate's business; empty for one that is judged.
	passed string
}

// manifest holds the fields of an Upgrade or UpgradePlan that say what is upgraded to. Everything else may be malformed: the
// API server's schema judges that.
type manifest struct {
	Metadata struct {
		Name         string            `json:"name"`
		GenerateName string            `json:"generateName"`
		UID          types.UID         `json:"uid"`
		Annotations  map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Version string `json:"version"`
		Image   string `json:"image"`
	} `json:"spec"`
}

// sameTarget tells whether two manifests upgrade to the same thing.
func (m manifest) sameTarget(other manifest) bool {
	return m.Spec == other.Spec
}

// readUpgrade finds out what a request asks for. What the registrations should have kept away from us is passed with a
// reason; an error means that it should be judged but cannot be read. The upgrade then holds what the request itself says.
func readUpgrade(req admission.Request) (upgrade, error) {
	u := upgrade{Request: gate.Request{Request: checks.Request{Object: checks.Object{
		APIVersion: schema.GroupVersion{Group: req.Kind.Group, Version: req.Kind.Version}.String(),
		Kind:       req.Kind.Kind, Namespace: req.Namespace, Name: req.Name,
	}}}}
	switch {
	case !judgedKind(req.Kind):
		u.passed = "the gate does not judge this kind"
	case req.SubResource != "":
		u.passed = "the gate does not judge subresources"
	case req.Operation != admissionv1.Create && req.Operation != admissionv1.Update:
		u.passed = "the gate judges CREATE and UPDATE only"
	}
	if u.passed != "" {
		return u, nil
	}
	wanted, err := readManifest(req.Object.Raw)
	if err != nil {
		return u, fmt.Errorf("read the %s: %w", req.Kind.Kind, err)
	}
	u.Object.Name = cmp.Or(wanted.Metadata.Name, req.Name, generated(wanted.Metadata.GenerateName))
	u.Version, u.Image, u.Annotations = wanted.Spec.Version, wanted.Spec.Image, wanted.Metadata.Annotations
	u.uid = wanted.Metadata.UID
	if req.Operation == admissionv1.Create {
		return u, nil
	}
	// An old object that cannot be read counts as different: then the new one is judged.
	if before, err := readManifest(req.OldObject.Raw); err == nil && before.sameTarget(wanted) {
		u.passed = "spec.version and spec.image are unchanged"
	}
	return u, nil
}

func readManifest(raw []byte) (manifest, error) {
	var m manifest
	if len(raw) == 0 {
		return m, fmt.Errorf("the request holds no object")
	}
	return m, json.Unmarshal(raw, &m)
}

// judgedKind compares without the version: the API server converts to the registered one.
func judgedKind(kind metav1.GroupVersionKind) bool {
	plan := cluster.UpgradePlanGVK()
	return kind.Group == cluster.HarvesterGV().Group && kind.Kind == "Upgrade" || kind.Group == plan.Group && kind.Kind == plan.Kind
}

// generated names an object whose name the API server has still to make up.
func generated(prefix string) string {
	if prefix == "" {
		return ""
	}
	return prefix + "…"
}
