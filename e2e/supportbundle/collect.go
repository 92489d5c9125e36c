package supportbundle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// harvesterNamespace is the one that the kit runs in.
const harvesterNamespace = "harvester-system"

// collector fills a bundle.
type collector struct {
	ctx     context.Context
	api     API
	options Options
	// served is what the API server's discovery said, and discovery its error, at which every collector gives up.
	served    []*metav1.APIResourceList
	discovery error
	// files are the contents by their path below the bundle's folder.
	files map[string][]byte
	// log becomes bundleGenerationError.log.
	log bytes.Buffer
}

// Collect reads a cluster as the kit does, and returns the bundle. A list that cannot be read is no error: it leaves a line in the
// bundle. An error is what keeps the kit from making a bundle at all.
func Collect(ctx context.Context, api API, options Options) (*Bundle, error) {
	if options.Created.IsZero() {
		return nil, errors.New("collecting a support bundle: the time of its creation is not set")
	}
	options = options.withDefaults()
	served, discovery := api.Resources(ctx)
	if discovery == nil {
		if err := options.validate(served); err != nil {
			return nil, fmt.Errorf("collecting a support bundle: %w", err)
		}
	}
	c := &collector{served: served, discovery: discovery, ctx: ctx, api: api, options: options, files: map[string][]byte{}}
	var namespace metav1.PartialObjectMetadata
	if err := c.get("/api/v1/namespaces/"+harvesterNamespace, &namespace); err != nil {
		return nil, fmt.Errorf("collecting a support bundle: %w", err)
	}
	if err := c.metadata(string(namespace.UID)); err != nil {
		return nil, err
	}
	// The order of the collectors shows in the log alone.
	c.collectHarvester()
	c.collectCluster()
	c.collectNamespaces()
	c.collectLogs()
	if err := c.collectNodes(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("collecting a support bundle: %w", err)
	}
	c.files["bundleGenerationError.log"] = c.log.Bytes()
	return &Bundle{
		Name: options.top(string(namespace.UID)), files: c.files, created: options.Created, truncated: options.Faults.Truncated,
	}, nil
}

