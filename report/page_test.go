package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// body is a page without its head, in which the style sheet is.
func body(page string) string { return page[strings.Index(page, "<body>"):] }

func TestAPageIsWhatPeopleRead(t *testing.T) {
	for name, input := range map[string]func(testing.TB) Input{"page-stuck": stuckPage, "page-ready": readyPage, "page-unread": unreadPage} {
		t.Run(name, func(t *testing.T) { golden(t, name+".html", []byte(body(pageOf(t, input(t))))) })
	}
}

func TestTheSameInputGivesTheSamePage(t *testing.T) {
	for _, name := range []string{"stuck-pre-drained", "healthy"} {
		first, second := pageOf(t, examplePage(t, name)), pageOf(t, examplePage(t, name))
		if first != second {
			t.Errorf("the page of %s differs from itself", name)
		}
	}
}

func TestAPageSaysTheVerdictFirst(t *testing.T) {
	for name, c := range map[string]struct {
		input       Input
		title, says string
	}{
		"blocked":    {stuckPage(t), "<title>Blocked: Upgrade to v1.4.2 ·", "4 problems in 3 checks would make the upgrade hang, fail or lose data."},
		"incomplete": {unreadPage(t), "<title>Incomplete: Upgrade from image harvester-system/iso ·", "1 check could not be judged, and what was not read does not count as passed."},
		"ready":      {readyPage(t), "<title>Ready: Upgrade to v1.4.2 ·", "Nothing stands in the way of the upgrade."},
	} {
		t.Run(name, func(t *testing.T) {
			page := pageOf(t, c.input)
			if !strings.Contains(page, c.title) {
				t.Errorf("the title is not %q", c.title)
			}
			if at := strings.Index(body(page), c.says); at < 0 || at > 1500 {
				t.Errorf("%q stands at %d of the body, want it near its top", c.says, at)
			}
		})
	}
}

func TestAPageSaysWhichChecksWereNotRun(t *testing.T) {
	input := readyPage(t)
	input.NotRun = []string{"clock-skew", "disk-space"}
	page := body(pageOf(t, input))
	if at := strings.Index(page, "Not run, as asked: clock-skew, disk-space."); at < 0 || at > 1000 {
		t.Errorf("what was not run stands at %d of the body, want it near its top", at)
	}
	if !strings.Contains(page, `<span class="name">clock-skew</span>, <span class="name">disk-space</span>`) {
		t.Error("what was not run does not stand with the checks")
	}
}

func TestAPageSaysWhyItHasNoPictures(t *testing.T) {
	page := pageOf(t, unreadPage(t))
	for _, want := range []string{
		"The cluster cannot be drawn: nodes could not be read: ", "No upgrade was simulated, for no node is known.", "no node is known, so that nothing was simulated.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body(page), `class="plan"`) {
		t.Error("there is a picture of a plan without nodes")
	}
}

func TestWhereTheObjectsOfFindingsAreDrawn(t *testing.T) {
	input := stuckPage(t)
	view := mapOf(input.Snapshot, number(New(input)))
	got := map[string]string{}
	for _, n := range view.Nodes {
		var found []string
		for _, s := range n.Guilty {
			found = append(found, s.Full+" "+marks(s.Refs))
		}
		got[n.Name] = strings.Join(found, "; ") + " | " + marks(n.Own)
	}
	for node, want := range map[string]string{
		// The volume with two engines is drawn by its engines, the one with a broken replica by that replica alone.
		"node-1": "engine pvc-1-e-1 B3 | ",
		"node-2": "VM shop/web-2 B1; engine pvc-1-e-0 B3; replica pvc-1-r-2 B4 | W1",
	} {
		if got[node] != want {
			t.Errorf("%s shows %q, want %q", node, got[node], want)
		}
	}
	if len(view.Elsewhere) != 1 || view.Elsewhere[0].Full != "VM shop/web-3" {
		t.Errorf("on no node are %+v, want the VM that does not run", view.Elsewhere)
	}
}

func TestALargeClusterIsDrawnInNumbers(t *testing.T) {
	var objects strings.Builder
	for i := range mostNodesWhole + 1 {
		fmt.Fprintf(&objects, "---\napiVersion: v1\nkind: Node\nmetadata: {name: node-%02d}\n", i)
	}
	for i := range 50 {
		fmt.Fprintf(&objects, "---\napiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\nmetadata: {name: web-%02d, namespace: shop}\nstatus: {nodeName: node-00}\n", i)
	}
	var paused []checks.Finding
	for i := range 50 {
		paused = append(paused, pausedVM(fmt.Sprintf("web-%02d", i)))
	}
	input := Input{Snapshot: snapshotOf(t, objects.String(), cluster.FolderOptions{AssumeComplete: true}),
		Decision: policy.Default().Decide([]checks.Result{failed(check("paused-vms", true), paused...)}, nil)}
	page := pageOf(t, input)
	for _, want := range []string{
		"13 nodes with 50 running VMs and 0 replicas; something blocks on 1 node.", ">50 VMs</text>", ">shop/web-03</text>", ">and 46 more</text>", "And 10 more of paused-vms: <span",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, ">shop/web-04</text>") {
		t.Error("more objects are named than a node has room for")
	}
}

func TestAPageStaysSmallWhateverIsWrong(t *testing.T) {
	var results []checks.Result
	for i := range 40 {
		var findings []checks.Finding
		for j := range 400 {
			f := pausedVM(fmt.Sprintf("web-%d-%d", i, j))
			f.Message += strings.Repeat(" and more", 300)
			findings = append(findings, f)
		}
		results = append(results, failed(check(fmt.Sprintf("check-%d", i), true), findings...))
	}
	input := Input{Snapshot: snapshot(t), Decision: policy.Default().Decide(results, nil)}
	page := pageOf(t, input)
	if len(page) > 3<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
	for i := range 40 {
		if !strings.Contains(page, fmt.Sprintf(`<h3>Something is wrong <a class="name" href="#check-check-%d"`, i)) {
			t.Errorf("nothing of check-%d is shown", i)
		}
	}
}

func TestTheAgeOfEvidence(t *testing.T) {
	at := now.Add(-90 * time.Minute)
	r := Report{ReadAt: now, Checks: []Check{{Reads: []cluster.Kind{"a", "b"}}, {Reads: []cluster.Kind{"a"}}}, Evidence: []Evidence{
		{Kind: "a", State: cluster.Read, ReadAt: &at, Count: 1}, {Kind: "b", State: cluster.Read, ReadAt: &now, Count: 2}, {Kind: "c", State: cluster.Read},
		{Kind: "d", State: cluster.Unread, Because: "forbidden", ReadAt: &now},
	}}
	want := []evidenceRow{
		{Kind: "a", Class: "passed", State: "read", Objects: "1", Count: "1 object", Age: "1h30m old", ReadAt: "2026-11-20T07:42:00Z", UsedBy: 2},
		{Kind: "b", Class: "passed", State: "read", Objects: "2", Count: "2 objects", Age: "read when judged", ReadAt: "2026-11-20T09:12:00Z", UsedBy: 1},
		{Kind: "c", Class: "passed", State: "read", Objects: "0", Count: "0 objects", Age: "age not known"},
		{Kind: "d", Class: "unknown", State: "not read", Because: "forbidden"},
	}
	for i, got := range r.evidenceRows() {
		if got != want[i] {
			t.Errorf("got %+v, want %+v", got, want[i])
		}
	}
}
