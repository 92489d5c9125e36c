package drain_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// watched is a source whose objects are replaced when they change, as those of a watch cache are.
type watched struct {
	cluster.Source
	lists map[cluster.Kind][]client.Object
	at    time.Time
}

func watch(source cluster.Source, at time.Time) *watched {
	w := &watched{Source: source, lists: map[cluster.Kind][]client.Object{}, at: at}
	for _, resource := range everyKind() {
		w.lists[resource.Kind], _ = source.List(context.Background(), resource)
	}
	return w
}

func everyKind() []cluster.Resource {
	return append(cluster.Resources(), cluster.GrantedResources()...)
}

func (w *watched) List(_ context.Context, resource cluster.Resource) ([]client.Object, cluster.Evidence) {
	return slices.Clone(w.lists[resource.Kind]), cluster.Evidence{State: cluster.Read}
}

// Probe asks nobody: the simulation looks at no answer.
func (*watched) Probe(context.Context, cluster.Targets) cluster.Probed { return cluster.Probed{} }

// change puts a changed copy in the place of a kind's first object, or adds one where there is none.
func (w *watched) change(resource cluster.Resource, change func(client.Object)) {
	object, rest := resource.NewObject(), []client.Object(nil)
	object.SetName("new")
	if objects := w.lists[resource.Kind]; len(objects) > 0 {
		object, rest = objects[0].DeepCopyObject().(client.Object), objects[1:]
	}
	change(object)
	w.lists[resource.Kind] = slices.Concat(rest, []client.Object{object})
}

// keeper asks for plans of what a source holds at a time.
type keeper struct {
	*watched
	remembered cluster.Source
	plans      *drain.Plans
}

func keep(w *watched) keeper { return keeper{w, cluster.Remembering(w), drain.NewPlans()} }

func (k keeper) plan(target string) drain.Plan {
	return k.plans.Of(cluster.Load(context.Background(), k.remembered, k.at), target)
}

// fresh is what a process says that has kept nothing.
func (k keeper) fresh(target string) drain.Plan {
	return drain.Simulate(cluster.Load(context.Background(), k.watched, k.at), target)
}

// isOne tells whether two plans are one and the same, rather than equal.
func isOne(a, b drain.Plan) bool { return &a.Nodes[0] == &b.Nodes[0] }

const target = "v1.8.1"

func TestAPlanIsKeptUntilAKindChangesThatTheSimulationReads(t *testing.T) {
	generated := clustertest.Generate(clustertest.Small())
	for _, resource := range everyKind() {
		k := keep(watch(generated, clustertest.Now()))
		before := k.plan(target)
		if !isOne(before, k.plan(target)) {
			t.Fatal("nothing changed, and it was simulated again")
		}
		k.change(resource, func(o client.Object) { o.SetLabels(map[string]string{"changed": "yes"}) })
		after := k.plan(target)
		if reads := slices.Contains(drain.Reads(), resource.Kind); isOne(before, after) == reads {
			t.Errorf("a change of %s, which the simulation reads (%t): simulated again is %t", resource.Kind, reads, !isOne(before, after))
		}
		if !reflect.DeepEqual(after, k.fresh(target)) {
			t.Errorf("a change of %s: the plan is not that of a fresh process", resource.Kind)
		}
	}
}

func TestTheSimulationReadsAllThatItSaysAndIsShownNothingElse(t *testing.T) {
	for _, kind := range drain.Reads() {
		if _, listed := cluster.Lookup(kind); !listed {
			t.Errorf("%s is no kind of object, so no plan would ever be kept", kind)
		}
	}
}

func TestAPlanIsKeptWhileNodesOnlyBeat(t *testing.T) {
	k := keep(watch(clustertest.Generate(clustertest.Small()), clustertest.Now()))
	nodes, _ := cluster.Lookup(cluster.Nodes)
	before := k.plan(target)
	for i := range 3 {
		k.at = k.at.Add(15 * time.Second)
		k.change(nodes, func(o client.Object) {
			o.SetResourceVersion(fmt.Sprint(i))
			conditions := o.(*corev1.Node).Status.Conditions
			conditions[0].LastHeartbeatTime = metav1.NewTime(k.at)
		})
		if !isOne(before, k.plan(target)) || !reflect.DeepEqual(before, k.fresh(target)) {
			t.Errorf("heartbeat %d: simulated again", i)
		}
	}
}

func TestThoseWhoAskAtOnceShareOnePlan(t *testing.T) {
	k := keep(watch(clustertest.Generate(clustertest.Small()), clustertest.Now()))
	snapshot := cluster.Load(context.Background(), k.remembered, k.at)
	plans := make([]drain.Plan, 500)
	var all sync.WaitGroup
	for i := range plans {
		all.Go(func() { plans[i] = k.plans.Of(snapshot, target) })
	}
	all.Wait()
	for i := range plans {
		if !isOne(plans[0], plans[i]) {
			t.Fatalf("plan %d was simulated by itself", i)
		}
	}
}

func TestOnlyThePlansOfTheLastTargetsAreKept(t *testing.T) {
	k := keep(watch(clustertest.Generate(clustertest.Small()), clustertest.Now()))
	first, second := k.plan("v1.8.0"), k.plan("v1.8.1")
	if second.Target != "v1.8.1" || isOne(first, second) {
		t.Fatalf("the plan for v1.8.1 is for %s", second.Target)
	}
	for i := range 7 {
		k.plan("v1.8.1")
		k.plan(fmt.Sprintf("v1.9.%d", i))
	}
	if !isOne(second, k.plan("v1.8.1")) {
		t.Error("a plan that was asked for all the time was not kept")
	}
	if isOne(first, k.plan("v1.8.0")) {
		t.Error("a plan was kept for ever")
	}
}

func TestNoPlanIsKeptOfWhatIsReadOnceOrByNobody(t *testing.T) {
	generated := clustertest.Generate(clustertest.Small())
	once := cluster.Load(context.Background(), generated, clustertest.Now())
	plans := drain.NewPlans()
	if isOne(plans.Of(once, target), plans.Of(once, target)) {
		t.Error("the plan of a live read was kept")
	}
	k := keep(watch(generated, clustertest.Now()))
	k.plans = nil
	if isOne(k.plan(target), k.plan(target)) {
		t.Error("nobody kept a plan")
	}
}

func TestAKeptPlanEndsWhenTimeChangesIt(t *testing.T) {
	now := clustertest.Now()
	w := watch(clustertest.Generate(clustertest.Small()), now)
	guests, _ := cluster.Lookup(cluster.VMIs)
	w.change(guests, func(o client.Object) {
		deleted := metav1.NewTime(now)
		o.SetDeletionTimestamp(&deleted)
	})
	k := keep(w)
	stops := func(plan drain.Plan) (n int) {
		for _, node := range plan.Nodes {
			n += len(node.Stops)
		}
		return n
	}
	first := k.plan(target)
	if !first.Until.After(now) {
		t.Fatalf("the plan changes at %s, although a VM is being deleted", first.Until)
	}
	for _, c := range []struct {
		at    time.Time
		kept  bool
		stops int
	}{{first.Until.Add(-1), true, 0}, {first.Until, false, 1}, {now.Add(-time.Minute), false, 0}} {
		k.at = c.at
		got := k.plan(target)
		if isOne(first, got) != c.kept || stops(got)-stops(first) != c.stops || !reflect.DeepEqual(got, k.fresh(target)) {
			t.Errorf("at %s: kept is %t, %d more stops, as a fresh process says: %t", c.at, isOne(first, got), stops(got)-stops(first), reflect.DeepEqual(got, k.fresh(target)))
		}
	}
}
