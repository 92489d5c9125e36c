package cluster

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// bundleJudge decides, kind by kind, what a bundle is evidence of. A kind without a file was empty, or not collected, or could not be
// listed: only together do the namespaces, the definitions and the log of errors tell which.
type bundleJudge struct {
	layout   *bundleLayout
	log      *bundleErrors
	contents map[string]bundleContent
	// namespaces are all that the cluster has, sorted, and namespacesUnknown is why they are not known.
	namespaces        []string
	namespacesUnknown string
	// definitions are the names of the CRDs, and definitionsUnknown is why they are not known.
	definitions        map[string]bool
	definitionsUnknown string
}

func newBundleJudge(layout *bundleLayout, log *bundleErrors, contents map[string]bundleContent) *bundleJudge {
	j := &bundleJudge{layout: layout, log: log, contents: contents}
	names := func(resource Resource, of string) ([]string, string) {
		list := j.clusterScoped(resource)
		var names []string
		for _, object := range list.objects {
			names = append(names, object.GetName())
		}
		slices.Sort(names)
		if list.evidence.State == Read && len(names) == 0 {
			return nil, "the bundle holds no list of " + of
		}
		if list.evidence.Because != "" {
			return nil, of + ": " + list.evidence.Because
		}
		return names, ""
	}
	definitions, unknown := names(definitionList(), "definitions")
	j.definitions, j.definitionsUnknown = map[string]bool{}, unknown
	for _, name := range definitions {
		j.definitions[name] = true
	}
	j.namespaces, j.namespacesUnknown = names(namespaceList(), "namespaces")
	return j
}

func definitionList() Resource {
	resource, _ := Lookup(CustomResourceDefinitions)
	return resource
}

// list returns the objects of a kind, and what they are worth.
func (j *bundleJudge) list(resource Resource) bundleList {
	list := j.anyScope(resource)
	if list.evidence.State == Read && len(list.objects) == 0 && neverEmpty(resource.Kind) {
		list.evidence = unread(resource.Kind, "the bundle holds none, and every cluster has some")
	}
	if list.evidence.State == Unread {
		list.objects = nil
	}
	return list
}

// neverEmpty tells the kinds of which every Harvester has an object.
func neverEmpty(kind Kind) bool {
	switch kind {
	case Nodes, APIServices, CustomResourceDefinitions, HarvesterSettings:
		return true
	}
	return false
}

func (j *bundleJudge) anyScope(resource Resource) bundleList {
	if len(j.layout.files[resource.Kind]) == 0 {
		if because, known := j.absent(resource); !known {
			return bundleList{evidence: because}
		}
	}
	if resource.Namespaced {
		return j.namespaced(resource)
	}
	return j.clusterScoped(resource)
}

// absent says of a kind without a file what that means; known is true where the kind is there and its objects may just be none.
func (j *bundleJudge) absent(resource Resource) (because Evidence, known bool) {
	if failed, ok := j.log.discovery[scopeOf(resource)]; ok {
		return unread(resource.Kind, "the kit could not find out which kinds there are: "+failed), false
	}
	switch name := resource.Plural + "." + resource.GVK.Group; {
	case isBuiltIn(resource.GVK.Group):
		return Evidence{}, true
	case j.definitionsUnknown != "":
		return unread(resource.Kind, "the bundle holds none, and whether the kind is installed is not known: "+j.definitionsUnknown), false
	case j.definitions[name]:
		return Evidence{}, true
	case resource.Optional != "":
		return Evidence{State: NotInstalled, Because: resource.Optional + " is not installed"}, false
	}
	return unread(resource.Kind, "its CRD is missing"), false
}

// isBuiltIn tells whether the API server itself serves a group, so that no definition does.
func isBuiltIn(group string) bool {
	return scheme.Scheme.IsGroupRegistered(group) || group == "apiregistration.k8s.io" || group == "apiextensions.k8s.io"
}

// noLog says why nothing can be made of a list that is not there.
const noLog = "the bundle has no " + errorLogFile + ", so that it cannot be told whether there were none"

