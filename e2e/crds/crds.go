// Package crds gives the end-to-end tests the CRDs of a Harvester cluster: KubeVirt's and Longhorn's
// generated from their pinned Go types, and small hand-written ones for the other groups, which fix
// group, kind, plural, scope and status subresource and leave the contents open.
package crds

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

//go:embed *.yaml
var handwritten embed.FS

// All returns every CRD of a Harvester cluster that the gate reads, generating those that are not
// generated yet. Lines of progress go to progress, which may be nil.
func All(ctx context.Context, progress io.Writer) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	generated, err := Generated(ctx, progress)
	if err != nil {
		return nil, err
	}
	written, err := Handwritten()
	if err != nil {
		return nil, err
	}
	return append(generated, written...), nil
}

// Generated returns KubeVirt's and Longhorn's CRDs.
func Generated(ctx context.Context, progress io.Writer) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	folder, err := Generate(ctx, progress)
	if err != nil {
		return nil, err
	}
	read, err := readAll(os.DirFS(folder))
	if err != nil {
		return nil, err
	}
	kept := read[:0]
	for _, crd := range read {
		if correct(crd) {
			kept = append(kept, crd)
		}
	}
	return kept, nil
}

// Handwritten returns the CRDs of the groups whose Go types cannot be used without dragging in a forest
// of modules.
func Handwritten() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	return readAll(handwritten)
}

// readAll decodes every YAML file at the top of files, strictly.
func readAll(files fs.FS) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing CRDs: %w", err)
	}
	var crds []*apiextensionsv1.CustomResourceDefinition
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading the CRDs in %s: %w", path.Base(name), err)
		}
		for i, document := range strings.Split("\n"+string(text), "\n---\n") {
			if strings.TrimSpace(document) == "" {
				continue
			}
			crd := &apiextensionsv1.CustomResourceDefinition{}
			if err := yaml.UnmarshalStrict([]byte(document), crd); err != nil {
				return nil, fmt.Errorf("decoding document %d of %s: %w", i, path.Base(name), err)
			}
			crds = append(crds, crd)
		}
	}
	return crds, nil
}
