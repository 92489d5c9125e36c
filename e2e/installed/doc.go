// Package installed runs Upgrade Gate as it is installed: the manifests that are shipped, unmodified, in a cluster whose
// pods run. Kubernetes' own scheduler and controllers make pods and EndpointSlices of them, the pods run as processes with a
// network of their own, and the API server calls the gate through its Service.
package installed
