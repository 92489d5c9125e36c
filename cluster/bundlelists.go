package cluster

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
	kjson "sigs.k8s.io/json"
)

// maxWholeList bounds a list that is not in block style, which has to be held whole.
const maxWholeList = 64 << 20

// bundleContent is what a file of a bundle holds.
type bundleContent struct {
	objects []client.Object
	// wrong says why the file does not hold what it should; nil where it does.
	wrong error
}

// readLists reads the lists, the largest first, on all cores. Its error is that of a file that could not be read at all.
func readLists(files fs.FS, layout *bundleLayout) (map[string]bundleContent, error) {
	var order []bundleFile
	for _, of := range layout.files {
		for _, file := range of {
			if only := file.resource.Select.Namespace; only == "" || only == file.namespace {
				order = append(order, file)
			}
		}
	}
	slices.SortFunc(order, func(a, b bundleFile) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.path, b.path))
	})
	contents, errs := make([]bundleContent, len(order)), make([]error, len(order))
	next := make(chan int, len(order))
	for i := range order {
		next <- i
	}
	close(next)
	var readers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(order)) {
		readers.Go(func() {
			reader := listFileReader{files: files, lines: bufio.NewReaderSize(nil, firstBuffer)}
			for i := range next {
				contents[i], errs[i] = reader.readSafely(order[i])
			}
		})
	}
	readers.Wait()
	byPath := make(map[string]bundleContent, len(order))
	for i, file := range order {
		if errs[i] != nil {
			return nil, fmt.Errorf("%s: %w", file.path, errs[i])
		}
		byPath[file.path] = contents[i]
	}
	return byPath, nil
}

// listFileReader reads one list after the other. It holds one object at a time, and what is kept of those before.
type listFileReader struct {
	files fs.FS
	lines *bufio.Reader
	json  []byte
	items itemReader

	file    bundleFile
	whole   client.Object
	objects []client.Object
	names   map[string]bool
}

// readSafely turns a panic while an object is decoded into a list that is wrong.
func (r *listFileReader) readSafely(file bundleFile) (content bundleContent, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			content = bundleContent{wrong: fmt.Errorf("reading failed: %v", failure)}
		}
	}()
	r.file, r.whole, r.objects, r.names = file, file.resource.newObject(), nil, map[string]bool{}
	err = r.read()
	if errors.Is(err, errOtherForm) {
		r.objects, r.names = nil, map[string]bool{}
		err = r.readWhole()
	}
	if wrong := (*badContent)(nil); errors.As(err, &wrong) {
		return bundleContent{wrong: wrong}, nil
	}
	return bundleContent{objects: r.objects}, err
}

// read reads a list in block style.
func (r *listFileReader) read() error {
	file, err := r.files.Open(r.file.path)
	if err != nil {
		return bare(err)
	}
	defer file.Close()
	r.lines.Reset(file)
	r.items.reset(r.lines, cutFields(r.file.resource))
	return r.items.each(func(item []byte, line int) error {
		if reason := r.file.resource.Select.EventReason; reason != "" && !bytes.Contains(item, []byte(reason)) && !bytes.Contains(item, []byte(`\`)) {
			return nil // Events are many, and the reason of this one is another.
		}
		text, err := kitJSON(item, r.json)
		if err != nil {
			return &badContent{line, errors.New(firstLine([]byte(err.Error())))}
		}
		if cap(text) > cap(r.json) {
			r.json = text
		}
		return r.take(text, line)
	})
}

// cutFields are the fields that are left out of an object's text: what managed fields say is read by nobody, and the schemas of
// definitions are megabytes.
func cutFields(resource Resource) map[string]string {
	cut := map[string]string{"metadata": "managedFields"}
	if resource.Kind == CustomResourceDefinitions {
		cut["spec"] = "versions"
	}
	return cut
}

// readWhole reads a list that is in any other form of YAML, or in JSON.
func (r *listFileReader) readWhole() error {
	file, err := r.files.Open(r.file.path)
	if err != nil {
		return bare(err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxWholeList+1))
	if err != nil {
		return err
	}
	if len(content) > maxWholeList {
		return &badContent{0, fmt.Errorf("a list that is not in block style may have no more than %d MiB", maxWholeList>>20)}
	}
	list, err := decodeWholeList(content)
	if err != nil {
		return &badContent{0, err}
	}
	for i, item := range list.Items {
		text, err := kitJSONByLibrary(item)
		if err == nil {
			err = r.take(text, 0)
		}
		if err != nil {
			return &badContent{0, fmt.Errorf("item %d of the list: %s", i, firstLine([]byte(err.Error())))}
		}
	}
	return nil
}

func decodeWholeList(content []byte) (header, error) {
	var list header
	documents := slices.DeleteFunc(splitDocuments(content), func(p part) bool { return len(bytes.TrimSpace(p.content)) == 0 })
	if len(documents) != 1 {
		return list, fmt.Errorf("it holds %d documents, and should hold one list", len(documents))
	}
	asJSON, err := toJSON(documents[0].content)
	if err != nil {
		return list, errors.New(firstLine([]byte(err.Error())))
	}
	if err := json.Unmarshal(asJSON, &list); err != nil || !strings.HasSuffix(list.Kind, "List") {
		return list, errors.New("it holds no list of Kubernetes objects")
	}
	return list, nil
}

// take keeps an object, if it is one of those that are read.
func (r *listFileReader) take(text []byte, line int) error {
	resource := r.file.resource
	wrong := func(format string, args ...any) error { return &badContent{line, fmt.Errorf(format, args...)} }
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, r.whole); err != nil {
		return wrong("decode the %s: %s", resource.GVK.Kind, firstLine([]byte(err.Error())))
	}
	name, kind := r.whole.GetName(), r.whole.GetObjectKind().GroupVersionKind().Kind
	switch {
	case name == "":
		return wrong("a %s without metadata.name", resource.GVK.Kind)
	case kind != "" && kind != resource.GVK.Kind:
		return wrong("a %.40s, and the list is one of %s", kind, resource.Plural)
	case r.whole.GetNamespace() != r.file.namespace:
		return wrong("%s %s is of the namespace %q, and its file of %q", resource.GVK.Kind, name, r.whole.GetNamespace(), r.file.namespace)
	case r.names[name]:
		return wrong("%s %s stands in the list twice", resource.GVK.Kind, name)
	}
	r.names[name] = true
	selected := resource.Select.matches(r.whole)
	if object := resource.takeFrom(r.whole); selected {
		r.objects = append(r.objects, object)
	}
	return nil
}
