package oracle

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
)

// fate is an annotation that tells kwok what becomes of a pod on its node. A pod without it stays pending, as one whose image is not
// pulled yet.
const fate = "oracle.upgradegate.io/fate"

// The fates.
const (
	ready     = "ready"
	unready   = "unready"
	succeeded = "succeeded"
	failed    = "failed"
	// grown is ready, and has more than it requests: its requests were made smaller and the kubelet has not followed yet.
	grown = "grown"
)

// stages are what kwok does: it gives each pod its fate, and removes a pod that is deleted unless a finalizer keeps it.
func stages() string {
	all := []string{controlplane.NodeStage, controlplane.DeleteStage}
	for _, stage := range []struct{ fate, phase, condition string }{
		{ready, "Running", "True"}, {unready, "Running", "False"}, {succeeded, "Succeeded", "False"}, {failed, "Failed", "False"},
	} {
		all = append(all, strings.NewReplacer("FATE", stage.fate, "PHASE", stage.phase, "READY", stage.condition).Replace(fateStage))
	}
	grow := strings.NewReplacer("FATE", grown, "PHASE", "Running", "READY", "True").Replace(fateStage)
	return strings.Join(append(all, grow+containersThatGrew), "---\n")
}

const fateStage = `apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata:
  name: pod-FATE
spec:
  resourceRef:
    apiGroup: v1
    kind: Pod
  selector:
    matchAnnotations:
      ` + fate + `: FATE
    matchExpressions:
    - key: .metadata.deletionTimestamp
      operator: DoesNotExist
    - key: .status.phase
      operator: In
      values: [Pending]
  next:
    statusTemplate: |
      conditions:
      - type: Ready
        status: "READY"
        lastTransitionTime: {{ Now | Quote }}
      phase: PHASE
`

// containersThatGrew goes on from fateStage.
const containersThatGrew = `      containerStatuses:
      - name: main
        image: image
        imageID: image
        ready: true
        restartCount: 0
        resources:
          requests:
            cpu: "1"
            memory: 2Gi
`

// hasFate tells whether kwok has done with a pod what its annotation says.
func hasFate(pod *corev1.Pod) bool {
	switch pod.Annotations[fate] {
	case ready, grown:
		return isReady(pod)
	case unready:
		return pod.Status.Phase == corev1.PodRunning
	case succeeded:
		return pod.Status.Phase == corev1.PodSucceeded
	case failed:
		return pod.Status.Phase == corev1.PodFailed
	}
	return true
}

func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
