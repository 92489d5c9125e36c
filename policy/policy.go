// Package policy holds what a cluster's owner has decided about the checks: a configuration file, and the waivers that are
// written on an Upgrade. Decide applies both to the results of the chain and gives the verdict.
package policy

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// What the head of a configuration file must say.
const (
	apiVersion = "upgradegate.io/v1alpha1"
	kind       = "Policy"
)

// maxFileSize bounds a configuration file; a ConfigMap cannot hold more.
const maxFileSize = 1 << 20

// Policy is a configuration file that was read. It is never changed, so it may be shared.
type Policy struct {
	enforcement map[string]Enforcement
	settings    checks.Settings
}

// Default returns the policy that applies without a configuration file: every check blocks, with the default thresholds.
func Default() *Policy {
	return &Policy{enforcement: map[string]Enforcement{}, settings: checks.DefaultSettings()}
}

// Load reads a configuration file. Its error lists everything that is wrong with the file, one line each, as FILE:LINE: and
// the fault.
func Load(path string) (*Policy, error) {
	content, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, content)
}

// readFile reads a configuration file, but no more of it than the limit.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	return content, nil
}

// Parse reads the content of a configuration file; name is what its errors call the file. It is strict: an unknown field, an
// unknown check and a value out of bounds are errors, and all of them are returned at once.
func Parse(name string, content []byte) (*Policy, error) {
	var known []string
	for _, check := range checks.All() {
		known = append(known, check.Name)
	}
	return parse(name, content, known)
}

// Enforcement returns what the policy does with a check's findings.
func (p *Policy) Enforcement(check string) Enforcement {
	if enforcement, ok := p.enforcement[check]; ok {
		return enforcement
	}
	return Block
}

// ExcludedNamespaces returns the namespaces whose virtual machines are left out, sorted.
func (p *Policy) ExcludedNamespaces() []string {
	return slices.Sorted(maps.Keys(p.settings.ExcludedNamespaces))
}

// Settings returns the thresholds that the checks compare with. The annotations are the Upgrade's; one of those that Harvester
// knows says how long certificates must still be valid, and goes before the policy.
func (p *Policy) Settings(annotations map[string]string) checks.Settings {
	settings := p.settings
	if value, ok := annotations[annotationMinimumValidity]; ok {
		if days, err := parseDays(value); err == nil {
			settings.CertificateBlockAge = time.Duration(days) * 24 * time.Hour
		}
	}
	settings.ExcludedNamespaces = maps.Clone(settings.ExcludedNamespaces)
	return settings
}
