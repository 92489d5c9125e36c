package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/version"
)

// The names in a bundle.
const (
	yamlsDirectory = "yamls"
	metadataFile   = "metadata.yaml"
	errorLogFile   = "bundleGenerationError.log"
)

// bundleFile is one list of a bundle.
type bundleFile struct {
	resource Resource
	path     string
	// namespace is whose objects it holds; empty for cluster-scoped kinds.
	namespace string
	version   string
	size      int64
}

// bundleLayout is what there is below yamls/.
type bundleLayout struct {
	// files are the lists of each kind. Of a kind and a namespace the version that the table names comes first, then the others, the
	// most stable first.
	files map[Kind][]bundleFile
	// collected are the namespaces that were collected. Every namespace holds a ConfigMap and a ServiceAccount that Kubernetes itself
	// puts there, so one without any file was not. One that has nothing but Secrets was not either: machine plans are
	// collected separately.
	collected map[string]bool
}

// findLists walks yamls/, which holds cluster/GROUP/VERSION/PLURAL.yaml and namespaced/NAMESPACE/GROUP/VERSION/PLURAL.yaml, where the
// core group has only a version. Versions move with Kubernetes' releases, so that any is taken. Without yamls/ there are none.
func findLists(files fs.FS) (*bundleLayout, error) {
	rows := map[string]Resource{}
	for _, resource := range append(Resources(), namespaceList()) {
		rows[scopeOf(resource)+resource.GVK.Group+"/"+resource.Plural] = resource
	}
	layout := &bundleLayout{files: map[Kind][]bundleFile{}, collected: map[string]bool{}}
	err := fs.WalkDir(files, yamlsDirectory, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case name == yamlsDirectory && errors.Is(err, fs.ErrNotExist):
			return fs.SkipAll
		case err != nil:
			return fmt.Errorf("%s: %w", name, bare(err))
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s: not a regular file", name)
		}
		info, err := entry.Info()
		if err != nil {
			return fmt.Errorf("%s: %w", name, bare(err))
		}
		layout.add(rows, name, info.Size())
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, files := range layout.files {
		slices.SortFunc(files, byNamespaceAndVersion)
	}
	return layout, nil
}

const (
	clusterScope   = "cluster/"
	namespaceScope = "namespaced/"
)

func scopeOf(resource Resource) string {
	if resource.Namespaced {
		return namespaceScope
	}
	return clusterScope
}

func (l *bundleLayout) add(rows map[string]Resource, name string, size int64) {
	file, scope := bundleFile{path: name, size: size}, clusterScope
	name = strings.TrimPrefix(name, yamlsDirectory+"/")
	rest, ok := strings.CutPrefix(name, clusterScope)
	if !ok {
		if rest, ok = strings.CutPrefix(name, namespaceScope); !ok {
			return
		}
		scope = namespaceScope
		if file.namespace, rest, ok = strings.Cut(rest, "/"); !ok {
			return
		}
	}
	groupVersion, base := path.Split(rest)
	plural, ok := strings.CutSuffix(base, ".yaml")
	if !ok {
		return
	}
	group, version, ok := strings.Cut(strings.TrimSuffix(groupVersion, "/"), "/")
	if !ok {
		group, version = "", group
	}
	if file.namespace != "" && !(group == "" && plural == "secrets") {
		l.collected[file.namespace] = true
	}
	if file.resource, ok = rows[scope+group+"/"+plural]; ok {
		file.version = version
		l.files[file.resource.Kind] = append(l.files[file.resource.Kind], file)
	}
}

func byNamespaceAndVersion(a, b bundleFile) int {
	if c := cmp.Compare(a.namespace, b.namespace); c != 0 {
		return c
	}
	own := a.resource.GVK.Version
	if (a.version == own) != (b.version == own) {
		if a.version == own {
			return -1
		}
		return 1
	}
	return cmp.Or(-version.CompareKubeAwareVersionStrings(a.version, b.version), cmp.Compare(a.version, b.version))
}
