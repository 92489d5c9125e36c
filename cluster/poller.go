package cluster

import (
	"context"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	// kubeletPollInterval is how old the kubelets' answers in the watch cache may become. They only help to refuse early; an
	// upgrade is admitted on answers read for it.
	kubeletPollInterval = time.Minute
	// kubeletFreshness is how old answers may be when they are used before they are asked for again, for the next use.
	kubeletFreshness = 20 * time.Second
)

// KubeletPoller keeps the last answer of every kubelet.
type KubeletPoller struct {
	prober *Prober
	last   atomic.Pointer[polled]
	stale  chan struct{}
}

type polled struct {
	at      time.Time
	answers map[string]Kubelet
}

// NewKubeletPoller returns a poller that asks nobody until the watch cache that it belongs to is started.
func NewKubeletPoller(prober *Prober) *KubeletPoller {
	return &KubeletPoller{prober: prober, stale: make(chan struct{}, 1)}
}

// Last returns the last answers by node name; nil before the first poll. It does not wait, but has old answers renewed for
// whoever asks next: an operator who has just made room on a disk and tries again.
func (p *KubeletPoller) Last() map[string]Kubelet {
	last := p.last.Load()
	if last == nil {
		return nil
	}
	if p.prober.now().Sub(last.at) > kubeletFreshness {
		select {
		case p.stale <- struct{}{}:
		default:
		}
	}
	return last.answers
}

func (p *KubeletPoller) run(ctx context.Context, nodes func() []*corev1.Node) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.stale:
		}
		wait := kubeletPollInterval
		if asked := nodes(); len(asked) > 0 {
			p.last.Store(&polled{at: p.prober.now(), answers: p.prober.Ask(ctx, asked)})
		} else {
			wait = time.Second
		}
		timer.Reset(wait)
	}
}
