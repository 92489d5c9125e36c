package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// document is one YAML document that holds objects of one kind of the table: an object, or a typed list.
type document struct {
	resource Resource
	objects  []client.Object
}

// decoder turns files into objects of the table's Go types.
type decoder struct {
	strict bool
	byKind map[string]Resource
}

func newDecoder(strict bool) *decoder {
	d := &decoder{strict: strict, byKind: map[string]Resource{}}
	for _, r := range everyResource() {
		d.byKind[r.GVK.Group+"/"+r.GVK.Kind] = r
	}
	return d
}

// file decodes every document of a file. Kinds that are not in the table are passed over.
func (d *decoder) file(name string, content []byte) ([]document, error) {
	var documents []document
	for _, part := range splitDocuments(content) {
		found, err := d.document(part.content)
		if err != nil {
			return nil, locate(name, part.line, err)
		}
		documents = append(documents, found...)
	}
	return documents, nil
}

// part is one document of a file and the line that it starts on, counted from zero.
type part struct {
	line    int
	content []byte
}

// splitDocuments cuts a file at the lines that separate YAML documents.
func splitDocuments(content []byte) []part {
	var parts []part
	start, startLine, line := 0, 0, 0
	for at := 0; at < len(content); {
		end := bytes.IndexByte(content[at:], '\n')
		next := len(content)
		if end >= 0 {
			next = at + end + 1
		}
		if isSeparator(content[at:next]) {
			parts = append(parts, part{line: startLine, content: content[start:at]})
			start, startLine = next, line+1
		}
		at = next
		line++
	}
	return append(parts, part{line: startLine, content: content[start:]})
}

func isSeparator(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	if !ok {
		return false
	}
	rest = bytes.TrimSpace(rest)
	return len(rest) == 0 || rest[0] == '#'
}

// header is what tells an object's kind; Items are those of a List.
type header struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Items      []json.RawMessage `json:"items"`
}

func (d *decoder) document(content []byte) ([]document, error) {
	asJSON, err := toJSON(content)
	if err != nil {
		return nil, err
	}
	if len(asJSON) == 0 || bytes.Equal(asJSON, []byte("null")) {
		return nil, nil
	}
	var head header
	if err := json.Unmarshal(asJSON, &head); err != nil {
		return nil, fmt.Errorf("not a Kubernetes object: %w", err)
	}
	if head.APIVersion == "" || head.Kind == "" {
		return nil, errors.New("not a Kubernetes object: apiVersion or kind is missing")
	}
	if head.Kind == "List" || (strings.HasSuffix(head.Kind, "List") && head.Items != nil) {
		return d.list(head)
	}
	found, err := d.object(asJSON, head)
	if err != nil || found == nil {
		return nil, err
	}
	return []document{*found}, nil
}

// toJSON converts a document, unless it is JSON already: that is a subset of YAML, and many times faster to read.
func toJSON(content []byte) ([]byte, error) {
	content = bytes.TrimSpace(content)
	if bytes.HasPrefix(content, []byte("{")) && json.Valid(content) {
		return content, nil
	}
	converted, err := yaml.YAMLToJSON(content)
	return bytes.TrimSpace(converted), err
}

// list decodes the items of a List, or of a typed list, which declares its kind even when it is empty.
func (d *decoder) list(head header) ([]document, error) {
	var documents []document
	itemKind := strings.TrimSuffix(head.Kind, "List")
	if resource, ok := d.byKind[group(head.APIVersion)+"/"+itemKind]; ok {
		documents = append(documents, document{resource: resource})
	}
	for i, item := range head.Items {
		itemHead := header{APIVersion: head.APIVersion, Kind: itemKind}
		if err := json.Unmarshal(item, &itemHead); err != nil {
			return nil, fmt.Errorf("item %d of the list is not a Kubernetes object: %w", i, err)
		}
		found, err := d.object(item, itemHead)
		if err != nil {
			return nil, fmt.Errorf("item %d of the list: %w", i, err)
		}
		if found != nil {
			documents = append(documents, *found)
		}
	}
	return documents, nil
}

func (d *decoder) object(asJSON []byte, head header) (*document, error) {
	resource, ok := d.byKind[group(head.APIVersion)+"/"+head.Kind]
	if !ok {
		return nil, nil
	}
	object := resource.newObject()
	decode := func() error { return kjson.UnmarshalCaseSensitivePreserveInts(asJSON, object) }
	if d.strict && !resource.isPartial() {
		decode = func() error {
			problems, err := kjson.UnmarshalStrict(asJSON, object)
			return errors.Join(append(problems, err)...)
		}
	}
	if err := decode(); err != nil {
		return nil, fmt.Errorf("decode the %s: %w", head.Kind, err)
	}
	if object.GetName() == "" {
		return nil, fmt.Errorf("a %s without metadata.name", head.Kind)
	}
	return &document{resource: resource, objects: []client.Object{object}}, nil
}

func group(apiVersion string) string {
	before, _, found := strings.Cut(apiVersion, "/")
	if !found {
		return ""
	}
	return before
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// locate puts the file and the line in front of an error. A YAML error names its line within the document; any other
// error is about the document, whose first line is named.
func locate(file string, start int, err error) error {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	line := start + 1
	if match := yamlLine.FindStringSubmatch(text); match != nil {
		if within, convErr := strconv.Atoi(match[1]); convErr == nil {
			line = start + within
			text = strings.Replace(text, match[0]+": ", "", 1)
		}
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "error converting YAML to JSON: "), "yaml: ")
	return fmt.Errorf("%s:%d: %s", file, line, text)
}
