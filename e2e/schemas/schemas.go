package schemas

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// Location is where kubeconform finds the schemas that Write writes into folder, for its flag -schema-location.
func Location(folder string) string {
	return filepath.Join(folder, "{{ .Group }}_{{ .ResourceAPIVersion }}_{{ .ResourceKind }}.json")
}

// node is a schema, or a part of one.
type node = map[string]any

// Write writes one JSON schema for each kind that the API server serves, of what it publishes as OpenAPI v3, and returns how many. A field that
// the API server does not know is not allowed, except where it keeps such fields. A kind that can be listed and is not published is an error: an
// API server publishes that of a new CRD a moment after it serves it, so one may try again.
func Write(ctx context.Context, config *rest.Config, folder string) (int, error) {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return 0, err
	}
	paths, err := client.OpenAPIV3().Paths()
	if err != nil {
		return 0, fmt.Errorf("asking the API server for its OpenAPI: %w", err)
	}
	written := map[string]bool{}
	for path, group := range paths {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		text, err := group.Schema("application/json")
		if err != nil {
			return 0, fmt.Errorf("reading the OpenAPI of %s: %w", path, err)
		}
		var document struct {
			Components struct{ Schemas map[string]node }
		}
		if err := json.Unmarshal(text, &document); err != nil {
			return 0, fmt.Errorf("reading the OpenAPI of %s: %w", path, err)
		}
		for name, schema := range document.Components.Schemas {
			served, version, kind := identity(schema)
			// Of a document of one version, only the kinds of that version are whole.
			if kind == "" || path != "apis/"+served+"/"+version && path != "api/"+version {
				continue
			}
			if err := writeKind(folder, document.Components.Schemas, name, served, version, kind); err != nil {
				return 0, err
			}
			written[path+" "+kind] = true
		}
	}
	return len(written), complete(client, written)
}

// complete returns an error if a kind that can be listed is not among those that were written.
func complete(client discovery.DiscoveryInterface, written map[string]bool) error {
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		return fmt.Errorf("asking the API server what it serves: %w", err)
	}
	for _, list := range lists {
		path := "apis/" + list.GroupVersion
		if !strings.Contains(list.GroupVersion, "/") {
			path = "api/" + list.GroupVersion
		}
		for _, resource := range list.APIResources {
			if slices.Contains(resource.Verbs, "list") && !written[path+" "+resource.Kind] {
				return fmt.Errorf("the API server serves %s of %s, and does not publish its schema", resource.Kind, list.GroupVersion)
			}
		}
	}
	return nil
}

// identity returns the group, the version and the kind of a schema that is one kind's alone.
func identity(schema node) (group, version, kind string) {
	kinds, _ := schema["x-kubernetes-group-version-kind"].([]any)
	if len(kinds) != 1 {
		return "", "", ""
	}
	only, _ := kinds[0].(node)
	group, _ = only["group"].(string)
	version, _ = only["version"].(string)
	kind, _ = only["kind"].(string)
	return group, version, kind
}

// writeKind writes the schema of a kind with all that it refers to.
func writeKind(folder string, all map[string]node, name, group, version, kind string) error {
	definitions := node{}
	collect(all, name, definitions)
	apiVersion, file := version, version // kubeconform takes the version for the group of kinds without one
	if group != "" {
		apiVersion, file = group+"/"+version, group
	}
	schema := node{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"allOf":   []any{node{"$ref": "#/definitions/" + name}},
		"properties": node{
			"apiVersion": node{"const": apiVersion},
			"kind":       node{"const": kind},
		},
		"required":    []any{"apiVersion", "kind", "metadata"},
		"definitions": definitions,
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	file += "_" + version + "_" + strings.ToLower(kind) + ".json"
	return os.WriteFile(filepath.Join(folder, file), text, 0o644)
}

// collect adds the schema of that name, and all that it refers to.
func collect(all map[string]node, name string, definitions node) {
	if definitions[name] != nil {
		return
	}
	definitions[name] = node{} // refers to itself, maybe
	definitions[name] = converted(all[name], func(other string) { collect(all, other, definitions) })
}