// clusterScoped judges a kind whose objects are in one file, or in one of each version.
func (j *bundleJudge) clusterScoped(resource Resource) bundleList {
	objects, wrong := j.read(resource, "")
	if wrong != "" {
		return bundleList{evidence: unread(resource.Kind, wrong)}
	}
	if len(j.layout.files[resource.Kind]) == 0 && j.log.absent {
		return bundleList{evidence: unread(resource.Kind, noLog)}
	}
	if len(j.layout.files[resource.Kind]) == 0 && j.log.discovery[clusterScope] != "" {
		return bundleList{evidence: unread(resource.Kind, j.log.discovery[clusterScope])}
	}
	return bundleList{objects: objects, evidence: Evidence{State: Read}}
}

// read returns the objects that the files of a namespace hold, or of no namespace, each once: one that stands in the files of two versions
// is taken from the first. wrong says why they are not to be trusted.
func (j *bundleJudge) read(resource Resource, namespace string) (objects []client.Object, wrong string) {
	if failed := j.log.of(resource, namespace); failed != "" {
		return nil, "the kit could not list them: " + failed
	}
	seen := map[string]bool{}
	for _, file := range j.layout.files[resource.Kind] {
		if file.namespace != namespace {
			continue
		}
		content := j.contents[file.path]
		if content.wrong != nil {
			return nil, file.path + ": " + content.wrong.Error()
		}
		for _, object := range content.objects {
			if name := object.GetName(); !seen[name] {
				objects = append(objects, object)
				seen[name] = true
			}
		}
	}
	return objects, ""
}

// namespaced judges a kind by the namespaces in which its objects may live.
func (j *bundleJudge) namespaced(resource Resource) bundleList {
	homes := resource.Home
	if resource.Select.Namespace != "" {
		homes = []string{resource.Select.Namespace}
	}
	holding := map[string]bool{}
	for _, file := range j.layout.files[resource.Kind] {
		holding[file.namespace] = true
	}
	list := bundleList{evidence: Evidence{State: Read}}
	var missing missingNamespaces
	for _, namespace := range j.relevant(homes, holding) {
		objects, wrong := j.read(resource, namespace)
		list.objects = append(list.objects, objects...)
		switch {
		case wrong != "":
			missing.failed = append(missing.failed, "in namespace "+namespace+" "+wrong)
		case !holding[namespace] && !j.layout.collected[namespace]:
			missing.uncollected = append(missing.uncollected, namespace)
		case !holding[namespace] && j.log.absent:
			missing.untold = true
		default:
			continue
		}
		missing.namespaces = append(missing.namespaces, namespace)
	}
	if len(homes) == 0 {
		missing.unlisted, missing.of = j.namespacesUnknown, len(j.namespaces)
	}
	because := missing.because(len(homes) > 0)
	if because == "" {
		return list
	}
	if list.evidence = (Evidence{State: Partial, Because: because, Missing: missing.named()}); len(homes) > 0 || len(list.objects) == 0 && missing.unlisted != "" {
		list.evidence = unread(resource.Kind, because)
	}
	return list
}

// reservedNamespaces are two that the kit never collects by itself: Kubernetes reserves them for its leases and for what everybody may read, and neither
// a VM nor a pod lives there.
func reservedNamespaces() []string {
	return []string{corev1.NamespaceNodeLease, metav1.NamespacePublic}
}

// relevant returns the namespaces in which a kind's objects may be, sorted: its homes, if they exist, else all, and those that
// have a file, but for the reserved ones without.
func (j *bundleJudge) relevant(homes []string, holding map[string]bool) []string {
	all := map[string]bool{}
	for _, namespace := range j.namespaces {
		all[namespace] = true
	}
	if len(homes) > 0 {
		for namespace := range all {
			all[namespace] = slices.Contains(homes, namespace)
		}
		if j.namespacesUnknown != "" {
			for _, namespace := range homes {
				all[namespace] = true
			}
		}
	} else {
		maps.Copy(all, j.layout.collected)
		for _, reserved := range reservedNamespaces() {
			all[reserved] = false
		}
	}
	maps.Copy(all, holding)
	maps.DeleteFunc(all, func(_ string, relevant bool) bool { return !relevant })
	return slices.Sorted(maps.Keys(all))
}
