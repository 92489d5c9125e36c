package supportbundle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What a bundle says when the options do not.
const (
	defaultName    = "bundle-x7k2p"
	defaultLogSize = 2 << 10
	// unavailable is what client-go makes of an aggregated API server that does not answer.
	unavailable = "the server is currently unable to handle the request"
)

// Options say what bundle to write. Created is required, the rest has a default.
type Options struct {
	// Created is when the bundle was made. It stands in the metadata, in the file's name and on every entry, so that the same
	// cluster gives the same bytes.
	Created time.Time
	// Name is the SupportBundle object's, "bundle-x7k2p" if empty.
	Name string
	// Label takes the place of the UID of harvester-system in the file's name, as the setting support-bundle-file-name does.
	Label string
	// IssueURL and Description are what the user typed. Both may be empty.
	IssueURL, Description string
	// ExtraNamespaces are collected beside Harvester's own, as the setting support-bundle-namespaces has it.
	ExtraNamespaces []string
	// WithoutNamespaces are not collected, although they are Harvester's own: older releases have a shorter list.
	WithoutNamespaces []string
	// Versions are the versions at which groups are served, by group, where another release prefers another one.
	Versions map[string]string
	// LogSize is the size of every container's log in bytes. Zero means 2 KiB.
	LogSize int
	// NodeSize is the size in bytes of the archive that each node's zip carries. It does not compress. Zero means 2 KiB.
	NodeSize int
	// Faults are what goes wrong.
	Faults Faults
}

// Faults are what goes wrong while a bundle is made. The zero value is nothing.
type Faults struct {
	// Lists fail: each leaves a line in bundleGenerationError.log, and no file.
	Lists []ListFault
	// Discovery is the error with which the API server's resources cannot be found out, at which a collector gives up. Empty is none.
	Discovery string
	// DiscoveryOf are the times when it cannot: HarvesterCollector, ClusterCollector, or the name of a namespace. Empty means every time.
	DiscoveryOf []string
	// Truncated cuts the zip off in its middle, as a download that broke off. An unpacked bundle stays whole.
	Truncated bool
}

// The times at which discovery can fail, beside the name of a namespace.
const (
	HarvesterCollector = "the harvester collector"
	ClusterCollector   = "the cluster collector"
)

// ListFault is a list that fails. An empty field stands for anything, except for Group, where it is Kubernetes' core.
type ListFault struct {
	Group, Resource, Namespace string
	// Error is what the API server says. Empty means that it is unable to handle the request.
	Error string
}

func (o Options) withDefaults() Options {
	o.Created = o.Created.UTC().Truncate(time.Second)
	o.Name = cmp.Or(o.Name, defaultName)
	o.LogSize = cmp.Or(o.LogSize, defaultLogSize)
	o.NodeSize = cmp.Or(o.NodeSize, defaultLogSize)
	return o
}

// namespaces are the ones that the bundle collects: three that are the kit's, Harvester's, and those that the user asked for.
func (o Options) namespaces() []string {
	all := []string{
		"default", "kube-system", "cattle-system",
		"cattle-dashboards", "cattle-fleet-local-system", "cattle-fleet-system", "cattle-fleet-clusters-system",
		"cattle-monitoring-system", "fleet-local", "harvester-system", "local", "longhorn-system",
		"cattle-logging-system", "cattle-provisioning-capi-system",
	}
	all = slices.DeleteFunc(append(all, o.ExtraNamespaces...), func(namespace string) bool {
		return slices.Contains(o.WithoutNamespaces, namespace)
	})
	var once []string
	for _, namespace := range all {
		if !slices.Contains(once, namespace) {
			once = append(once, namespace)
		}
	}
	return once
}

// validate returns an error for an option that can have no effect, such as a misspelt one, over what is served.
func (o Options) validate(groups []*metav1.APIResourceList) error {
	own := Options{}.namespaces()
	for _, namespace := range o.WithoutNamespaces {
		if !slices.Contains(own, namespace) {
			return fmt.Errorf("the namespace %s, which is to be left out, is none of Harvester's own: %s", namespace, strings.Join(own, ", "))
		}
	}
	times := append(o.namespaces(), HarvesterCollector, ClusterCollector)
	for _, of := range o.Faults.DiscoveryOf {
		if !slices.Contains(times, of) {
			return fmt.Errorf("discovery cannot fail for %s, which is neither a collector nor a namespace that is collected", of)
		}
	}
	for group := range o.Versions {
		if !slices.ContainsFunc(groups, func(served *metav1.APIResourceList) bool { return strings.HasPrefix(served.GroupVersion, group+"/") }) {
			return fmt.Errorf("the group %s, which is to have another version, is not served", group)
		}
	}
	for _, fault := range o.Faults.Lists {
		if !o.reaches(fault, groups) {
			return fmt.Errorf("no list is asked for that is to fail: resource %q of group %q in namespace %q", fault.Resource, fault.Group, fault.Namespace)
		}
	}
	return nil
}

// reaches tells whether a list that is to fail is asked for.
func (o Options) reaches(fault ListFault, groups []*metav1.APIResourceList) bool {
	for _, group := range groups {
		served, err := schema.ParseGroupVersion(group.GroupVersion)
		if err != nil {
			continue
		}
		for _, resource := range group.APIResources {
			namespace := ""
			if resource.Namespaced {
				namespace = fault.Namespace
			}
			if fault.hits(served.Group, resource.Name, namespace) && (fault.Namespace == "" || slices.Contains(o.namespaces(), fault.Namespace)) {
				return true
			}
		}
	}
	return false
}

// top is the name of the bundle's one folder, and of its file without the ending.
func (o Options) top(uid string) string {
	created := strings.ReplaceAll(o.Created.Format(time.RFC3339), ":", "-")
	return "supportbundle_" + cmp.Or(o.Label, uid) + "_" + created
}

// list returns the error with which a list fails; empty where it does not.
func (f Faults) list(group, resource, namespace string) string {
	for _, fault := range f.Lists {
		if fault.hits(group, resource, namespace) {
			return cmp.Or(fault.Error, unavailable)
		}
	}
	return ""
}

func (f ListFault) hits(group, resource, namespace string) bool {
	return f.Group == group && anyOr(f.Resource, resource) && anyOr(f.Namespace, namespace)
}

// discovery returns the error with which discovery fails at a time; empty where it does not.
func (f Faults) discovery(of string) string {
	if len(f.DiscoveryOf) == 0 || slices.Contains(f.DiscoveryOf, of) {
		return f.Discovery
	}
	return ""
}

func anyOr(pattern, value string) bool { return pattern == "" || pattern == value }
