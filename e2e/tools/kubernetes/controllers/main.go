// Command controllers runs those of Kubernetes' own controllers that bring a Deployment, a Job and a Service of one
// namespace to life: Deployments, ReplicaSets, Jobs, EndpointSlices, PodDisruptionBudgets, the CA of the API server for pods, and the garbage collector. The
// kube-controller-manager knows no namespaces: beside an example cluster, whose ReplicaSets are in no file, it would
// replace every pod of the example.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/disruption"
	"k8s.io/kubernetes/pkg/controller/endpointslice"
	"k8s.io/kubernetes/pkg/controller/job"
	"k8s.io/kubernetes/pkg/controller/replicaset"
)

const (
	// workers is how many objects each controller works on at once.
	workers = 2
	// burstReplicas and maxEndpoints are the defaults of the kube-controller-manager.
	burstReplicas = 500
	maxEndpoints  = 100
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig file of a cluster admin")
	namespace := flag.String("namespace", "", "the namespace to work in")
	listen := flag.String("listen", "", "address of /healthz, host:port, with TLS")
	certificate := flag.String("tls-cert-file", "", "serving certificate")
	key := flag.String("tls-private-key-file", "", "key of the serving certificate")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	healthy := make(chan error, 1)
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	go func() { healthy <- http.ListenAndServeTLS(*listen, *certificate, *key, nil) }()
	if err := run(ctx, *kubeconfig, *namespace, healthy); err != nil {
		fmt.Fprintln(os.Stderr, "controllers:", err)
		os.Exit(1)
	}
}

// run runs the controllers until ctx ends, or nobody can ask any more whether they run.
func run(ctx context.Context, kubeconfig, namespace string, healthy <-chan error) error {
	if namespace == "" {
		return fmt.Errorf("--namespace is missing")
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1
	if err := rest.LoadTLSFiles(config); err != nil {
		return fmt.Errorf("reading the API server's CA: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	controllers, err := controllers(ctx, client, factory, config.CAData)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	budgets, err := disruptions(ctx, config, client, mapper, factory)
	if err != nil {
		return err
	}
	started := make(chan struct{})
	collector, err := garbage(ctx, config, client, mapper, factory, started)
	if err != nil {
		return err
	}
	controllers = append(controllers, budgets, collector)
	factory.Start(ctx.Done())
	close(started)
	for _, controller := range controllers {
		go controller(ctx)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-healthy:
		return fmt.Errorf("serving /healthz: %w", err)
	}
}

// disruptions returns what runs the controller of PodDisruptionBudgets.
func disruptions(ctx context.Context, config *rest.Config, client kubernetes.Interface, mapper *restmapper.DeferredDiscoveryRESTMapper, factory informers.SharedInformerFactory) (func(context.Context), error) {
	scales, err := scale.NewForConfig(config, mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(client.Discovery()))
	if err != nil {
		return nil, fmt.Errorf("making a client of scales: %w", err)
	}
	apps, core := factory.Apps().V1(), factory.Core().V1()
	controller := disruption.NewDisruptionController(ctx, core.Pods(), factory.Policy().V1().PodDisruptionBudgets(), core.ReplicationControllers(),
		apps.ReplicaSets(), apps.Deployments(), apps.StatefulSets(), client, mapper, scales, client.Discovery())
	return controller.Run, nil
}

// controllers returns what runs each of the other controllers.
func controllers(ctx context.Context, client kubernetes.Interface, factory informers.SharedInformerFactory, ca []byte) ([]func(context.Context), error) {
	apps, core := factory.Apps().V1(), factory.Core().V1()
	deployments, err := deployment.NewDeploymentController(ctx, apps.Deployments(), apps.ReplicaSets(), core.Pods(), client)
	if err != nil {
		return nil, fmt.Errorf("making the controller of Deployments: %w", err)
	}
	jobs, err := job.NewController(ctx, core.Pods(), factory.Batch().V1().Jobs(), client)
	if err != nil {
		return nil, fmt.Errorf("making the controller of Jobs: %w", err)
	}
	authorities, err := rootcacertpublisher.NewPublisher(core.ConfigMaps(), core.Namespaces(), client, ca)
	if err != nil {
		return nil, fmt.Errorf("making the publisher of the CA: %w", err)
	}
	replicaSets := replicaset.NewReplicaSetController(ctx, apps.ReplicaSets(), core.Pods(), client, burstReplicas)
	slices := endpointslice.NewController(ctx, core.Pods(), core.Services(), core.Nodes(), factory.Discovery().V1().EndpointSlices(), maxEndpoints, client, time.Duration(0))
	return []func(context.Context){
		func(ctx context.Context) { deployments.Run(ctx, workers) },
		func(ctx context.Context) { replicaSets.Run(ctx, workers) },
		func(ctx context.Context) { jobs.Run(ctx, workers) },
		func(ctx context.Context) { slices.Run(ctx, workers) },
		func(ctx context.Context) { authorities.Run(ctx, workers) },
	}, nil
}
