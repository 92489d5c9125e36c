package pods

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// watchReadiness asks the readiness probe until ctx ends, and reports each change.
func (p *pod) watchReadiness(ctx context.Context, file *os.File) {
	if p.container.ReadinessProbe == nil {
		p.setReady(true)
		return
	}
	p.watch(ctx, p.container.ReadinessProbe, func(err error) {
		p.setReady(err == nil)
		if err != nil {
			log(file, "the readiness probe fails: %v", err)
		}
	})
}

// watchLiveness asks the liveness probe until ctx ends, or until it has failed too often, which is an error.
func (p *pod) watchLiveness(ctx context.Context) (dead error) {
	if p.container.LivenessProbe == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.watch(ctx, p.container.LivenessProbe, func(err error) {
		if err != nil {
			dead = err
			cancel()
		}
	})
	return dead
}

// setReady notes whether the pod is ready, and reports a change.
func (p *pod) setReady(ready bool) {
	p.mu.Lock()
	changed := p.ready != ready
	p.ready = ready
	p.mu.Unlock()
	if changed {
		p.report(p.started())
	}
}

// watch asks a probe in its period, and tells when it has succeeded (nil) or failed often enough.
func (p *pod) watch(ctx context.Context, probe *corev1.Probe, tell func(error)) {
	ticker := time.NewTicker(time.Duration(max(probe.PeriodSeconds, 1)) * time.Second)
	defer ticker.Stop()
	successes, failures := int32(0), int32(0)
	for {
		err := p.ask(ctx, probe)
		if err == nil {
			successes, failures = successes+1, 0
		} else {
			successes, failures = 0, failures+1
		}
		if ctx.Err() != nil {
			return
		}
		if successes >= max(probe.SuccessThreshold, 1) {
			tell(nil)
		}
		if failures >= max(probe.FailureThreshold, 1) {
			tell(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// ask asks a probe once, from the node.
func (p *pod) ask(ctx context.Context, probe *corev1.Probe) error {
	if probe.HTTPGet == nil {
		return fmt.Errorf("only probes by HTTP are asked here")
	}
	port, err := p.port(probe.HTTPGet.Port)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(probe.TimeoutSeconds, 1))*time.Second)
	defer cancel()
	scheme := strings.ToLower(string(probe.HTTPGet.Scheme))
	if scheme == "" {
		scheme = "http"
	}
	url := fmt.Sprintf("%s://%s%s", scheme, net.JoinHostPort(p.address, fmt.Sprint(port)), probe.HTTPGet.Path)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode < http.StatusOK || response.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		return fmt.Errorf("answered %s: %s", response.Status, strings.TrimSpace(string(text)))
	}
	return nil
}

// port returns the number of a port that may be given by its name.
func (p *pod) port(given intstr.IntOrString) (int32, error) {
	if given.Type == intstr.Int {
		return given.IntVal, nil
	}
	for _, port := range p.container.Ports {
		if port.Name == given.StrVal {
			return port.ContainerPort, nil
		}
	}
	return 0, fmt.Errorf("the container has no port %q", given.StrVal)
}
