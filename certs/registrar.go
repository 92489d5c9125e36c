package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

const (
	// fieldManager is the name that managedFields show for our caBundles.
	fieldManager = "upgrade-gate"

	// registrarInterval is how often authorities are looked through for expired
	// ones, when nothing changes.
	registrarInterval = time.Minute
	firstRetry        = time.Second
	lastRetry         = 30 * time.Second
)

// registrar writes our certificate authorities into the caBundle of every webhook
// of our two configurations. Every replica runs one: they want the same bytes, and
// a patch is refused if it was made from an older state than the stored one.
type registrar struct {
	client        kubernetes.Interface
	registrations *registrations
	// wanted returns the authorities that must be registered; empty before there
	// is one.
	wanted       func() []*x509.Certificate
	leafDuration time.Duration
	now          func() time.Time
	changed      <-chan struct{}
	logger       *zap.Logger
}

func (r *registrar) run(ctx context.Context) {
	// said is what was last logged about a configuration: a state that lasts is
	// logged once, not on every try.
	said := map[configuration]string{}
	retry := firstRetry
	for {
		wait := registrarInterval
		for _, c := range r.registrations.expected {
			problem := ""
			if err := r.register(ctx, c); err != nil {
				problem = err.Error()
				wait = retry
			}
			if problem != "" && problem != said[c] && ctx.Err() == nil {
				r.logger.Warn("caBundle is not up to date, retrying", zap.Stringer("configuration", c), zap.String("problem", problem))
			}
			said[c] = problem
		}
		retry = min(2*retry, lastRetry)
		if wait == registrarInterval {
			retry = firstRetry
		}

		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-r.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// register brings the caBundles of one configuration up to date. It does nothing
// before the configuration and an authority have been seen, and nothing if the
// caBundles are right already.
func (r *registrar) register(ctx context.Context, c configuration) error {
	seen, read := r.registrations.get(c)
	if !read {
		return nil
	}
	if seen == nil {
		return fmt.Errorf("%s does not exist", c)
	}
	wanted := r.unexpired()
	if len(wanted) == 0 {
		return nil
	}
	patch, err := r.patch(seen, wanted)
	if err != nil || patch == nil {
		return err
	}
	if err := r.send(ctx, c, patch); apierrors.IsConflict(err) {
		// Another replica, or an operator, was faster. The watch brings their
		// state and with it the next try.
		r.logger.Debug("webhook configuration changed meanwhile", zap.Stringer("configuration", c))
		return nil
	} else if err != nil {
		return fmt.Errorf("patching the caBundle of %s: %w", c, err)
	}
	r.logger.Info("registered the certificate authority", zap.Stringer("configuration", c), zap.Int("authorities", len(wanted)))
	return nil
}

func (r *registrar) unexpired() []*x509.Certificate {
	var unexpired []*x509.Certificate
	for _, authority := range r.wanted() {
		if !r.now().After(authority.NotAfter) {
			unexpired = append(unexpired, authority)
		}
	}
	return unexpired
}

// caBundlePatch is a strategic merge patch: webhooks are merged by name, so it
// touches the caBundles that it lists and nothing else. The resourceVersion makes
// the API server answer 409 if the object is not the one that the patch is for.
type caBundlePatch struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Webhooks []webhookPatch `json:"webhooks"`
}

type webhookPatch struct {
	Name         string            `json:"name"`
	ClientConfig clientConfigPatch `json:"clientConfig"`
}

type clientConfigPatch struct {
	CABundle []byte `json:"caBundle"`
}

// patch returns the patch that makes every caBundle right, or nil if all are.
func (r *registrar) patch(seen *registration, wanted []*x509.Certificate) ([]byte, error) {
	var patch caBundlePatch
	patch.Metadata.ResourceVersion = seen.resourceVersion
	for _, webhook := range seen.webhooks {
		bundle := mergeBundle(webhook.caBundle, wanted, r.leafDuration, r.now())
		if !bytes.Equal(bundle, webhook.caBundle) {
			patch.Webhooks = append(patch.Webhooks, webhookPatch{Name: webhook.name, ClientConfig: clientConfigPatch{CABundle: bundle}})
		}
	}
	if len(patch.Webhooks) == 0 {
		return nil, nil
	}
	body, err := json.Marshal(patch)
	if err != nil {
		return nil, fmt.Errorf("encoding a caBundle patch: %w", err)
	}
	return body, nil
}

func (r *registrar) send(ctx context.Context, c configuration, patch []byte) error {
	var err error
	admission := r.client.AdmissionregistrationV1()
	options := metav1.PatchOptions{FieldManager: fieldManager}
	if c.kind == validatingKind {
		_, err = admission.ValidatingWebhookConfigurations().Patch(ctx, c.name, types.StrategicMergePatchType, patch, options)
	} else {
		_, err = admission.MutatingWebhookConfigurations().Patch(ctx, c.name, types.StrategicMergePatchType, patch, options)
	}
	return err
}