// get decodes what the API server answers under a path.
func (c *collector) get(path string, into any) error {
	answer, err := c.api.Get(c.ctx, path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// metadata writes metadata.yaml, whose keys are the kit's Go names in lower case.
func (c *collector) metadata(uid string) error {
	var version struct{ GitVersion string }
	if err := c.get("/version", &version); err != nil {
		return fmt.Errorf("collecting a support bundle: %w", err)
	}
	text, err := encode(struct {
		BundleName, BundleVersion, KubernetesVersion, ProjectNamespaceUUID, BundleCreatedAt, IssueURL, IssueDescription string
	}{
		c.options.Name, "0.1.0", version.GitVersion, uid, c.options.Created.Format("2006-01-02T15:04:05Z"), c.options.IssueURL, c.options.Description,
	})
	c.files["metadata.yaml"] = text
	return err
}

// complain adds a line to bundleGenerationError.log.
func (c *collector) complain(format string, args ...any) {
	fmt.Fprintf(&c.log, format+"\n", args...)
}

// collectHarvester adds what Harvester keeps away from the other collectors and lets this one choose from.
func (c *collector) collectHarvester() {
	secrets := func(gv schema.GroupVersion, r metav1.APIResource) bool { return r.Namespaced && r.Name == "secrets" }
	if !c.collect(HarvesterCollector, "fleet-local", secrets, func(l list) list {
		return l.keep(func(item map[string]any) bool { return item["type"] == "rke.cattle.io/machine-plan" })
	}) {
		return
	}
	settings := func(gv schema.GroupVersion, r metav1.APIResource) bool {
		return !r.Namespaced && gv.Group == "harvesterhci.io" && gv.Version == "v1beta1" && r.Kind == "Setting"
	}
	c.collect(HarvesterCollector, "", settings, func(l list) list {
		return l.keep(func(item map[string]any) bool {
			metadata, _ := item["metadata"].(map[string]any)
			name, _ := metadata["name"].(string)
			return !slices.Contains([]string{"cluster-registration-url", "containerd-registry", "additional-ca", "ssl-certificates"}, name)
		})
	})
}

// collectCluster adds everything that has no namespace.
func (c *collector) collectCluster() {
	c.collect(ClusterCollector, "", func(gv schema.GroupVersion, r metav1.APIResource) bool {
		return !r.Namespaced && !excluded(gv.Group, r.Name)
	}, list.orNil)
}

// collectNamespaces adds everything that is in the namespaces of the options.
func (c *collector) collectNamespaces() {
	for _, namespace := range c.options.namespaces() {
		c.collect(namespace, namespace, func(gv schema.GroupVersion, r metav1.APIResource) bool {
			return r.Namespaced && !excluded(gv.Group, r.Name)
		}, list.orNil)
	}
}

// excluded tells whether Harvester keeps a resource out of its bundles, for the secrets in it.
func excluded(group, resource string) bool {
	switch group {
	case "":
		return resource == "secrets"
	case "harvesterhci.io":
		return resource == "settings"
	case "management.cattle.io":
		return slices.Contains([]string{"authconfigs", "authtokens", "samltokens", "tokens", "users"}, resource)
	}
	return false
}

// collect adds a file for every resource that is wanted and has objects, in a namespace, or without one. choose may leave out some, and returns nil for none.
// It returns false where discovery failed, at which a collector gives up.
func (c *collector) collect(of, namespace string, wanted func(schema.GroupVersion, metav1.APIResource) bool, choose func(list) list) bool {
	failure := c.discovery
	if invented := c.options.Faults.discovery(of); invented != "" {
		failure = errors.New(invented)
	}
	if failure != nil {
		scope := "namespaced"
		if namespace == "" {
			scope = "cluster"
		}
		c.complain("Unable to fetch %s resources: %v", scope, failure)
		return false
	}
	for _, group := range c.served {
		served, err := schema.ParseGroupVersion(group.GroupVersion)
		if err != nil {
			continue
		}
		for _, resource := range group.APIResources {
			if wanted(served, resource) {
				c.collectList(served, namespace, resource, choose)
			}
		}
	}
	return true
}

// collectList adds the file of one resource.
func (c *collector) collectList(served schema.GroupVersion, namespace string, resource metav1.APIResource, choose func(list) list) {
	shown := served
	if version, ok := c.options.Versions[served.Group]; ok {
		shown.Version = version
	}
	url := listPath(shown, namespace, resource.Name)
	answer, err := c.list(served, namespace, resource.Name)
	if err != nil {
		c.complain("Failed to get %s: %v", url, err)
		return
	}
	content, err := decodeList(answer, shown.String(), resource.Kind)
	if err != nil {
		// The kit prints the error of the request, which there was none.
		c.complain("Failed to parse objects received from %s: <nil>", url)
		return
	}
	if content = choose(content); content == nil {
		return
	}
	folder := path.Join("yamls", "cluster")
	if namespace != "" {
		folder = path.Join("yamls", "namespaced", namespace)
	}
	file := path.Join(folder, shown.String(), resource.Name+".yaml")
	text, err := encode(content)
	if err != nil {
		c.complain("Support Bundle: failed to generate %s: %v", file, err)
		return
	}
	c.files[file] = text
}

// list returns the API server's answer, unless the options say that it fails.
func (c *collector) list(gv schema.GroupVersion, namespace, resource string) ([]byte, error) {
	if failure := c.options.Faults.list(gv.Group, resource, namespace); failure != "" {
		return nil, errors.New(failure)
	}
	return c.api.Get(c.ctx, listPath(gv, namespace, resource))
}

// listPath is where the objects of a namespace are listed, or, without one, those of a cluster-scoped resource.
func listPath(gv schema.GroupVersion, namespace, resource string) string {
	root := "/apis"
	if gv.Group == "" {
		root = "/api"
	}
	if namespace != "" {
		resource = "namespaces/" + namespace + "/" + resource
	}
	return root + "/" + gv.String() + "/" + resource
}
