package pods

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// waiting is the status of a pod whose process is not there.
func (p *pod) waiting(reason, message string) corev1.PodStatus {
	return p.status(corev1.PodPending, false, corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message},
	})
}

// started is the status of a pod with a process.
func (p *pod) started() corev1.PodStatus {
	p.mu.Lock()
	ready, began := p.ready, p.began
	p.mu.Unlock()
	return p.status(corev1.PodRunning, ready, corev1.ContainerState{
		Running: &corev1.ContainerStateRunning{StartedAt: began},
	})
}

// finished is the status of a pod whose process has ended for good.
func (p *pod) finished(code int32) corev1.PodStatus {
	phase, reason := corev1.PodSucceeded, "Completed"
	if code != 0 {
		phase, reason = corev1.PodFailed, "Error"
	}
	p.mu.Lock()
	began := p.began
	p.mu.Unlock()
	return p.status(phase, false, corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, StartedAt: began, FinishedAt: metav1.Now()},
	})
}

func (p *pod) status(phase corev1.PodPhase, ready bool, state corev1.ContainerState) corev1.PodStatus {
	p.mu.Lock()
	restarts := p.restarts
	p.mu.Unlock()
	if restarts > 0 && phase == corev1.PodPending {
		phase = corev1.PodRunning // a pod that has run once is never pending again
	}
	condition := func(kind corev1.PodConditionType, holds bool) corev1.PodCondition {
		status := corev1.ConditionFalse
		if holds {
			status = corev1.ConditionTrue
		}
		return corev1.PodCondition{Type: kind, Status: status, LastTransitionTime: metav1.Now()}
	}
	began := p.object.CreationTimestamp
	return corev1.PodStatus{
		Phase: phase, StartTime: &began, HostIP: hostIP, HostIPs: []corev1.HostIP{{IP: hostIP}},
		PodIP: p.address, PodIPs: []corev1.PodIP{{IP: p.address}},
		Conditions: []corev1.PodCondition{
			condition(corev1.PodInitialized, true), condition(corev1.ContainersReady, ready), condition(corev1.PodReady, ready),
		},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: p.object.Spec.Containers[0].Name, Image: p.object.Spec.Containers[0].Image,
			Ready: ready, RestartCount: restarts, State: state,
		}},
	}
}

// report writes the pod's status. A pod that is gone needs none; of any other error the pod's log tells.
func (p *pod) report(status corev1.PodStatus) {
	patch, err := json.Marshal(map[string]any{"status": status})
	if err == nil {
		_, err = p.runner.client.CoreV1().Pods(p.object.Namespace).Patch(context.WithoutCancel(p.ctx), p.object.Name,
			types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	}
	if err == nil || apierrors.IsNotFound(err) {
		return
	}
	if file, opened := os.OpenFile(p.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); opened == nil {
		fmt.Fprintf(file, "pods: writing the status: %v\n", err)
		_ = file.Close()
	}
}
