package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// phaseProvisioned is the phase of a cluster of Cluster API at rest.
	phaseProvisioned = "Provisioned"
	// clusterSettles is how long a change takes to reach the cluster's status when all is well.
	clusterSettles = 2 * time.Minute
)

// clusterUnprovisioned finds that Rancher or Cluster API is not done with the cluster, or has stopped working on it.
func clusterUnprovisioned() Check {
	return Check{
		Name:  "cluster-unprovisioned",
		Title: "The cluster is not provisioned, or Cluster API does not work on it",
		Why: "The upgrade waits without a limit until Cluster API has provisioned the cluster, before and after it upgrades Rancher; and Kubernetes is upgraded by changing the " +
			"cluster, of which nothing comes while it is paused or another change is stuck.",
		Finds: "A cluster fleet-local/local of Cluster API that is missing, paused, being deleted, in another phase than Provisioned, or behind its generation; and one of Rancher " +
			"that is missing, being deleted, behind its generation, or whose condition Ready, Updated or Provisioned is not True, as while it waits for probes; and the " +
			"kubeconfig of the cluster without its label.",
		Remedy: "finish or undo what is being done to the nodes; if nothing is, restart Cluster API: " +
			"kubectl rollout restart deployment/capi-controller-manager -n cattle-provisioning-capi-system.",
		Severity: Block,
		Needs:    []cluster.Kind{cluster.CAPIClusters, cluster.ProvisioningClusters},
		Uses:     []cluster.Kind{cluster.Secrets},
		Sources: []string{
			"harvester/harvester#7065", "harvester/harvester#6022", "harvester/harvester#5158", "harvester/harvester#5258", "harvester/harvester#8454",
			"harvester/harvester#4902", "harvester/harvester#6041", "harvester/harvester#3863", "harvester/harvester#6203", "harvester/harvester#7874", "harvester/harvester#1984",
			"rancher/rancher#43686",
			"harvester/harvester package/upgrade/upgrade_manifests.sh wait_capi_cluster", "rancher/rancher pkg/capr/planner",
		},
		Elsewhere: Peers{
			Webhook: "the phase of Cluster API's cluster alone",
			Script:  "the phase, whether it is paused, and the label",
		},
		Run: runClusterUnprovisioned,
	}
}

func runClusterUnprovisioned(p *Pass) error {
	judgeCAPICluster(p)
	judgeProvisioningCluster(p)
	judgeKubeconfig(p)
	return nil
}

// judgeCAPICluster reports what keeps wait_capi_cluster from ending.
func judgeCAPICluster(p *Pass) {
	local := localCAPICluster(p)
	if local == nil {
		p.Findf(&cluster.CAPICluster{ObjectMeta: localName()}, "cluster %s/%s of Cluster API does not exist", cluster.FleetLocalNamespace, cluster.LocalCluster)
		return
	}
	var facts []string
	remedy := ""
	_, annotated := local.Annotations[cluster.AnnotationPaused]
	if local.Spec.Paused {
		facts = append(facts, "is paused, so that nothing is done to its machines")
		remedy = fmt.Sprintf("let it go on: kubectl -n %s patch clusters.cluster.x-k8s.io %s --type merge -p '{\"spec\":{\"paused\":false}}'.", local.Namespace, local.Name)
	} else if annotated {
		facts = append(facts, "is paused by its annotation "+cluster.AnnotationPaused+", so that nothing is done to its machines")
		remedy = fmt.Sprintf("let it go on: kubectl -n %s annotate clusters.cluster.x-k8s.io %s %s-.", local.Namespace, local.Name, cluster.AnnotationPaused)
	}
	if !local.DeletionTimestamp.IsZero() {
		facts = append(facts, "is being deleted"+lasting(p, local.DeletionTimestamp.Time))
	}
	switch phase := cluster.Text(local.Status.Phase); phase {
	case phaseProvisioned:
	case "Pending", "Provisioning", "Deleting", "Failed", "Unknown":
		facts = append(facts, fmt.Sprintf("is in phase %s instead of %s", phase, phaseProvisioned))
	case "":
		p.Unknownf(local, "it reports no phase")
	default:
		p.Unknownf(local, "its phase is %q, a word that is not known", phase)
	}
	f := Finding{Object: ObjectOf(local), Remedy: remedy}
	switch observed := local.Status.ObservedGeneration; {
	case observed == 0 && local.Generation > 0:
		p.Unknownf(local, "it does not report which generation of it was observed")
	case observed < local.Generation:
		f.Transient = len(facts) == 0
		facts = append(facts, behindGeneration(observed, local.Generation))
	}
	reportCluster(p, f, "Cluster API", facts)
}

