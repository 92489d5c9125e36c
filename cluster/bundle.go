package cluster

import (
	"context"
	"errors"
	"io/fs"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// SupportBundle is a cluster in a support bundle of rancher/support-bundle-kit, which Harvester makes. It holds most kinds, and of namespaces only
// those that the kit was told to collect. What it does not hold, it says so.
type SupportBundle struct {
	name        string
	collectedAt time.Time
	lists       map[Kind]bundleList
}

// bundleList is what a bundle says of one kind.
type bundleList struct {
	objects  []client.Object
	evidence Evidence
}

// ReadSupportBundle reads a support bundle from its files, or from those of the one directory that holds it: of yamls/ the kinds of the table,
// metadata.yaml and bundleGenerationError.log, and nothing else. file is the base name of the archive or the folder, which may tell the
// date. An error says that the files could not be read or are no bundle, and names the file, but not the bundle. A list that could be
// read and is not what it should be leaves its kind Unread.
func ReadSupportBundle(files fs.FS, file string) (*SupportBundle, error) {
	top, err := findBundle(files)
	if err != nil {
		return nil, err
	}
	return readBundle(files, top, file)
}

func readBundle(files fs.FS, top, file string) (*SupportBundle, error) {
	within, err := fs.Sub(newBoundedFiles(files, bundleLimits()), top)
	if err != nil {
		return nil, err
	}
	log, err := readErrorLog(within)
	if err != nil {
		return nil, err
	}
	layout, err := findLists(within)
	if err != nil {
		return nil, err
	}
	if len(layout.files) == 0 {
		return nil, log.whyNoLists()
	}
	about, err := readMetadata(within, top, file)
	if err != nil {
		return nil, err
	}
	contents, err := readLists(within, layout)
	if err != nil {
		return nil, err
	}
	b := &SupportBundle{name: about.describe(file), collectedAt: about.createdAt, lists: map[Kind]bundleList{}}
	judge := newBundleJudge(layout, log, contents)
	for _, resource := range Resources() {
		list := judge.list(resource)
		if list.evidence.held() {
			list.evidence.ReadAt = about.createdAt
		}
		b.lists[resource.Kind] = list
	}
	return b, nil
}

// Name implements Source.
func (b *SupportBundle) Name() string { return b.name }

// CollectedAt implements Dated: when the kit began to collect the bundle; zero where neither its metadata nor its name tells.
func (b *SupportBundle) CollectedAt() time.Time { return b.collectedAt }

// List implements Source. Secrets are not granted: the kit leaves them out, but for the machine plans, which alone would pass
// for all of them.
func (b *SupportBundle) List(_ context.Context, resource Resource) ([]client.Object, Evidence) {
	if resource.Grant != nil {
		return nil, notGranted(resource, "a support bundle holds no Secrets but the status of machine plans")
	}
	list, ok := b.lists[resource.Kind]
	if !ok {
		return nil, unread(resource.Kind, "not a kind that is read from a support bundle")
	}
	return list.objects, list.evidence
}

// Probe implements Source: a bundle holds nothing that a server answered. The setting ssl-certificates, which the kit leaves out, belongs
// to the same check as the certificates.
func (b *SupportBundle) Probe(context.Context, Targets) Probed {
	return Probed{
		KubeletsUnread:     "a support bundle does not hold what kubelets answer",
		CertificatesUnread: "a support bundle does not hold the certificates that servers present, nor the setting ssl-certificates",
	}
}

// findBundle returns the directory that is a bundle, "." for the files themselves: the one that holds yamls/ or metadata.yaml.
func findBundle(files fs.FS) (string, error) {
	if looksLikeBundle(files, ".") {
		return ".", nil
	}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return "", bare(err)
	}
	var found []string
	for _, entry := range entries {
		if entry.IsDir() && looksLikeBundle(files, entry.Name()) {
			found = append(found, entry.Name())
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if holdsOnlyLogs(files) {
			return "", errOnlyLogs
		}
		return "", errNoBundle
	}
	return "", severalBundles(found)
}

// errNoBundle says that files are not those of a support bundle.
var errNoBundle = errors.New("it is no support bundle: neither it nor a directory at its top holds metadata.yaml or yamls/")

func looksLikeBundle(files fs.FS, directory string) bool {
	return isThere(files, directory, metadataFile, false) || isThere(files, directory, yamlsDirectory, true)
}

// isThere tells whether a directory holds a file, or a directory, of that name.
func isThere(files fs.FS, directory, name string, isDirectory bool) bool {
	entries, _ := fs.ReadDir(files, directory)
	for _, entry := range entries {
		if entry.Name() == name {
			return entry.IsDir() == isDirectory
		}
	}
	return false
}

// namespaceList is the row of namespaces, which are read to tell what was not collected. No check reads them.
func namespaceList() Resource {
	return Resource{
		Kind: "namespaces", GVK: core("Namespace"), Plural: "namespaces",
		newObject: func() client.Object { return &corev1.Namespace{} },
		takeFrom: func(object client.Object) client.Object {
			name := &corev1.Namespace{}
			name.Name = object.GetName()
			*object.(*corev1.Namespace) = corev1.Namespace{}
			return name
		},
	}
}
