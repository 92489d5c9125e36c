package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
)

// AskThrough lets a kubelet that does not answer us be asked again through the API server, for accounts with the right to get
// nodes/proxy. People's own accounts need it: a kubelet knows no token of Rancher's, and is often not reachable from where they sit. It
// returns the Prober.
func (p *Prober) AskThrough(reader *Reader) *Prober {
	p.through = reader.client
	return p
}

// getThrough asks a kubelet by the API server's proxy.
func (p *Prober) getThrough(ctx context.Context, node, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kubeletTimeout)
	defer cancel()
	body, err := readAnswer(ctx, p.through.Get().AbsPath("/api/v1/nodes", node, "proxy", path))
	switch {
	case err == nil:
		return body, nil
	case apierrors.IsForbidden(err):
		return nil, errors.New("through the API server it may not be asked without the right to get nodes/proxy")
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("through the API server neither, within %s", kubeletTimeout)
	}
	return nil, fmt.Errorf("through the API server neither: %s", firstLine([]byte(err.Error())))
}

func readAnswer(ctx context.Context, request *rest.Request) ([]byte, error) {
	stream, err := request.Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	body, err := io.ReadAll(io.LimitReader(stream, maxKubeletAnswer+1))
	if err == nil && len(body) > maxKubeletAnswer {
		err = fmt.Errorf("its answer is larger than %d MiB", maxKubeletAnswer>>20)
	}
	return body, err
}