// judgeProvisioningCluster reports that Rancher has not done what the cluster's specification says.
func judgeProvisioningCluster(p *Pass) {
	local := localProvisioningCluster(p)
	if local == nil {
		p.Findf(&cluster.ProvisioningCluster{ObjectMeta: localName()}, "cluster %s/%s of Rancher does not exist", cluster.FleetLocalNamespace, cluster.LocalCluster)
		return
	}
	f := Finding{Object: ObjectOf(local), Transient: true}
	var facts []string
	if !local.DeletionTimestamp.IsZero() {
		f.Transient = false
		facts = append(facts, "is being deleted"+lasting(p, local.DeletionTimestamp.Time))
	}
	for _, conditionType := range [...]string{"Ready", "Updated", "Provisioned"} {
		condition := cluster.Condition(local.Status.Conditions, conditionType)
		fact, because := conditionFact(p, condition, conditionType)
		if because != "" {
			p.Unknownf(local, "%s", because)
		}
		if fact == "" {
			continue
		}
		facts = append(facts, fact)
		// Every change to a machine's plan makes Updated Unknown for seconds.
		since := conditionSince(condition)
		f.Transient = f.Transient && conditionType == "Updated" && condition.Status == string(metav1.ConditionUnknown) && p.Age(since) < clusterSettles
		f.Since = since
	}
	if observed := local.Status.ObservedGeneration; observed != 0 && observed < local.Generation {
		facts = append(facts, behindGeneration(observed, local.Generation))
	}
	if f.Remedy = renewProbed(local); f.Remedy == "" {
		f.Remedy = repairMachine(p, local)
	}
	reportCluster(p, f, "Rancher", facts)
}

// renewProbed says what to do where Rancher waits for components whose certificates only their own node sees: they last a year and are
// made anew only where they are missing (harvester/harvester#3863). It is empty where Rancher waits for something else.
func renewProbed(local *cluster.ProvisioningCluster) string {
	var steps []string
	for _, component := range [...]struct{ name, port string }{{"kube-controller-manager", "10257"}, {"kube-scheduler", "10259"}} {
		if !slices.ContainsFunc(local.Status.Conditions, func(c cluster.StatusCondition) bool {
			_, probes, waiting := strings.Cut(c.Message, "waiting for probes:")
			return waiting && c.Status != string(metav1.ConditionTrue) && strings.Contains(probes, component.name)
		}) {
			continue
		}
		steps = append(steps, fmt.Sprintf("openssl s_client -connect 127.0.0.1:%[2]s </dev/null | openssl x509 -noout -enddate; if that is over, "+
			"rm /var/lib/rancher/rke2/server/tls/%[1]s/%[1]s.crt /var/lib/rancher/rke2/server/tls/%[1]s/%[1]s.key && "+
			"crictl rm -f $(crictl ps -q --name %[1]s)", component.name, component.port))
	}
	if len(steps) == 0 {
		return ""
	}
	return "see on the node that it names until when the certificate is valid: " + strings.Join(steps, "; and ") + "."
}

