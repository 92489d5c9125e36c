package cluster_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// replacing is a source whose objects can be replaced, as those of a watch cache are.
type replacing struct {
	cluster.Source
	lists map[cluster.Kind][]client.Object
	// unread are the kinds that cannot be read.
	unread map[cluster.Kind]bool
}

// newReplacing returns a small generated cluster with at least one object of every kind.
func newReplacing(t testing.TB) *replacing {
	t.Helper()
	r := &replacing{Source: clustertest.Generate(clustertest.Small()), lists: map[cluster.Kind][]client.Object{}, unread: map[cluster.Kind]bool{}}
	for _, resource := range allResources() {
		objects, _ := r.Source.List(context.Background(), resource)
		if len(objects) == 0 {
			object := resource.NewObject()
			object.SetName("only-one")
			object.SetNamespace("default")
			if event, ok := object.(*corev1.Event); ok {
				event.InvolvedObject = corev1.ObjectReference{Kind: "VirtualMachineInstance", Namespace: "team-0", Name: "vm-00000"}
			}
			objects = []client.Object{object}
		}
		r.lists[resource.Kind] = resource.Held(objects)
	}
	return r
}

func allResources() []cluster.Resource {
	return append(cluster.Resources(), cluster.GrantedResources()...)
}

func (r *replacing) List(_ context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	if r.unread[resource.Kind] {
		return nil, cluster.Evidence{State: cluster.Unread, Because: "forbidden"}
	}
	return slices.Clone(r.lists[resource.Kind]), cluster.Evidence{State: cluster.Read}
}

// Probe asks nobody.
func (*replacing) Probe(context.Context, cluster.Targets) cluster.Probed {
	return cluster.Probed{Kubelets: map[string]cluster.Kubelet{"node-01": {}}, Certificates: []cluster.ServedCertificate{{}}}
}

// replace puts a changed copy in the place of a kind's first object.
func (r *replacing) replace(kind cluster.Kind, change func(client.Object)) {
	again := r.lists[kind][0].DeepCopyObject().(client.Object)
	change(again)
	r.lists[kind] = slices.Concat([]client.Object{again}, r.lists[kind][1:])
}

func loadNow(source cluster.Source) *cluster.Snapshot {
	return cluster.Load(context.Background(), source, clustertest.Now())
}

func label(object client.Object) {
	labels := maps.Clone(object.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	labels["changed"] = "yes"
	object.SetLabels(labels)
}

func TestSnapshotsAreTheSameInTheKindsThatHaveNotChanged(t *testing.T) {
	var kinds []cluster.Kind
	for _, resource := range allResources() {
		kinds = append(kinds, resource.Kind)
	}
	for _, kind := range kinds {
		others := slices.DeleteFunc(slices.Clone(kinds), func(k cluster.Kind) bool { return k == kind })
		for name, c := range map[string]struct {
			change func(*replacing)
			same   bool
		}{
			"nothing changes":          {func(*replacing) {}, true},
			"an object is written":     {func(r *replacing) { r.replace(kind, func(o client.Object) { o.SetResourceVersion("12345") }) }, true},
			"an object is changed":     {func(r *replacing) { r.replace(kind, label) }, false},
			"an object is gone":        {func(r *replacing) { r.lists[kind] = r.lists[kind][1:] }, false},
			"an object has a new name": {func(r *replacing) { r.replace(kind, func(o client.Object) { o.SetName("other") }) }, false},
			"it cannot be read":        {func(r *replacing) { r.unread[kind] = true }, false},
		} {
			source := newReplacing(t)
			remembered := cluster.Remembering(source)
			before := loadNow(remembered)
			c.change(source)
			after := loadNow(remembered)
			if got := after.SameIn(before, kinds); got != c.same {
				t.Errorf("%s, %s: same is %t", kind, name, got)
			}
			if !after.SameIn(before, others) {
				t.Errorf("%s, %s: not the same in the other kinds", kind, name)
			}
		}
	}
}

func TestAHeartbeatChangesNothingAndAConditionDoes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*corev1.NodeCondition)
		same   bool
	}{
		"a heartbeat": {func(c *corev1.NodeCondition) { c.LastHeartbeatTime = metav1.NewTime(clustertest.Now()) }, true},
		"a status":    {func(c *corev1.NodeCondition) { c.Status = corev1.ConditionUnknown }, false},
	} {
		source := newReplacing(t)
		remembered := cluster.Remembering(source)
		before := loadNow(remembered)
		source.replace(cluster.Nodes, func(o client.Object) { c.change(&o.(*corev1.Node).Status.Conditions[0]) })
		if got := loadNow(remembered).SameIn(before, []cluster.Kind{cluster.Nodes}); got != c.same {
			t.Errorf("%s: same is %t", name, got)
		}
	}
}

