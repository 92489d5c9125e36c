package stories_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
)

// webhookDeadline is the timeoutSeconds of the validating registration.
const webhookDeadline = 30 * time.Second

// undecided applies the Upgrade and expects the refusal of an incomplete judgement, which says why. It
// leaves an event of its own.
func undecided(t *testing.T, cluster *gate.Cluster, file string, total int) {
	t.Helper()
	started := time.Now()
	refused := kubectl(t, cluster, "", "apply", "-f", manifest)
	took := time.Since(started)
	t.Logf("refused after %s", took.Round(time.Millisecond))
	if refused.code != 1 || took >= webhookDeadline {
		t.Errorf("kubectl ended with %d after %s, want 1 before the deadline of %s", refused.code, took, webhookDeadline)
	}
	golden(t, file, refused.stderr)
	events := awaitEvents(t, cluster, upgradeNamespace, total)["UpgradeUndecided"]
	if len(events) != total {
		t.Errorf("%d events UpgradeUndecided, want %d", len(events), total)
	}
}

// Story 5.
func TestAMissingCRDOfARequiredKindIsNamed(t *testing.T) {
	cluster := gatetest.Start(t, healthy, gate.ClusterOptions{WithoutCRDs: []string{"engines.longhorn.io"}})
	process := gatetest.Guard(t, cluster, gate.Options{})
	undecided(t, cluster, "missing-crd", 1)
	if got := metric(t, process, admissions("Incomplete", false)); got != 1 {
		t.Errorf("%v incomplete judgements counted, want 1", got)
	}
}

// Story 5.
func TestEvidenceThatCannotBeReadIsNamed(t *testing.T) {
	cluster, _ := beginGuarded(t, healthy)
	awaitAdmissible(t, cluster)

	t.Run("a kubelet that hangs", func(t *testing.T) {
		cluster.Kubelets.Node("node-3").Hang()
		undecided(t, cluster, "hanging-kubelet", 1)
		cluster.Kubelets.Node("node-3").Heal()
		awaitAdmissible(t, cluster)
	})
	t.Run("a kind that the role no longer lets us read", func(t *testing.T) {
		taken := takeAway(t, cluster, "virtualmachineinstances")
		awaitRight(t, cluster, "virtualmachineinstances.kubevirt.io", "no")
		undecided(t, cluster, "missing-right", 2)
		restore(t, cluster, taken)
		awaitRight(t, cluster, "virtualmachineinstances.kubevirt.io", "yes")
		awaitAdmissible(t, cluster)
	})
}

// awaitAdmissible waits until the upgrade would be admitted.
func awaitAdmissible(t *testing.T, cluster *gate.Cluster) {
	t.Helper()
	gatetest.Await(t, noticed, func(ctx context.Context) error {
		status, err := refusal(ctx, t, cluster)
		if err == nil && status != nil {
			err = fmt.Errorf("refused: %s", status.Message)
		}
		return err
	})
}

// takeAway removes a resource from the gate's ClusterRole and returns the rules as they were.
func takeAway(t *testing.T, cluster *gate.Cluster, resource string) []rbacv1.PolicyRule {
	t.Helper()
	before := change(t, cluster, func(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
		for i := range rules {
			rules[i].Resources = slices.DeleteFunc(rules[i].Resources, func(r string) bool { return r == resource })
		}
		return rules
	})
	return before
}

func restore(t *testing.T, cluster *gate.Cluster, rules []rbacv1.PolicyRule) {
	t.Helper()
	change(t, cluster, func([]rbacv1.PolicyRule) []rbacv1.PolicyRule { return rules })
}

// change edits the rules of the gate's ClusterRole, which may be left as they are, and returns those of
// before.
func change(t *testing.T, cluster *gate.Cluster, edit func([]rbacv1.PolicyRule) []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	t.Helper()
	account, err := cluster.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	role, err := client.RbacV1().ClusterRoles().Get(t.Context(), account.ClusterRole, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before := role.DeepCopy().Rules
	role.Rules = edit(role.Rules)
	if _, err := client.RbacV1().ClusterRoles().Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	return before
}

// awaitRight waits until kubectl auth can-i list says yes or no for the gate's account.
func awaitRight(t *testing.T, cluster *gate.Cluster, resource, want string) {
	t.Helper()
	account, err := cluster.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gatetest.Await(t, patience, func(ctx context.Context) error {
		// The exit code says the same as the text; an error without text is none of these answers.
		stdout, stderr, _ := cluster.KubectlAs(ctx, account.Kubeconfig, nil, "auth", "can-i", "list", resource, "--all-namespaces")
		if got := strings.TrimSpace(stdout); got != want {
			return fmt.Errorf("may the gate list %s: %q, want %q %s", resource, got, want, stderr)
		}
		return nil
	})
}