// repairMachine says what to do where Rancher waits for a machine that machines-mismatched reports; empty where it does not.
func repairMachine(p *Pass, local *cluster.ProvisioningCluster) string {
	for _, condition := range local.Status.Conditions {
		if condition.Status == string(metav1.ConditionTrue) {
			continue
		}
		if machine := mismatchedMachineIn(p, condition.Message); machine != "" {
			return fmt.Sprintf("do what machines-mismatched says of machine %s, for which Rancher waits; if it waits on after that, restart Cluster API: "+
				"kubectl rollout restart deployment/capi-controller-manager -n cattle-provisioning-capi-system.", machine)
		}
	}
	return ""
}

// judgeKubeconfig reports that Cluster API does not find the Secret by which it reaches the cluster.
func judgeKubeconfig(p *Pass) {
	name := fmt.Sprintf("%s/%s", cluster.FleetLocalNamespace, cluster.LocalKubeconfigSecret)
	if evidence := p.Evidence(cluster.Secrets); evidence.State != cluster.Read {
		p.LeaveOut(fmt.Sprintf("the label of Secret %s (%s)", name, evidence.Because))
		return
	}
	secret := p.Secret(cluster.FleetLocalNamespace, cluster.LocalKubeconfigSecret)
	if secret == nil {
		p.Unknownf(&cluster.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.FleetLocalNamespace, Name: cluster.LocalKubeconfigSecret}}, "it is not among the Secrets that were read")
		return
	}
	if cluster.Text(secret.Labels[cluster.LabelClusterName]) != cluster.LocalCluster {
		p.Report(Finding{Object: ObjectOf(secret),
			Message: fmt.Sprintf("secret %s has no label %s=%s, by which Cluster API finds it", name, cluster.LabelClusterName, cluster.LocalCluster),
			Remedy:  fmt.Sprintf("label it: kubectl label secret %s -n %s %s=%s --overwrite.", secret.Name, secret.Namespace, cluster.LabelClusterName, cluster.LocalCluster)})
	}
}

// conditionFact says that a condition of Rancher's is not True, or why that cannot be told; both are empty where it is True.
func conditionFact(p *Pass, condition *cluster.StatusCondition, conditionType string) (fact, because string) {
	if condition == nil {
		return "", "it reports no condition " + conditionType
	}
	switch condition.Status {
	case string(metav1.ConditionTrue):
		return "", ""
	case string(metav1.ConditionFalse), string(metav1.ConditionUnknown):
		return fmt.Sprintf("has condition %s=%s%s%s", conditionType, condition.Status, lasting(p, conditionSince(condition)), quoted(condition.Message)), ""
	}
	return "", fmt.Sprintf("its condition %s is %q", conditionType, condition.Status)
}

func behindGeneration(observed, generation int64) string {
	return fmt.Sprintf("is at generation %d, of which only %d was observed", generation, observed)
}

func reportCluster(p *Pass, f Finding, of string, facts []string) {
	if len(facts) == 0 {
		return
	}
	f.Message = fmt.Sprintf("cluster %s/%s of %s %s", f.Object.Namespace, f.Object.Name, of, strings.Join(facts, " and "))
	if f.Transient {
		f.Settles = clusterSettles
		f.Remedy = fmt.Sprintf("wait until the change is done, a minute or two: kubectl get %s %s -n %s.", "clusters."+groupOf(f.Object), f.Object.Name, f.Object.Namespace)
	}
	p.Report(f)
}

func groupOf(object Object) string {
	group, _, _ := strings.Cut(object.APIVersion, "/")
	return group
}

func localName() metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: cluster.FleetLocalNamespace, Name: cluster.LocalCluster}
}

func localCAPICluster(p *Pass) *cluster.CAPICluster {
	for _, c := range p.CAPIClusters() {
		if c.Namespace == cluster.FleetLocalNamespace && c.Name == cluster.LocalCluster {
			return c
		}
	}
	return nil
}

func localProvisioningCluster(p *Pass) *cluster.ProvisioningCluster {
	for _, c := range p.ProvisioningClusters() {
		if c.Namespace == cluster.FleetLocalNamespace && c.Name == cluster.LocalCluster {
			return c
		}
	}
	return nil
}
