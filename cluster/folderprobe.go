package cluster

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

func (f *Folder) addKubelet(file string, content []byte) error {
	base := path.Base(file)
	switch {
	case strings.HasSuffix(base, ".stats.json"):
		node := strings.TrimSuffix(base, ".stats.json")
		stats, err := decodeSummary(content)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		k := f.kubelets[node]
		k.Stats = stats
		f.kubelets[node] = k
	case strings.HasSuffix(base, ".configz.json"):
		node := strings.TrimSuffix(base, ".configz.json")
		config, err := decodeConfig(content)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		k := f.kubelets[node]
		k.Config = config
		f.kubelets[node] = k
	default:
		return fmt.Errorf("%s: a file in kubelet/ is named NODE.stats.json or NODE.configz.json", file)
	}
	return nil
}

func isCertificate(file string) bool {
	return path.Base(path.Dir(file)) == "certificates" && strings.ToLower(path.Ext(file)) == ".pem"
}

// chainName is what a certificate's file is known by: its name without the ending.
func chainName(file string) string { return strings.TrimSuffix(path.Base(file), path.Ext(file)) }

func (f *Folder) addCertificate(file string, content []byte) error {
	chain, err := ParseCertificates(content)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	name := chainName(file)
	if _, twice := f.chains[name]; twice {
		return fmt.Errorf("%s: another folder holds a %s as well", file, path.Base(file))
	}
	f.chains[name] = chain
	return nil
}

// Probe implements Source with what the files hold. A certificate's file that belongs to no known endpoint stands for one.
func (f *Folder) Probe(_ context.Context, targets Targets) Probed {
	probed := Probed{Kubelets: f.kubeletsOf(targets.Nodes)}
	probed.Certificates, probed.CertificatesUnread = f.served(targets)
	return probed
}

func (f *Folder) kubeletsOf(nodes []*corev1.Node) map[string]Kubelet {
	answers := make(map[string]Kubelet, len(nodes))
	for _, node := range nodes {
		answer := f.kubelets[node.Name]
		if answer.Stats == nil {
			answer.StatsError = "the files hold no kubelet/" + node.Name + ".stats.json"
		}
		if answer.Config == nil {
			answer.ConfigError = "the files hold no kubelet/" + node.Name + ".configz.json"
		}
		answers[node.Name] = answer
	}
	return answers
}

// served returns the certificates of all targets, and of those files that belong to none. The files need not say which API
// servers there are, but without the certificate of at least one of them the evidence is unread.
func (f *Folder) served(targets Targets) (served []ServedCertificate, unread string) {
	taken := map[string]bool{}
	take := func(endpoint ServedCertificate, name string) {
		endpoint.Chain = f.chains[name]
		if endpoint.Chain == nil {
			endpoint.Error = "the files hold no certificates/" + name + ".pem"
		}
		taken[name] = true
		served = append(served, endpoint)
	}
	for _, address := range targets.APIServers {
		node := nodeAt(targets.Nodes, hostOf(address))
		name := apiServerFile + cmp.Or(node, hostOf(address))
		take(ServedCertificate{Endpoint: apiServerEndpoint(address), Node: node}, name)
	}
	for _, node := range targets.Nodes {
		take(ServedCertificate{Endpoint: kubeletEndpoint(node.Name), Node: node.Name}, kubeletFile+node.Name)
	}
	apiServers := len(targets.APIServers)
	for _, name := range slices.Sorted(maps.Keys(f.chains)) {
		if taken[name] {
			continue
		}
		if strings.HasPrefix(name, apiServerFile) {
			apiServers++
		}
		take(nameServed(name), name)
	}
	switch {
	case len(f.chains) == 0:
		return nil, "the files hold no certificates/apiserver-NODE.pem and certificates/kubelet-NODE.pem"
	case apiServers == 0:
		return nil, "the files hold no certificates/apiserver-NODE.pem"
	}
	return served, ""
}
