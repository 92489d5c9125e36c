package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// maxFileSize bounds one file of a folder; a list of 45,000 replicas as YAML is about 150 MiB.
	maxFileSize = 256 << 20
	// maxFolderSize bounds all files of a folder together.
	maxFolderSize = 2 << 30
)

// FolderOptions say how a folder is read.
type FolderOptions struct {
	// AssumeComplete treats a kind of which the folder holds no object as empty, rather than as unread.
	AssumeComplete bool
	// Strict refuses fields that the Go types do not have. Off by default: a newer cluster may know more fields.
	Strict bool
}

// Folder is a cluster in files: every object in the .yaml, .yml and .json files below a folder, or in one file, and beside
// them kubelet/NODE.stats.json, kubelet/NODE.configz.json, and the certificates certificates/apiserver-NODE.pem and
// certificates/kubelet-NODE.pem.
type Folder struct {
	name     string
	options  FolderOptions
	objects  map[Kind][]client.Object
	declared map[Kind]bool
	seen     map[string]string
	kubelets map[string]Kubelet
	// chains are the certificates by the names of their files, without the ending.
	chains map[string][]Certificate
}

// ReadFolder reads a folder, or a single file, whole. Its error is one line that names the file, and where the content is
// at fault, the line.
func ReadFolder(name string, options FolderOptions) (*Folder, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read the cluster: %w", err)
	}
	if info.IsDir() {
		return ReadFS(os.DirFS(name), name, options)
	}
	return ReadFS(os.DirFS(filepath.Dir(name)), name, options, filepath.Base(name))
}

// ReadFS reads the files of a file system, or only those named. name is what messages call the whole.
func ReadFS(files fs.FS, name string, options FolderOptions, only ...string) (*Folder, error) {
	f, documents, err := readFolder(files, name, options, only...)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case documents == 0:
		return nil, fmt.Errorf("read %s: %w", name, errNoObjects)
	}
	return f, nil
}

var errNoObjects = errors.New("no .yaml, .yml or .json file with an object in it")

// readFolder is ReadFS, which also returns how many documents with objects of the tables there were.
func readFolder(files fs.FS, name string, options FolderOptions, only ...string) (*Folder, int, error) {
	f := &Folder{
		name: name, options: options,
		objects: map[Kind][]client.Object{}, declared: map[Kind]bool{}, seen: map[string]string{}, kubelets: map[string]Kubelet{},
		chains: map[string][]Certificate{},
	}
	reader := folderReader{folder: f, files: files, decode: newDecoder(options.Strict)}
	if len(only) > 0 {
		for _, file := range only {
			if err := reader.readFile(file); err != nil {
				return nil, 0, err
			}
		}
	} else if err := fs.WalkDir(files, ".", reader.visit); err != nil {
		return nil, 0, err
	}
	return f, reader.read, nil
}

// folderReader walks the files of a folder.
type folderReader struct {
	folder *Folder
	files  fs.FS
	decode *decoder
	total  int64
	read   int
}

func (r *folderReader) visit(file string, entry fs.DirEntry, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if entry.IsDir() && areBundleLists(r.files, file) {
		if file == "." {
			return errListsAlone
		}
		return fmt.Errorf("%s: %w", file, errListsAlone)
	}
	extension := strings.ToLower(path.Ext(file))
	isObject := extension == ".yaml" || extension == ".yml" || extension == ".json"
	if entry.IsDir() || !(isObject || isCertificate(file)) {
		return nil
	}
	if entry.Type()&fs.ModeType != 0 {
		return fmt.Errorf("%s: not a regular file", file)
	}
	return r.readFile(file)
}

func (r *folderReader) readFile(file string) error {
	content, err := r.content(file)
	if err != nil {
		return err
	}
	switch {
	case isCertificate(file):
		return r.folder.addCertificate(file, content)
	case path.Base(path.Dir(file)) == "kubelet":
		return r.folder.addKubelet(file, content)
	}
	documents, err := r.decode.file(file, content)
	if err != nil {
		return err
	}
	for _, document := range documents {
		if err := r.folder.add(file, document); err != nil {
			return err
		}
		r.read++
	}
	return nil
}

// content reads a file, refusing one that is larger than its limit before it is read.
func (r *folderReader) content(file string) ([]byte, error) {
	info, err := fs.Stat(r.files, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if info.Size() > maxFileSize {
		return nil, fmt.Errorf("%s: %d MiB is more than the limit of %d MiB for one file", file, info.Size()>>20, maxFileSize>>20)
	}
	if r.total += info.Size(); r.total > maxFolderSize {
		return nil, fmt.Errorf("%s: the folder is larger than the limit of %d MiB", file, maxFolderSize>>20)
	}
	content, err := fs.ReadFile(r.files, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return content, nil
}

// add keeps a document's objects of the table; every other kind is passed over.
func (f *Folder) add(file string, document document) error {
	f.declared[document.resource.Kind] = true
	for _, object := range document.objects {
		key := fmt.Sprintf("%s %s", document.resource.GVK.Kind, NameOf(object))
		if earlier, ok := f.seen[string(document.resource.Kind)+" "+key]; ok {
			return fmt.Errorf("%s: %s stands in %s already", file, key, earlier)
		}
		f.seen[string(document.resource.Kind)+" "+key] = file
		if document.resource.Select.matches(object) {
			f.objects[document.resource.Kind] = append(f.objects[document.resource.Kind], object)
		}
	}
	return nil
}

// Name implements Source.
func (f *Folder) Name() string { return f.name }

// List implements Source. A kind of which the folder holds neither an object nor an empty list is unread, for nobody can
// tell whether there was none. One that an operator has to grant is not granted then, for nobody has to collect it.
func (f *Folder) List(_ context.Context, resource Resource) ([]client.Object, Evidence) {
	objects := f.objects[resource.Kind]
	switch {
	case resource.Grant != nil && !f.declared[resource.Kind]:
		return nil, notGranted(resource, "the files hold no "+resource.GVK.Kind)
	case resource.Grant != nil:
		return resource.Grant.keep(objects), Evidence{State: Read}
	case len(objects) > 0 || f.declared[resource.Kind] || f.options.AssumeComplete:
		return objects, Evidence{State: Read}
	case resource.Optional != "":
		return nil, Evidence{State: NotInstalled, Because: "the files hold none, and " + resource.Optional + " is optional"}
	}
	return nil, unread(resource.Kind, "the files hold no "+resource.GVK.Kind+"; an empty "+resource.GVK.Kind+"List, or --assume-complete, says that there is none")
}

func (s Selector) matches(object client.Object) bool {
	if len(s.Labels) > 0 && !labels.SelectorFromSet(s.Labels).Matches(labels.Set(object.GetLabels())) {
		return false
	}
	if s.Namespace != "" && object.GetNamespace() != s.Namespace {
		return false
	}
	if event, ok := object.(*corev1.Event); ok && s.EventReason != "" {
		return event.Reason == s.EventReason
	}
	return true
}
