package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"

	"github.com/upgrade-gate/upgrade-gate/e2e/licenses"
)

// billOfMaterials returns the list of what is linked into the program of a platform, as CycloneDX in JSON: every module with its version, its
// licences, its line of go.sum, and the modules whose packages it imports. The same program gives the same bytes, so there is no serial number.
func billOfMaterials(c *checkout, version, platform string, program []byte, modules []licenses.Licensed) ([]byte, error) {
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Timestamp: c.time.Format(time.RFC3339)}
	references := map[string]string{}
	for _, module := range modules {
		references[module.Path] = packageURL(module, version)
	}
	var parts []cyclonedx.Component
	var dependencies []cyclonedx.Dependency
	for _, module := range modules {
		part := component(module, references[module.Path])
		if module.Version == "" {
			part.Type, part.Name, part.Version = cyclonedx.ComponentTypeApplication, "upgrade-gate", version
			digest := sha256.Sum256(program)
			part.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(digest[:])}}
			part.Properties = &[]cyclonedx.Property{{Name: "platform", Value: platform}, {Name: "commit", Value: c.commit}}
			bom.Metadata.Component = &part
		} else {
			parts = append(parts, part)
		}
		dependency := cyclonedx.Dependency{Ref: references[module.Path]}
		var needed []string
		for _, path := range module.Requires {
			needed = append(needed, references[path])
		}
		if needed != nil {
			dependency.Dependencies = &needed
		}
		dependencies = append(dependencies, dependency)
	}
	bom.Components, bom.Dependencies = &parts, &dependencies
	var text bytes.Buffer
	// The newest version of the format that most tools read.
	err := cyclonedx.NewBOMEncoder(&text, cyclonedx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cyclonedx.SpecVersion1_6)
	if err != nil {
		return nil, fmt.Errorf("writing the bill of materials for %s: %w", platform, err)
	}
	return text.Bytes(), nil
}

func component(module licenses.Licensed, reference string) cyclonedx.Component {
	part := cyclonedx.Component{
		BOMRef: reference, Type: cyclonedx.ComponentTypeLibrary, Name: module.Path, Version: module.Version, PackageURL: reference,
		Licenses: &cyclonedx.Licenses{{Expression: module.Expression()}},
	}
	if module.Sum != "" {
		part.Properties = &[]cyclonedx.Property{{Name: "go.sum", Value: module.Sum}}
	}
	return part
}

// packageURL names a module as scanners look it up.
func packageURL(module licenses.Licensed, ours string) string {
	switch {
	case module.Path == licenses.StandardLibrary:
		return "pkg:golang/std@" + strings.TrimPrefix(module.Version, "go")
	case module.Version == "":
		return "pkg:golang/" + module.Path + "@" + ours
	}
	// A plus has a meaning of its own there.
	return "pkg:golang/" + strings.ToLower(module.Path) + "@" + strings.ReplaceAll(module.Version, "+", "%2B")
}
