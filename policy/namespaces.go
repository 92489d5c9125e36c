package policy

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"
)

// systemNamespace tells whether a namespace holds Harvester itself. Whatever is wrong there stops an upgrade, whoever looks away.
func systemNamespace(name string) bool {
	for _, prefix := range []string{"cattle-", "fleet-", "harvester-", "kube-", "longhorn-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{"calico-system", "cdi", "local", "tigera-operator", "upgrade-gate"}, name)
}

// namespaces reads the field excludeNamespaces.
func (p *parser) namespaces(node *yaml.Node) map[string]bool {
	if node.Kind != yaml.SequenceNode {
		p.complain(node.Line, "excludeNamespaces must be a list, not %s", describe(node))
		return nil
	}
	excluded := map[string]bool{}
	for _, item := range node.Content {
		switch {
		case item.Kind != yaml.ScalarNode || len(validation.IsDNS1123Label(item.Value)) > 0:
			p.complain(item.Line, "%s is not the name of a namespace", describe(item))
		case systemNamespace(item.Value):
			p.complain(item.Line, "namespace %s belongs to the system and cannot be left out", item.Value)
		default:
			excluded[item.Value] = true
		}
	}
	return excluded
}
