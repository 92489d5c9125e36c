package certs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"

	"go.uber.org/zap"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// namedInformers returns informers for objects of one name. The field selector is
// what lets RBAC limit list and watch with resourceNames.
func namedInformers(client kubernetes.Interface, namespace, name string) informers.SharedInformerFactory {
	return informers.NewSharedInformerFactoryWithOptions(client, 0,
		informers.WithNamespace(namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
		}))
}

// watchRegistrations keeps the registrations current until ctx ends, and calls
// changed after every change. Its goroutines are counted in running.
func watchRegistrations(ctx context.Context, running *sync.WaitGroup, client kubernetes.Interface, r *registrations, changed func(), logger *zap.Logger) error {
	for _, c := range r.expected {
		informer, err := configurationInformer(client, c)
		if err != nil {
			return err
		}
		observe := func(seen *registration) {
			r.observe(c, seen)
			changed()
		}
		handler, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(obj any) { observe(registrationOf(obj)) },
			UpdateFunc: func(_, obj any) { observe(registrationOf(obj)) },
			DeleteFunc: func(any) { observe(nil) },
		})
		if err != nil {
			return fmt.Errorf("watching %s: %w", c, err)
		}
		unwatchable := func(err error) {
			logger.Warn("cannot watch a webhook configuration", zap.Stringer("configuration", c), zap.Error(err))
			r.unwatchable(c, err)
		}
		if err := runInformer(ctx, running, informer, unwatchable); err != nil {
			return fmt.Errorf("watching %s: %w", c, err)
		}
		running.Go(func() {
			// Absence is known only when the first list has been delivered whole.
			if cache.WaitForCacheSync(ctx.Done(), handler.HasSynced) {
				r.observeAbsence(c)
				changed()
			}
		})
	}
	return nil
}

// runInformer starts the informer, and reports failures to watch other than the
// ordinary end of a watch, after which it is resumed.
func runInformer(ctx context.Context, running *sync.WaitGroup, informer cache.SharedIndexInformer, failed func(error)) error {
	report := func(_ context.Context, _ *cache.Reflector, err error) {
		if errors.Is(err, io.EOF) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
			return
		}
		failed(err)
	}
	if err := informer.SetWatchErrorHandlerWithContext(report); err != nil {
		return err
	}
	running.Go(func() { informer.RunWithContext(ctx) })
	return nil
}

func configurationInformer(client kubernetes.Interface, c configuration) (cache.SharedIndexInformer, error) {
	admission := namedInformers(client, metav1.NamespaceAll, c.name).Admissionregistration().V1()
	switch c.kind {
	case validatingKind:
		return admission.ValidatingWebhookConfigurations().Informer(), nil
	case mutatingKind:
		return admission.MutatingWebhookConfigurations().Informer(), nil
	default:
		return nil, errors.New("no informer for " + c.kind)
	}
}

func registrationOf(obj any) *registration {
	seen := &registration{}
	switch configuration := obj.(type) {
	case *admissionv1.ValidatingWebhookConfiguration:
		seen.resourceVersion = configuration.ResourceVersion
		for _, webhook := range configuration.Webhooks {
			seen.webhooks = append(seen.webhooks, registeredWebhookOf(webhook.Name, webhook.ClientConfig))
		}
	case *admissionv1.MutatingWebhookConfiguration:
		seen.resourceVersion = configuration.ResourceVersion
		for _, webhook := range configuration.Webhooks {
			seen.webhooks = append(seen.webhooks, registeredWebhookOf(webhook.Name, webhook.ClientConfig))
		}
	}
	return seen
}

func registeredWebhookOf(name string, client admissionv1.WebhookClientConfig) registeredWebhook {
	webhook := registeredWebhook{name: name, caBundle: client.CABundle}
	switch {
	case client.Service != nil:
		webhook.host = client.Service.Name + "." + client.Service.Namespace + ".svc"
	case client.URL != nil:
		// The API server admits only URLs that parse.
		if target, err := url.Parse(*client.URL); err == nil {
			webhook.host = target.Hostname()
		}
	}
	return webhook
}
