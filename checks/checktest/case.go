package checktest

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

//go:embed background
var background embed.FS

// Case is one fixture: a cluster, and what a check must say about it.
type Case struct {
	documents    map[string]document
	kubelet      map[string][]byte
	certificates map[string][]byte
	request      checks.Request
	now          time.Time
	wants        []expectation
	unknowns     []expectation
	unjudged     *regexp.Regexp
	skipped      *regexp.Regexp
	leftOut      []expectation
	unread       map[cluster.Kind]string
	notInstalled map[cluster.Kind]bool
	notGranted   map[cluster.Kind]bool
}

// document is one object of a case, as JSON and decoded; decoded is nil where the kind is not in the table of kinds.
type document struct {
	object  checks.Object
	text    string
	kind    cluster.Kind
	decoded client.Object
}

func newDocument(object checks.Object, text string) (document, error) {
	kind, decoded, err := decode(object, text)
	return document{object: object, text: text, kind: kind, decoded: decoded}, err
}

type expectation struct {
	object    checks.Object
	pattern   *regexp.Regexp
	transient bool
	warn      bool
}

func (e expectation) matchesFinding(f checks.Finding) bool {
	return e.object == f.Object && e.pattern.MatchString(f.Message) && e.transient == f.Transient && e.warn == (f.Severity == checks.Warn)
}

func readCase(files fs.FS) (*Case, error) {
	c := &Case{
		documents: map[string]document{}, kubelet: map[string][]byte{}, certificates: map[string][]byte{}, now: Now(),
		unread: map[cluster.Kind]string{}, notInstalled: map[cluster.Kind]bool{}, notGranted: map[cluster.Kind]bool{},
		request: checks.Request{
			Object:  checks.Object{APIVersion: "harvesterhci.io/v1beta1", Kind: "Upgrade", Namespace: cluster.HarvesterNamespace, Name: "upgrade-to-v1-4-2"},
			Version: "v1.4.2",
		},
	}
	base, err := healthy()
	if err != nil {
		return nil, fmt.Errorf("background: %w", err)
	}
	maps.Copy(c.documents, base.documents)
	maps.Copy(c.kubelet, base.kubelet)
	maps.Copy(c.certificates, base.certificates)
	return c, c.addFiles(files)
}

// healthy is the background, read once.
var healthy = sync.OnceValues(func() (*Case, error) {
	base, err := fs.Sub(background, "background")
	if err != nil {
		return nil, err
	}
	c := &Case{documents: map[string]document{}, kubelet: map[string][]byte{}, certificates: map[string][]byte{}}
	return c, c.addFiles(base)
})

func (c *Case) addFiles(files fs.FS) error {
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		switch path.Base(path.Dir(name)) {
		case "kubelet":
			c.kubelet[path.Base(name)] = content
			return nil
		case "certificates":
			c.certificates[path.Base(name)] = content
			return nil
		}
		for _, text := range strings.Split("\n"+string(content), "\n---") {
			if err := c.addDocument(strings.TrimLeft(text, "\n")); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
}

func (c *Case) addDocument(text string) error {
	var head struct {
		checks.Object
		Metadata struct{ Namespace, Name string }
		Spec     struct{ Version, Image string }
	}
	if err := yaml.Unmarshal([]byte(text), &head); err != nil {
		return err
	}
	object := head.Object
	object.Namespace, object.Name = head.Metadata.Namespace, head.Metadata.Name
	keep := object.Kind != ""
	for _, line := range strings.Split(text, "\n") {
		directive, ok := strings.CutPrefix(strings.TrimSpace(line), "# ")
		if !ok {
			continue
		}
		verb, rest, _ := strings.Cut(directive, " ")
		switch verb {
		case "delete":
			delete(c.documents, key(object))
			keep = false
		case "request":
			c.request = checks.Request{Object: object, Version: head.Spec.Version, Image: head.Spec.Image}
			keep = false
		default:
			if err := c.expect(object, verb, rest); err != nil {
				return fmt.Errorf("%q: %w", line, err)
			}
		}
	}
	if !keep {
		return nil
	}
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return err
	}
	c.documents[key(object)], err = newDocument(object, string(asJSON))
	return err
}

func key(o checks.Object) string {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	return strings.Join([]string{group, o.Kind, o.Namespace, o.Name}, "|")
}

var quoted = regexp.MustCompile(`^(.*?)\s*("(?:[^"\\]|\\.)*"|` + "`[^`]*`" + `)$`)

// expect reads one directive; words that are none are an ordinary comment.
func (c *Case) expect(object checks.Object, verb, rest string) error {
	switch verb {
	case "now":
		at, err := time.Parse(time.RFC3339, rest)
		c.now = at
		return err
	case "not-installed":
		c.notInstalled[cluster.Kind(rest)] = true
		return nil
	case "not-granted":
		c.notGranted[cluster.Kind(rest)] = true
		return nil
	case "want", "unknown", "unjudged", "skipped", "left-out", "unread":
	default:
		return nil
	}
	match := quoted.FindStringSubmatch(strings.TrimSpace(rest))
	if match == nil {
		return fmt.Errorf("no quoted text at the end")
	}
	text, err := strconv.Unquote(match[2])
	if err != nil {
		return err
	}
	if verb == "unread" {
		c.unread[cluster.Kind(match[1])] = text
		return nil
	}
	pattern, err := regexp.Compile(text)
	if err != nil {
		return err
	}
	switch verb {
	case "want":
		c.wants = append(c.wants, expectation{object: object, pattern: pattern,
			transient: strings.Contains(match[1], "transient"), warn: strings.Contains(match[1], "warn")})
	case "unknown":
		c.unknowns = append(c.unknowns, expectation{object: object, pattern: pattern})
	case "unjudged":
		c.unjudged = pattern
	case "skipped":
		c.skipped = pattern
	case "left-out":
		c.leftOut = append(c.leftOut, expectation{pattern: pattern})
	}
	return nil
}

// files returns what of the case's cluster is no object, and one object that no check looks at, without which it is no cluster.
func (c *Case) files() fstest.MapFS {
	files := fstest.MapFS{"cluster.yaml": {Data: []byte("apiVersion: longhorn.io/v1beta2\nkind: SettingList\nitems: []\n")}}
	for name, content := range c.certificates {
		files["certificates/"+name] = &fstest.MapFile{Data: content}
	}
	for name, content := range c.kubelet {
		files["kubelet/"+name] = &fstest.MapFile{Data: content}
	}
	return files
}
