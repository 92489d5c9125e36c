package clustertest

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// Zip packs files below a top directory, which may be empty, with an entry for each directory, as zip -r does.
func Zip(top string, files map[string][]byte) []byte {
	var packed bytes.Buffer
	writer := zip.NewWriter(&packed)
	made := map[string]bool{".": true}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		full := path.Join(top, name)
		for _, directory := range directoriesOf(full) {
			if !made[directory] {
				made[directory] = true
				if _, err := writer.Create(directory + "/"); err != nil {
					panic(err)
				}
			}
		}
		entry, err := writer.Create(full)
		if err != nil {
			panic(err)
		}
		if _, err := entry.Write(files[name]); err != nil {
			panic(err)
		}
	}
	if err := writer.Close(); err != nil {
		panic(err)
	}
	return packed.Bytes()
}

// directoriesOf returns the directories above a file, the topmost first.
func directoriesOf(file string) []string {
	var above []string
	for directory := path.Dir(file); directory != "."; directory = path.Dir(directory) {
		above = append(above, directory)
	}
	slices.Reverse(above)
	return above
}

// Raw returns the objects of a generated cluster as the API server answers them, with managed fields.
func (c *Cluster) Raw() []map[string]any {
	var all []map[string]any
	for _, object := range c.Objects() {
		text, err := json.Marshal(object)
		if err != nil {
			panic(err)
		}
		var raw map[string]any
		if err := json.Unmarshal(text, &raw); err != nil {
			panic(err)
		}
		metadata := raw["metadata"].(map[string]any)
		metadata["managedFields"] = managedFields(raw)
		all = append(all, raw)
	}
	return all
}

// managedFields lists every field of an object, as the API server does for the one manager that wrote them all.
func managedFields(object map[string]any) []any {
	return []any{map[string]any{
		"apiVersion": object["apiVersion"], "fieldsType": "FieldsV1", "manager": "manager", "operation": "Update", "time": "2026-11-01T02:00:00Z",
		"fieldsV1": fieldsOf(object),
	}}
}

func fieldsOf(value any) map[string]any {
	fields := map[string]any{}
	if object, ok := value.(map[string]any); ok {
		for name, field := range object {
			fields["f:"+name] = fieldsOf(field)
		}
	}
	return fields
}

// RawFolder returns the objects in the YAML files below a folder, as they stand there.
func RawFolder(files fs.FS) ([]map[string]any, error) {
	var all []map[string]any
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		for _, document := range strings.Split("\n"+string(content), "\n---") {
			var object map[string]any
			if err := utilyaml.Unmarshal([]byte(document), &object); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if items, ok := object["items"].([]any); ok {
				for _, item := range items {
					all = append(all, item.(map[string]any))
				}
			} else if object != nil {
				all = append(all, object)
			}
		}
		return nil
	})
	return all, err
}
