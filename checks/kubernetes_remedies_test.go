package checks_test

import (
	"strings"
	"testing"
)

const podOfWeb = `---
apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: shop, labels: {app: web}}
spec: {nodeName: node-1}
status: {phase: Running, conditions: [{type: Ready, status: "True"}]}
`

const twoManagedNodes = `---
apiVersion: v1
kind: Node
metadata: {name: node-1, labels: {harvesterhci.io/managed: "true"}}
status: {conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: Node
metadata: {name: node-2, labels: {harvesterhci.io/managed: "true"}}
status: {conditions: [{type: Ready, status: "True"}]}
`

const webhookOfShop = `---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: policy}
webhooks:
- name: policy.example.org
  clientConfig: {service: {namespace: shop, name: policy}}
  rules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
`

const sliceOfShop = `---
apiVersion: v1
kind: Service
metadata: {name: policy, namespace: shop}
spec: {ports: [{port: 443}], selector: {tier: admission, app: policy}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: policy-1
  namespace: shop
  labels: {kubernetes.io/service-name: policy}
  annotations: {endpoints.kubernetes.io/last-change-trigger-time: "2026-11-20T11:00:00Z"}
addressType: IPv4
ports: [{port: 9443}]
endpoints: [{addresses: [10.52.0.9], conditions: {ready: false}}]
`

func TestRemediesNameTheObjectsOfKubernetes(t *testing.T) {
	for name, test := range map[string]struct{ check, objects, want string }{
		"a budget that never allows is relaxed": {
			"blocking-disruption-budgets", twoManagedNodes + podOfWeb + `---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec: {maxUnavailable: 0, selector: {matchLabels: {app: web}}}
`, `kubectl -n shop patch pdb web --type merge -p '{"spec":{"minAvailable":null,"maxUnavailable":1}}'`},
		"a pod that does not end is described before it is forced": {
			"pods-unready", twoManagedNodes + strings.Replace(podOfWeb, "namespace: shop", `namespace: shop, deletionTimestamp: "2026-11-20T11:00:00Z"`, 1),
			"see what it waits for: kubectl -n shop describe pod web-0; "},
		"a pod that a finalizer holds is not forced": {
			"pods-unready", twoManagedNodes + strings.Replace(podOfWeb, "namespace: shop", `namespace: shop, finalizers: [example.org/keep], deletionTimestamp: "2026-11-20T11:00:00Z"`, 1),
			"see why the controller that set the finalizer example.org/keep does not remove it"},
		"a webhook is removed only with its component": {
			"dead-webhooks", webhookOfShop, "Only if its component was removed: kubectl delete mutatingwebhookconfiguration policy."},
		"the pods behind a webhook are listed": {
			"dead-webhooks", webhookOfShop + sliceOfShop, "kubectl -n shop get pods -o wide -l app=policy,tier=admission."},
	} {
		t.Run(name, func(t *testing.T) {
			if remedy := onlyFinding(t, test.check, test.objects).Remedy; !strings.Contains(remedy, test.want) {
				t.Errorf("the remedy is %q, want it to say %q", remedy, test.want)
			}
		})
	}
}
