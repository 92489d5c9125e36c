package installed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/installed"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

const chartFolder = "../../deploy/chart/upgrade-gate"

// helm runs the real helm as the cluster's admin.
func helm(t *testing.T, cluster *installed.Cluster, args ...string) {
	t.Helper()
	program, err := tools.Helm().Ensure(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, append(args, "--namespace="+manifests.Namespace)...)
	command.Env = cluster.Environment(cluster.Kubeconfig)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, output.String())
	}
}

// TestTheChartIsUpgradedAndRemovedUnderLoad installs the chart and waits as Helm does, upgrades it while people press the
// button, and removes it with the hook that takes the webhooks away first: no call finds a webhook without a gate.
func TestTheChartIsUpgradedAndRemovedUnderLoad(t *testing.T) {
	cluster := begin(t)
	helm(t, cluster, "install", "upgrade-gate", chartFolder, "--create-namespace", "--wait", "--timeout=120s")
	ready(t, cluster, replicas)

	calls := traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	helm(t, cluster, "upgrade", "upgrade-gate", chartFolder, "--reuse-values", "--set=logLevel=debug", "--wait", "--timeout=120s")
	ready(t, cluster, replicas)
	calls.Await(t, traffic.Steady)
	noneLost(t, cluster, calls)

	calls = traffic.Start(t, cluster.Config)
	calls.Await(t, traffic.Steady)
	helm(t, cluster, "uninstall", "upgrade-gate", "--wait", "--timeout=120s")
	calls.Await(t, traffic.Steady)
	outcomes := map[traffic.Outcome]int{}
	for _, call := range calls.Finish() {
		outcomes[call.Outcome]++
		if call.Outcome == traffic.FailedClosed || call.Outcome == traffic.Other {
			t.Errorf("call %d: %s: %v", call.Number, call.Outcome, call.Err)
		}
	}
	if outcomes[traffic.InAdvance]+outcomes[traffic.Validated] < traffic.Steady || outcomes[traffic.Admitted] < traffic.Steady {
		t.Errorf("before and after the removal: %v", outcomes)
	}
	nothingIsLeft(t, cluster)
}

// nothingIsLeft waits until the release's pods and hooks are gone, and looks at what could refuse upgrades.
func nothingIsLeft(t *testing.T, cluster *installed.Cluster) {
	t.Helper()
	gatetest.Await(t, patience, func(ctx context.Context) error {
		list, err := cluster.Client.CoreV1().Pods(manifests.Namespace).List(ctx, metav1.ListOptions{})
		if err == nil && len(list.Items) > 0 {
			err = fmt.Errorf("%d pods are still there", len(list.Items))
		}
		return err
	})
	if running := cluster.Pods.Running(); len(running) > 0 {
		t.Errorf("still running: %+v", running)
	}
	_, validating := cluster.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(t.Context(), manifests.Name, metav1.GetOptions{})
	_, mutating := cluster.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), manifests.MutatingConfigurationName, metav1.GetOptions{})
	_, role := cluster.Client.RbacV1().ClusterRoles().Get(t.Context(), "upgrade-gate-unregister", metav1.GetOptions{})
	for _, err := range []error{validating, mutating, role} {
		if !apierrors.IsNotFound(err) {
			t.Error(errors.Join(errors.New("something of the release is left"), err))
		}
	}
}
