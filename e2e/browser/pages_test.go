package browser_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/e2e/browser"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// The pages that are looked at.
const (
	healthy = "healthy"
	stuck   = "stuck-pre-drained"
	// large is a generated cluster of 64 nodes, of whose 5,000 VMs one in seven is paused, and of whose 15,000 volumes one in twenty is degraded.
	large = "large"
	// hostile is a generated cluster whose objects have names that nobody would give them in good faith.
	hostile = "hostile"
)

// written are the pages, each made once: a large one takes seconds.
var written = map[string]func() ([]byte, error){
	healthy: sync.OnceValues(func() ([]byte, error) { return exampleIn(healthy) }),
	stuck:   sync.OnceValues(func() ([]byte, error) { return exampleIn(stuck) }),
	large:   sync.OnceValues(func() ([]byte, error) { return pageOf(damaged(), clustertest.Now()) }),
	hostile: sync.OnceValues(func() ([]byte, error) { return pageOf(renamed(), clustertest.Now()) }),
}

func exampleIn(name string) ([]byte, error) {
	folder, err := cluster.ReadFolder(filepath.Join("..", "..", "examples", "clusters", name), cluster.FolderOptions{AssumeComplete: true})
	if err != nil {
		return nil, err
	}
	return pageOf(folder, time.Date(2026, time.November, 20, 9, 12, 0, 0, time.UTC))
}

func damaged() cluster.Source {
	source := clustertest.Generate(clustertest.Large())
	vms, volumes := 0, 0
	for _, object := range source.Objects() {
		switch object := object.(type) {
		case *kubevirtv1.VirtualMachineInstance:
			if vms++; vms%7 == 0 {
				object.Status.Conditions = append(object.Status.Conditions, paused())
			}
		case *lhv1.Volume:
			if volumes++; volumes%20 == 0 {
				object.Status.Robustness = lhv1.VolumeRobustnessDegraded
			}
		}
	}
	return source
}

func renamed() cluster.Source {
	source := clustertest.Generate(clustertest.Small())
	names := []string{
		`<script>document.title = "foreign"</script>`, `"><img src=other.png onerror="document.title='foreign'">`, `</style></title></svg><script>document.title = "foreign"</script>`,
		"\u202Etxt.exe", strings.Repeat("very-long-name-", 34), strings.Repeat("長", 200), "$(reboot)",
	}
	nodes, vms := 0, 0
	for _, object := range source.Objects() {
		switch object := object.(type) {
		case *corev1.Node:
			if nodes++; nodes == 1 {
				object.Name = names[4]
			}
		case *kubevirtv1.VirtualMachineInstance:
			if vms < len(names) {
				object.Name = names[vms]
				object.Status.Conditions = append(object.Status.Conditions, paused())
			}
			vms++
		}
	}
	return source
}

func paused() kubevirtv1.VirtualMachineInstanceCondition {
	return kubevirtv1.VirtualMachineInstanceCondition{Type: kubevirtv1.VirtualMachineInstancePaused, Status: corev1.ConditionTrue, Reason: "PausedIOError"}
}

func pageOf(source cluster.Source, now time.Time) ([]byte, error) {
	judge := gate.Gate{Checks: checks.All(), Now: func() time.Time { return now }}
	input := judge.Examine(context.Background(), source, gate.Request{Request: checks.Request{Version: "v1.4.2"}}, policy.Default())
	var out writer
	err := report.WriteHTML(&out, report.NewPage(input, report.Origin{}))
	return out, err
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

// load writes a page to a file and opens it, and returns its path.
func load(t *testing.T, on *browser.Tab, name string) string {
	t.Helper()
	page, err := written[name]()
	if err != nil {
		t.Fatal(err)
	}
	return loadText(t, on, string(page))
}

func loadText(t *testing.T, on *browser.Tab, page string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := on.Load(file); err != nil {
		t.Fatal(err)
	}
	return file
}

// evaluate returns what an expression comes to in the page.
func evaluate[T any](t *testing.T, on *browser.Tab, expression string) T {
	t.Helper()
	value, err := browser.Evaluate[T](on, expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
