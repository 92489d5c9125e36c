package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// parser collects everything that is wrong with a file, so that its owner mends it in one go.
type parser struct {
	name     string
	known    []string
	problems []problem
}

type problem struct {
	line int
	text string
}

func (p *parser) complain(line int, format string, args ...any) {
	p.problems = append(p.problems, problem{line, fmt.Sprintf(format, args...)})
}

// err returns the problems in the order of their lines; nil where there are none.
func (p *parser) err() error {
	slices.SortStableFunc(p.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	var all []error
	for _, one := range p.problems {
		all = append(all, fmt.Errorf("%s:%d: %s", p.name, one.line, one.text))
	}
	return errors.Join(all...)
}

// parse reads a file in which checks may have the known names.
func parse(name string, content []byte, known []string) (*Policy, error) {
	if len(content) > maxFileSize {
		return nil, fmt.Errorf("%s:1: the file is larger than the limit of %d MiB", name, maxFileSize>>20)
	}
	p := &parser{name: name, known: known}
	root := p.document(content)
	policy := Default()
	if root != nil && !p.refuseReferences(root) {
		p.head(root)
		p.fields(root, "the policy", map[string]func(key, value *yaml.Node){
			"apiVersion":        func(_, _ *yaml.Node) {},
			"kind":              func(_, _ *yaml.Node) {},
			"checks":            func(_, value *yaml.Node) { policy.enforcement = p.enforcements(value) },
			"thresholds":        func(_, value *yaml.Node) { p.thresholds(value, &policy.settings) },
			"excludeNamespaces": func(_, value *yaml.Node) { policy.settings.ExcludedNamespaces = p.namespaces(value) },
		})
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return policy, nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// document returns the one document of a file; nil where there is not exactly one.
func (p *parser) document(content []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		p.complain(1, "the file is empty: it must say apiVersion: %s and kind: %s", apiVersion, kind)
		return nil
	case err != nil:
		p.complainOfSyntax(err)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		p.complain(second.Line, "a second document: a policy is one document")
		return nil
	case !errors.Is(err, io.EOF):
		p.complainOfSyntax(err)
		return nil
	}
	return first.Content[0]
}

func (p *parser) complainOfSyntax(err error) {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	match := yamlLine.FindStringSubmatch(text)
	line, convErr := strconv.Atoi(match[1])
	if convErr != nil {
		line = 1
	}
	p.complain(line, "not YAML: %s", strings.TrimPrefix(text, match[0]))
}

// refuseReferences complains of anchors and aliases: a policy needs none, and nested ones can stand for more than memory holds.
func (p *parser) refuseReferences(node *yaml.Node) bool {
	found := false
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		p.complain(node.Line, "anchors and aliases are not supported")
		found = true
	}
	for _, child := range node.Content {
		found = p.refuseReferences(child) || found
	}
	return found
}

// head checks that the file says what it is.
func (p *parser) head(root *yaml.Node) {
	if root.Kind != yaml.MappingNode {
		return
	}
	for _, want := range []struct{ field, value string }{{"apiVersion", apiVersion}, {"kind", kind}} {
		switch value := lookup(root, want.field); {
		case value == nil:
			p.complain(root.Line, "%s is missing: it must be %s", want.field, want.value)
		case value.Kind != yaml.ScalarNode || value.Value != want.value:
			p.complain(value.Line, "%s is %s: it must be %s", want.field, describe(value), want.value)
		}
	}
}

func lookup(mapping *yaml.Node, field string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == field {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// fields hands every field of a mapping to its reader, and complains of unknown and repeated ones. A field without a value is
// as if it were not there.
func (p *parser) fields(node *yaml.Node, where string, readers map[string]func(key, value *yaml.Node)) {
	if !p.isMapping(node, where) {
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		read, known := readers[key.Value]
		switch first, repeated := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			p.complain(key.Line, "%s has a key that is no name", where)
		case repeated:
			p.complain(key.Line, "%s is set already in line %d", quote(key.Value), first)
		case !known:
			p.complain(key.Line, "%s has no field %s%s", where, quote(key.Value), suggestion(key.Value, names(readers)))
		case !isNull(value):
			read(key, value)
		}
		seen[key.Value] = key.Line
	}
}

func (p *parser) isMapping(node *yaml.Node, where string) bool {
	if node.Kind != yaml.MappingNode {
		p.complain(node.Line, "%s must be a mapping, not %s", where, describe(node))
		return false
	}
	return true
}

func names(readers map[string]func(key, value *yaml.Node)) []string {
	var all []string
	for name := range readers {
		all = append(all, name)
	}
	return all
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }

// describe names a value for a message.
func describe(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(node):
		return "empty"
	}
	return quote(node.Value)
}

// quote quotes a stranger's word, cut to what a message can carry.
func quote(word string) string { return strconv.Quote(shorten(word)) }

// suggestion is what to add to a complaint about an unknown word.
func suggestion(word string, known []string) string {
	if near := Nearest(word, known); len(near) > 0 {
		return "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return ""
}

// enforcements reads the field checks.
func (p *parser) enforcements(node *yaml.Node) map[string]Enforcement {
	all := map[string]Enforcement{}
	readers := map[string]func(key, value *yaml.Node){}
	for _, check := range p.known {
		readers[check] = func(key, value *yaml.Node) {
			p.fields(value, "check "+check, map[string]func(key, value *yaml.Node){
				"enforcement": func(_, value *yaml.Node) { all[check] = p.enforcement(value) },
			})
		}
	}
	p.fields(node, "checks", readers)
	return all
}

// enforcement reads block, warn or off. YAML 1.1 takes a bare off for the boolean false, and so may a tool that the file has
// passed through; a boolean therefore means what was written before.
func (p *parser) enforcement(node *yaml.Node) Enforcement {
	if node.Kind == yaml.ScalarNode {
		switch strings.ToLower(node.Value) {
		case "block", "on", "true":
			return Block
		case "warn":
			return Warn
		case "off", "false":
			return Off
		}
	}
	p.complain(node.Line, "enforcement is %s: it must be block, warn or off", describe(node))
	return Block
}

// thresholds reads the field thresholds.
func (p *parser) thresholds(node *yaml.Node, settings *checks.Settings) {
	readers := map[string]func(key, value *yaml.Node){}
	for _, t := range thresholds() {
		readers[t.name] = func(key, value *yaml.Node) {
			if value.Kind != yaml.ScalarNode {
				p.complain(value.Line, "%s must be %s, not %s", t.name, t.form, describe(value))
				return
			}
			if !t.set(settings, value.Value) {
				p.complain(value.Line, "%s is %s: it must be %s", t.name, describe(value), t.form)
			}
		}
	}
	p.fields(node, "thresholds", readers)
}
