package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// floor fetches what a live read reads, and does nothing with it: no faster read is possible.
type floor struct {
	client *http.Client
	urls   []string
	// bytes is the size of all lists.
	bytes atomic.Int64
}

func newFloor(config *rest.Config) (*floor, error) {
	config = rest.CopyConfig(config)
	config.DisableCompression = true
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("building a client: %w", err)
	}
	f := &floor{client: client}
	for _, resource := range cluster.Resources() {
		query := url.Values{}
		if len(resource.Select.Labels) > 0 {
			query.Set("labelSelector", resource.Select.Labels.String())
		}
		if resource.Select.EventReason != "" {
			query.Set("fieldSelector", "reason="+resource.Select.EventReason)
		}
		f.urls = append(f.urls, strings.TrimSuffix(config.Host, "/")+resource.Path()+"?"+query.Encode())
	}
	return f, nil
}

// fetch fetches every list at once.
func (f *floor) fetch(ctx context.Context) error {
	f.bytes.Store(0)
	errs := make([]error, len(f.urls))
	var all sync.WaitGroup
	for i, url := range f.urls {
		all.Go(func() { errs[i] = f.one(ctx, url) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (f *floor) one(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := f.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	f.bytes.Add(n)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, response.Status)
	}
	return err
}
