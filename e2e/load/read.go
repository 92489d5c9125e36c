package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// The folders of an example cluster that hold evidence which is not an object.
const (
	kubeletFolder      = "kubelet"
	certificatesFolder = "certificates"
)

// Read returns the objects of every .yaml, .yml and .json file below folder, in the order of the paths:
// multi-document files and Lists are taken apart. The folders kubelet and certificates at its top hold
// no objects and are left out.
func Read(folder string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path == filepath.Join(folder, kubeletFolder) || path == filepath.Join(folder, certificatesFolder) {
				return fs.SkipDir
			}
			return nil
		}
		switch filepath.Ext(path) {
		case ".yaml", ".yml", ".json":
		default:
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read, err := Decode(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		objects = append(objects, read...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the example cluster: %w", err)
	}
	return objects, nil
}

// Decode returns the objects of a YAML or JSON text: multi-document texts and Lists are taken apart. An
// empty document, or one with comments only, is left out. The error names the document by its number,
// counted from 1.
func Decode(text []byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for number := 1; ; number++ {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
		read, err := decodeDocument(document)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
		objects = append(objects, read...)
	}
}

func decodeDocument(document []byte) ([]*unstructured.Unstructured, error) {
	json, err := yaml.YAMLToJSONStrict(document) // JSON is YAML; strict about keys written twice
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(json)) == 0 || bytes.Equal(bytes.TrimSpace(json), []byte("null")) {
		return nil, nil
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(json); err != nil {
		return nil, err
	}
	if !object.IsList() {
		return []*unstructured.Unstructured{object}, nil
	}
	list, err := object.ToList()
	if err != nil {
		return nil, err
	}
	objects := make([]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		objects[i] = &list.Items[i]
	}
	return objects, nil
}
