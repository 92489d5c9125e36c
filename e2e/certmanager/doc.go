// Package certmanager tells what cert-manager does to the gate that deploy/overlays/cert-manager installs, and what becomes
// of people who press the upgrade button meanwhile: with cert-manager's own controllers and its own CA injector, the overlay as
// it is, the real API server and the real gate.
//
// Two things stand in for a kubelet and a kube-proxy: a mount writes the Secret into a folder as a kubelet does, and the
// overlay's Service is led to a forwarder before the replicas. cert-manager's webhook, which refuses Certificates that last
// less than an hour, does not run: the tests could not wait for one.
//
// docs/cert-manager.md promises what these tests hold it to.
package certmanager
