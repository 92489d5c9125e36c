package cluster

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// collectedFile names the file that says what a folder of collected evidence holds.
const collectedFile = "collected.yaml"

// The identity of that file, which plain readers of folders pass over as a kind that they do not know.
const (
	collectedVersion = "upgradegate.io/v1"
	collectedKind    = "CollectedEvidence"
)

// manifest is what collectedFile holds. Everything in it is about the evidence; the evidence itself is in the files beside it.
type manifest struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Program is the version of the program that collected.
	Program string `json:"program"`
	// Source is what was read, CollectedAt when.
	Source      string             `json:"source"`
	CollectedAt time.Time          `json:"collectedAt"`
	Evidence    []collectedKindRow `json:"evidence"`
	// Kubelets are null where no kubelet was asked.
	Kubelets           []collectedKubelet     `json:"kubelets"`
	Certificates       []collectedCertificate `json:"certificates,omitempty"`
	CertificatesUnread string                 `json:"certificatesUnread,omitempty"`
}

// collectedKindRow is the Evidence of one kind.
type collectedKindRow struct {
	Kind            Kind       `json:"kind"`
	State           ReadState  `json:"state"`
	Because         string     `json:"because,omitempty"`
	Missing         []string   `json:"missing,omitempty"`
	ReadAt          *time.Time `json:"readAt,omitempty"`
	ResourceVersion string     `json:"resourceVersion,omitempty"`
	Count           int        `json:"count"`
}

// collectedKubelet says when a kubelet was asked, and why it did not answer; what it answered is in kubelet/NODE.….json.
type collectedKubelet struct {
	Node        string     `json:"node"`
	ReadAt      *time.Time `json:"readAt,omitempty"`
	StatsError  string     `json:"statsError,omitempty"`
	ConfigError string     `json:"configError,omitempty"`
}

// collectedCertificate says whose certificate is in a file, or why there is none.
type collectedCertificate struct {
	Endpoint string `json:"endpoint"`
	Node     string `json:"node,omitempty"`
	File     string `json:"file,omitempty"`
	Error    string `json:"error,omitempty"`
}

// Write writes the evidence to files, each of which create begins: objects/KIND.json, kubelet/NODE.stats.json,
// kubelet/NODE.configz.json and certificates/NAME.pem, and last of all collected.yaml, which says what was read when, and what was
// not. program is the version of the program. The same Collection gives the same bytes.
func (c *Collection) Write(program string, create func(name string) (io.Writer, error)) error {
	w := &collectionWriter{create: create}
	m := manifest{APIVersion: collectedVersion, Kind: collectedKind, Program: program, Source: c.source, CollectedAt: c.at.UTC(),
		CertificatesUnread: c.probed.CertificatesUnread}
	for _, kind := range evidenceKinds() {
		m.Evidence = append(m.Evidence, rowOf(kind, c.evidence[kind]))
		if resource, listed := Lookup(kind); listed && c.evidence[kind].held() {
			w.objects(resource, c.objects[kind])
		}
	}
	m.Kubelets = w.kubelets(c.probed.Kubelets)
	m.Certificates = w.certificates(c.probed.Certificates)
	text, err := yaml.Marshal(m)
	if err != nil {
		return fmt.Errorf("write %s: %w", collectedFile, err)
	}
	w.file(collectedFile, text)
	return w.err
}

func rowOf(kind Kind, e Evidence) collectedKindRow {
	return collectedKindRow{Kind: kind, State: e.State, Because: e.Because, Missing: e.Missing, ReadAt: timeOrNil(e.ReadAt), ResourceVersion: e.ResourceVersion, Count: e.Count}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// collectionWriter writes files until one fails; err is why.
type collectionWriter struct {
	create func(name string) (io.Writer, error)
	err    error
}

func (w *collectionWriter) file(name string, content []byte) {
	if w.err != nil {
		return
	}
	to, err := w.create(name)
	if err == nil {
		_, err = to.Write(content)
	}
	if err != nil {
		w.err = fmt.Errorf("write %s: %w", name, err)
	}
}

// objects writes a typed list, an object on each line, sorted by name. Its type says what it is a list of when it is empty.
func (w *collectionWriter) objects(resource Resource, objects []client.Object) {
	objects = slices.Clone(objects)
	sortByName(objects)
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\"apiVersion\":%q,\"kind\":%q,\"items\":[", resource.GVK.GroupVersion().String(), resource.GVK.Kind+"List")
	for i, object := range objects {
		text, err := json.Marshal(object)
		if err != nil {
			w.err = fmt.Errorf("write the %s %s: %w", resource.GVK.Kind, NameOf(object), err)
			return
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		out.Write(text)
	}
	out.WriteString("\n]}\n")
	w.file(objectsFile(resource.Kind), out.Bytes())
}

func objectsFile(kind Kind) string { return "objects/" + string(kind) + ".json" }

// kubelets writes what the kubelets answered, in the form in which they do.
func (w *collectionWriter) kubelets(answers map[string]Kubelet) []collectedKubelet {
	if answers == nil {
		return nil
	}
	rows := []collectedKubelet{}
	for _, node := range slices.Sorted(maps.Keys(answers)) {
		answer := answers[node]
		rows = append(rows, collectedKubelet{Node: node, ReadAt: timeOrNil(answer.ReadAt), StatsError: answer.StatsError, ConfigError: answer.ConfigError})
		if len(validation.IsDNS1123Subdomain(node)) > 0 {
			w.err = fmt.Errorf("write what the kubelets said: %q is no name of a node", node)
			return nil
		}
		if answer.Stats != nil {
			w.json("kubelet/"+node+".stats.json", map[string]any{"node": answer.Stats})
		}
		if answer.Config != nil {
			w.json("kubelet/"+node+".configz.json", map[string]any{"kubeletconfig": answer.Config})
		}
	}
	return rows
}

func (w *collectionWriter) json(name string, value any) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		w.err = fmt.Errorf("write %s: %w", name, err)
		return
	}
	w.file(name, append(text, '\n'))
}

// certificates writes each chain that a server presented into a file of its own.
func (w *collectionWriter) certificates(served []ServedCertificate) []collectedCertificate {
	served = slices.Clone(served)
	slices.SortStableFunc(served, func(a, b ServedCertificate) int { return strings.Compare(a.Endpoint, b.Endpoint) })
	var rows []collectedCertificate
	taken := map[string]int{}
	for _, endpoint := range served {
		row := collectedCertificate{Endpoint: endpoint.Endpoint, Node: endpoint.Node, Error: endpoint.Error}
		if len(endpoint.Chain) > 0 {
			row.File = certificateFile(endpoint, taken)
			var chain bytes.Buffer
			for _, certificate := range endpoint.Chain {
				_ = pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}) // A buffer takes everything.
			}
			w.file(row.File, chain.Bytes())
		}
		rows = append(rows, row)
	}
	return rows
}

// certificateFile names the file as folders do, by the server's node, or else by its address; taken counts the names, so that a node
// that serves twice has two.
func certificateFile(endpoint ServedCertificate, taken map[string]int) string {
	prefix, host := kubeletFile, endpoint.Node
	if address, ok := strings.CutPrefix(endpoint.Endpoint, apiServerEndpoint("")); ok {
		prefix = apiServerFile
		if host == "" {
			host = hostOf(address)
		}
	}
	name := prefix + strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == ':' {
			return '-'
		}
		return r
	}, host)
	if taken[name]++; taken[name] > 1 {
		name = fmt.Sprintf("%s.%d", name, taken[name])
	}
	return "certificates/" + name + ".pem"
}
