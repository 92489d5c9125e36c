package drain_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

const (
	lonely  = "node(s) didn't match pod affinity rules"
	tooNear = "node(s) didn't match pod anti-affinity rules"
	refused = "node(s) didn't satisfy existing pods anti-affinity rules"
)

func TestFeasibleByPodAffinity(t *testing.T) {
	ab := nodes(newNode("a"), newNode("b"))
	zones := nodes(newNode("a", labelled(zone, "z1")), newNode("b", labelled(zone, "z1")), newNode("c", labelled(zone, "z2")))
	db, cache := newPod("db", on("a"), app("db")), newPod("cache", on("b"), app("cache"))
	runFeasible(t, []feasibleCase{
		{name: "a pod goes to the pods that it must be near", nodes: ab, pods: pods(db), pod: newPod("p", near(term("db"))),
			nodesOK: []string{"a"}, reasons: notOn("b", drain.PodAffinity, lonely)},
		{name: "near is the whole domain", nodes: zones, pods: pods(db), pod: newPod("p", near(term("db", per(zone)))),
			nodesOK: []string{"a", "b"}, reasons: notOn("c", drain.PodAffinity, lonely)},
		{name: "a node without the label of the domain is near nothing", nodes: ab, pods: pods(db), pod: newPod("p", near(term("db", per(zone)))),
			reasons: map[string]drain.Reason{"a": {Class: drain.PodAffinity, Text: lonely}, "b": {Class: drain.PodAffinity, Text: lonely}}},
		{name: "one pod must be what all terms mean", nodes: nodes(newNode("a")), pods: pods(newPod("db", on("a"), app("db")), newPod("cache", on("a"), app("cache"))),
			pod: newPod("p", near(term("db"), term("cache"))), reasons: notOn("a", drain.PodAffinity, lonely)},
		{name: "the first of pods that want to be together goes anywhere", nodes: ab, pod: newPod("p", app("db"), near(term("db"))), nodesOK: []string{"a", "b"}},
		{name: "the second goes to the first", nodes: ab, pods: pods(db), pod: newPod("p", app("db"), near(term("db"))),
			nodesOK: []string{"a"}, reasons: notOn("b", drain.PodAffinity, lonely)},
		{name: "a pod of another namespace is not meant", nodes: nodes(newNode("a")), pods: pods(newPod("db", on("a"), app("db"), in("team-b"))),
			pod: newPod("p", near(term("db"))), reasons: notOn("a", drain.PodAffinity, lonely)},
		{name: "unless the term names the namespace", nodes: nodes(newNode("a")), pods: pods(newPod("db", on("a"), app("db"), in("team-c"))),
			pod: newPod("p", near(term("db", inNamespaces("team-b", "team-c")))), nodesOK: []string{"a"}},
		{name: "a term that names other namespaces leaves out its own", nodes: nodes(newNode("a")), pods: pods(db),
			pod: newPod("p", near(term("db", inNamespaces("team-b")))), reasons: notOn("a", drain.PodAffinity, lonely)},
		{name: "an empty namespace selector means all namespaces", nodes: nodes(newNode("a")), pods: pods(newPod("db", on("a"), app("db"), in("team-b"))),
			pod: newPod("p", near(term("db", inNamespacesLabelled(nil)))), nodesOK: []string{"a"}},
		{name: "a namespace selector may mean none, which is bad for affinity", nodes: nodes(newNode("a")), pods: pods(db),
			pod: newPod("p", near(term("db", inNamespacesLabelled(map[string]string{"x": "y"})))), reasons: notOn("a", drain.PodAffinity, lonely)},
		{name: "a pod that is being deleted is still company", nodes: nodes(newNode("a")), pods: pods(newPod("db", on("a"), app("db"), terminating)),
			pod: newPod("p", near(term("db"))), nodesOK: []string{"a"}},
		{name: "affinity that is only preferred is no obstacle", nodes: ab, pods: pods(db, cache), nodesOK: []string{"a", "b"}, pod: newPod("p", func(pod *corev1.Pod) {
			affinityOf(pod).PodAffinity = &corev1.PodAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 1, PodAffinityTerm: term("db")}}}
		})},
	})
}

func TestFeasibleByPodAntiAffinity(t *testing.T) {
	ab := nodes(newNode("a"), newNode("b"))
	zones := nodes(newNode("a", labelled(zone, "z1")), newNode("b", labelled(zone, "z1")), newNode("c", labelled(zone, "z2")), newNode("d"))
	db, hermit := newPod("db", on("a"), app("db")), newPod("hermit", on("a"), awayFrom(term("web")))
	notWeb := term("")
	notWeb.LabelSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"web"}},
	}}
	runFeasible(t, []feasibleCase{
		{name: "a pod keeps away from another", nodes: ab, pods: pods(db), pod: newPod("p", awayFrom(term("db"))),
			nodesOK: []string{"b"}, reasons: notOn("a", drain.PodAntiAffinity, tooNear)},
		{name: "away is away from the whole domain, and a node outside of all domains is away", nodes: zones, pods: pods(db), nodesOK: []string{"c", "d"},
			pod: newPod("p", awayFrom(term("db", per(zone)))),
			reasons: map[string]drain.Reason{
				"a": {Class: drain.PodAntiAffinity, Text: tooNear}, "b": {Class: drain.PodAntiAffinity, Text: tooNear},
			}},
		{name: "a bound pod keeps another away", nodes: ab, pods: pods(hermit), pod: newPod("p", app("web")),
			nodesOK: []string{"b"}, reasons: notOn("a", drain.PodAntiAffinity, refused)},
		{name: "a bound pod lets others in", nodes: ab, pods: pods(hermit), pod: newPod("p", app("db")), nodesOK: []string{"a", "b"}},
		{name: "a bound pod lets in those of other namespaces", nodes: ab, pods: pods(hermit), pod: newPod("p", app("web"), in("team-b")), nodesOK: []string{"a", "b"}},
		{name: "a bound pod keeps away all that a selector without a value means", nodes: ab, pods: pods(newPod("q", on("a"), app("web"), awayFrom(notWeb))),
			pod: newPod("p"), nodesOK: []string{"b"}, reasons: notOn("a", drain.PodAntiAffinity, refused)},
		{name: "a namespace selector may mean all, which is bad for anti-affinity", nodes: ab, pods: pods(newPod("q", on("a"), in("team-b"),
			awayFrom(term("web", inNamespacesLabelled(map[string]string{"x": "y"}))))), pod: newPod("p", app("web")),
			nodesOK: []string{"b"}, reasons: notOn("a", drain.PodAntiAffinity, refused)},
		{name: "the same terms in several pods are counted for each", nodes: ab, pods: pods(hermit, newPod("hermit-2", on("b"), awayFrom(term("web")))), pod: newPod("p", app("web")),
			reasons: map[string]drain.Reason{
				"a": {Class: drain.PodAntiAffinity, Text: refused}, "b": {Class: drain.PodAntiAffinity, Text: refused},
			}},
	})
}
