package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
)

const (
	// kubeletTimeout is how long one kubelet may take; all are asked at once, so it is also how long all may take.
	kubeletTimeout = 3 * time.Second
	// maxKubeletAnswer bounds an answer; /stats/summary of a node with 250 pods is about 1 MiB.
	maxKubeletAnswer = 16 << 20
)

// Prober asks servers directly: kubelets, with the credentials of a rest.Config, and API servers and kubelets for their
// certificates, without any. The right that it needs is get on nodes/stats and nodes/configz.
type Prober struct {
	client *http.Client
	dialer dialer
	now    func() time.Time
	// through is the API server by which kubelets are asked that do not answer directly; nil where they are not.
	through rest.Interface
}

// NewProber returns a Prober. caFile names the CA that signs the kubelets' serving certificates; empty means the CA of
// the API server, which is the one that RKE2 uses for both. It returns an error for a CA that cannot be read.
func NewProber(config *rest.Config, caFile string, now func() time.Time) (*Prober, error) {
	direct := rest.CopyConfig(config)
	direct.Timeout = 0
	direct.ServerName = ""
	direct.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	if caFile != "" {
		if _, err := os.Stat(caFile); err != nil {
			return nil, fmt.Errorf("read the CA of the kubelets: %w", err)
		}
		direct.CAFile, direct.CAData = caFile, nil
	}
	httpClient, err := rest.HTTPClientFor(direct)
	if err != nil {
		return nil, fmt.Errorf("build the client for kubelets: %w", err)
	}
	return &Prober{client: httpClient, dialer: dialer{timeout: certificateTimeout}, now: now}, nil
}

// Probe asks all targets for everything at once, and returns when Ask and Certificates do, whatever the targets do.
func (p *Prober) Probe(ctx context.Context, targets Targets) Probed {
	var probed Probed
	var both sync.WaitGroup
	both.Go(func() { probed.Kubelets = p.Ask(ctx, targets.Nodes) })
	both.Go(func() { probed.Certificates, probed.CertificatesUnread = p.Certificates(ctx, targets) })
	both.Wait()
	return probed
}

// Certificates returns what every target presents, within three seconds, or when ctx ends, whatever they do. Where not all
// targets are known it dials nobody, and the text says why.
func (p *Prober) Certificates(ctx context.Context, targets Targets) (served []ServedCertificate, unread string) {
	if targets.Unknown != "" {
		return nil, targets.Unknown
	}
	return p.dialer.all(ctx, targets), ""
}

// Ask asks every node's kubelet at once and returns within three seconds, or twice that where the API server is asked after that, or when
// ctx ends, whatever they do.
func (p *Prober) Ask(ctx context.Context, nodes []*corev1.Node) map[string]Kubelet {
	answers := make([]Kubelet, len(nodes))
	var all sync.WaitGroup
	for i, node := range nodes {
		all.Go(func() { answers[i] = p.askOne(ctx, node) })
	}
	all.Wait()
	byNode := make(map[string]Kubelet, len(nodes))
	for i, node := range nodes {
		byNode[node.Name] = answers[i]
	}
	return byNode
}

func (p *Prober) askOne(ctx context.Context, node *corev1.Node) Kubelet {
	answer := Kubelet{ReadAt: p.now()}
	var statsForbidden, configForbidden bool
	var both sync.WaitGroup
	both.Go(func() {
		body, err := p.get(ctx, node, "/stats/summary")
		if err == nil {
			answer.Stats, err = decodeSummary(body)
		}
		answer.StatsError, statsForbidden = explain(err), errors.Is(err, errKubeletForbids)
	})
	both.Go(func() {
		body, err := p.get(ctx, node, "/configz")
		if err == nil {
			answer.Config, err = decodeConfig(body)
		}
		answer.ConfigError, configForbidden = explain(err), errors.Is(err, errKubeletForbids)
	})
	both.Wait()
	if statsForbidden {
		answer.Forbidden = append(answer.Forbidden, KubeletStats)
	}
	if configForbidden {
		answer.Forbidden = append(answer.Forbidden, KubeletConfig)
	}
	return answer
}

func explain(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// get asks a kubelet, and where it does not answer, and the API server may be asked in its place, the API server.
func (p *Prober) get(ctx context.Context, node *corev1.Node, path string) ([]byte, error) {
	body, err := p.getDirectly(ctx, node, path)
	if err == nil || p.through == nil {
		return body, err
	}
	body, errThrough := p.getThrough(ctx, node.Name, path)
	if errThrough != nil {
		return nil, fmt.Errorf("%w; %w", err, errThrough)
	}
	return body, nil
}

func (p *Prober) getDirectly(ctx context.Context, node *corev1.Node, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kubeletTimeout)
	defer cancel()
	host, port, err := kubeletAddress(node)
	if err != nil {
		return nil, err
	}
	target := url.URL{Scheme: "https", Host: net.JoinHostPort(host, strconv.Itoa(int(port))), Path: path}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask the kubelet: %w", err)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, kubeletError(path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxKubeletAnswer+1))
	switch {
	case err != nil:
		return nil, kubeletError(path, err)
	case len(body) > maxKubeletAnswer:
		return nil, fmt.Errorf("the kubelet's answer on %s is larger than %d MiB", path, maxKubeletAnswer>>20)
	case response.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("%w, %s on %s: %s", errKubeletForbids, response.Status, path, firstLine(body))
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the kubelet answered %s on %s: %s", response.Status, path, firstLine(body))
	}
	return body, nil
}

// errKubeletForbids is the error of a kubelet that knows us and does not let us ask.
var errKubeletForbids = errors.New("the kubelet refused")

func kubeletError(path string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the kubelet did not answer on %s within %s", path, kubeletTimeout)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("the kubelet did not answer on %s: %w", path, err)
}

// firstLine cuts what a stranger answered to what fits into a message.
func firstLine(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if len(line) > 120 {
		line = line[:120] + "…"
	}
	return line
}
