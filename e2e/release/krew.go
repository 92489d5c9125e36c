package main

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"sigs.k8s.io/yaml"
)

// plugin is krew's manifest of a plugin of kubectl, in the version krew.googlecontainertools.github.com/v1alpha2.
type plugin struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   pluginMetadata `json:"metadata"`
	Spec       pluginSpec     `json:"spec"`
}

type pluginMetadata struct {
	Name string `json:"name"`
}

type pluginSpec struct {
	Version          string           `json:"version"`
	Homepage         string           `json:"homepage"`
	ShortDescription string           `json:"shortDescription"`
	Description      string           `json:"description"`
	Caveats          string           `json:"caveats"`
	Platforms        []pluginPlatform `json:"platforms"`
}

type pluginPlatform struct {
	Selector pluginSelector `json:"selector"`
	URI      string         `json:"uri"`
	SHA256   string         `json:"sha256"`
	Bin      string         `json:"bin"`
}

type pluginSelector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

// published is the archive of one platform, as somebody downloads it.
type published struct {
	platform, name string
	content        []byte
}

// krewManifest returns the manifest by which krew installs the archives from below the address base.
func krewManifest(version, base string, archives []published) ([]byte, error) {
	manifest := plugin{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2", Kind: "Plugin", Metadata: pluginMetadata{Name: "upgrade-gate"},
		Spec: pluginSpec{
			Version: version, Homepage: homepage,
			ShortDescription: "Tell whether a Harvester cluster would survive an upgrade",
			Description: "Looks at virtual machines, volumes, replicas, engines, migrations, nodes, disks and certificates of a Harvester cluster, or of its support\n" +
				"bundle, and names what would make an upgrade hang, fail or lose data, with what to do. It changes nothing.\n",
			Caveats: "kubectl upgrade-gate rbac prints the rights that an account needs.\n",
		},
	}
	for _, a := range archives {
		system, architecture, _ := strings.Cut(a.platform, "/")
		digest := sha256.Sum256(a.content)
		manifest.Spec.Platforms = append(manifest.Spec.Platforms, pluginPlatform{
			Selector: pluginSelector{MatchLabels: map[string]string{"os": system, "arch": architecture}},
			URI:      strings.TrimSuffix(base, "/") + "/" + a.name, SHA256: hex.EncodeToString(digest[:]), Bin: programFile,
		})
	}
	return yaml.Marshal(manifest)
}
