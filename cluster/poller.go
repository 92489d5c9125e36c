package cluster

import (
	"context"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// kubeletPollInterval is how old the kubelets' answers in the watch cache may become. They only serve to refuse early;
// an upgrade is admitted on answers read for it.
const kubeletPollInterval = time.Minute

// KubeletPoller keeps the last answer of every kubelet.
type KubeletPoller struct {
	prober *Prober
	last   atomic.Pointer[map[string]Kubelet]
}

// NewKubeletPoller returns a poller that asks nobody until the watch cache that it belongs to is started.
func NewKubeletPoller(prober *Prober) *KubeletPoller { return &KubeletPoller{prober: prober} }

// Last returns the last answers by node name; nil before the first poll.
func (p *KubeletPoller) Last() map[string]Kubelet {
	if last := p.last.Load(); last != nil {
		return *last
	}
	return nil
}

func (p *KubeletPoller) run(ctx context.Context, nodes func() []*corev1.Node) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wait := kubeletPollInterval
		if asked := nodes(); len(asked) > 0 {
			answers := p.prober.Ask(ctx, asked)
			p.last.Store(&answers)
		} else {
			wait = time.Second
		}
		timer.Reset(wait)
	}
}