func TestWhatIsNotKeptOrIsProbedIsNeverTheSame(t *testing.T) {
	source := newReplacing(t)
	if one := loadNow(source); one.Kept() || one.SameIn(loadNow(source), []cluster.Kind{cluster.Nodes}) {
		t.Error("a Snapshot of a source that is read once is the same as another")
	}
	remembered := cluster.Remembering(source)
	for _, kind := range []cluster.Kind{cluster.KubeletStats, cluster.KubeletConfig, cluster.ServedCertificates} {
		if loadNow(remembered).SameIn(loadNow(remembered), []cluster.Kind{kind}) {
			t.Errorf("%s is the same", kind)
		}
	}
}

func TestAnswersAboutTheTimeStayTheSameUntilTheySayThatTheyChange(t *testing.T) {
	now := clustertest.Now()
	at := func(now time.Time) *cluster.Snapshot {
		return cluster.Load(context.Background(), clustertest.Generate(clustertest.Small()), now).Narrowed(nil)
	}
	long := func(t time.Time) func(*cluster.Snapshot) any {
		return func(s *cluster.Snapshot) any { return s.Lasted(t, 10*time.Minute) }
	}
	rounded := func(t time.Time) func(*cluster.Snapshot) any {
		return func(s *cluster.Snapshot) any { return s.RoundedAge(t, time.Minute) }
	}
	for name, c := range map[string]struct {
		ask  func(*cluster.Snapshot) any
		want time.Duration // from now; 0 means for ever
	}{
		"what has lasted has for ever":         {long(now.Add(-11 * time.Minute)), 0},
		"what has just lasted has for ever":    {long(now.Add(-10 * time.Minute)), 0},
		"what has not lasted yet will have":    {long(now.Add(-9 * time.Minute)), time.Minute},
		"what lies ahead will have lasted":     {long(now.Add(time.Minute)), 11 * time.Minute},
		"what has no time never has":           {long(time.Time{}), 0},
		"an age is rounded down":               {rounded(now.Add(-time.Minute - 10*time.Second)), 20 * time.Second},
		"an age is rounded up":                 {rounded(now.Add(-time.Minute - 40*time.Second)), 50 * time.Second},
		"an age between two is rounded up":     {rounded(now.Add(-time.Minute - 30*time.Second)), time.Minute},
		"what lies ahead has no age yet":       {rounded(now.Add(20 * time.Second)), 50 * time.Second},
		"what has no time has no age for ever": {rounded(time.Time{}), 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := at(now)
			answer, until := c.ask(s), s.Until()
			if c.want == 0 {
				if !until.IsZero() || c.ask(at(now.Add(1000*time.Hour))) != answer {
					t.Errorf("it changes at %s", until)
				}
				return
			}
			if !until.Equal(now.Add(c.want)) {
				t.Fatalf("it changes at %s, want %s", until, now.Add(c.want))
			}
			if got := c.ask(at(until.Add(-1))); got != answer {
				t.Errorf("it is %v just before, and was %v", got, answer)
			}
			if got := c.ask(at(until)); got == answer {
				t.Errorf("it is %v as before", got)
			}
		})
	}
}

func TestAnAgeIsTrueForAMomentOnly(t *testing.T) {
	now := clustertest.Now()
	for name, ask := range map[string]func(*cluster.Snapshot){
		"an age":  func(s *cluster.Snapshot) { s.Age(now.Add(-time.Hour)) },
		"the now": func(s *cluster.Snapshot) { s.Now() },
	} {
		s := loadNow(newReplacing(t)).Narrowed(nil)
		s.Age(time.Time{})
		if !s.Until().IsZero() {
			t.Error("the age of nothing changes")
		}
		if ask(s); !s.Until().Equal(now) {
			t.Errorf("%s changes at %s", name, s.Until())
		}
	}
}
