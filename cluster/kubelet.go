package cluster

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Kubelet is what one node's kubelet answered. Stats and Config are nil where it did not, and the matching error says
// why.
type Kubelet struct {
	// ReadAt is when the kubelet was asked; zero for evidence from a file.
	ReadAt time.Time
	// Stats are the node's file systems.
	Stats *KubeletSummary
	// StatsError says why Stats is nil.
	StatsError string
	// Config is the kubelet's running configuration.
	Config *KubeletConfiguration
	// ConfigError says why Config is nil.
	ConfigError string
	// Forbidden are the kinds of evidence that the kubelet refused to give us.
	Forbidden []Kind
}

// KubeletSummary is the part of /stats/summary that checks read (k8s.io/kubelet, stats/v1alpha1, NodeStats).
type KubeletSummary struct {
	// FileSystem is the one that holds /var/lib/kubelet; nil where the kubelet does not know it.
	FileSystem *FileSystem `json:"fs"`
	// Runtime holds the file system of container images, which may be another one.
	Runtime struct {
		ImageFileSystem *FileSystem `json:"imageFs"`
	} `json:"runtime"`
}

// FileSystem holds sizes in bytes; a size is nil where the kubelet does not know it.
type FileSystem struct {
	AvailableBytes *uint64 `json:"availableBytes"`
	CapacityBytes  *uint64 `json:"capacityBytes"`
	UsedBytes      *uint64 `json:"usedBytes"`
}

// KubeletConfiguration is the part of /configz that checks read (k8s.io/kubelet, config/v1beta1).
type KubeletConfiguration struct {
	// ImageGCHighThresholdPercent is the fullness at which the kubelet begins to delete images; nil means the default, 85.
	ImageGCHighThresholdPercent *int32 `json:"imageGCHighThresholdPercent"`
}

// Kubelet returns what a node's kubelet answered; false where it was not asked.
func (s *Snapshot) Kubelet(node string) (Kubelet, bool) {
	k, ok := s.kubelets[node]
	return k, ok
}

// takeKubelets puts the kubelets' answers into the Snapshot and sets the evidence of the two kubelet kinds. They are Read when the kubelets were asked; a single kubelet
// that did not answer is told by its own error, and concerns its own node alone.
func (s *Snapshot) takeKubelets(probed Probed) {
	s.kubelets = probed.Kubelets
	state := func(kind Kind) Evidence {
		switch nodes := s.evidence[Nodes]; {
		case nodes.State != Read:
			return unread(kind, "the nodes could not be listed: "+nodes.Because)
		case probed.KubeletsUnread != "":
			return unread(kind, probed.KubeletsUnread)
		case s.kubelets == nil:
			return unread(kind, "the kubelets were not asked, or not before the deadline")
		}
		return Evidence{Kind: kind, State: Read, ReadAt: s.now, Count: len(s.kubelets)}
	}
	s.evidence[KubeletStats] = state(KubeletStats)
	s.evidence[KubeletConfig] = state(KubeletConfig)
}

// decodeSummary reads a kubelet's answer on /stats/summary.
func decodeSummary(body []byte) (*KubeletSummary, error) {
	var answer struct {
		Node *KubeletSummary `json:"node"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("decode the answer: %w", err)
	}
	if answer.Node == nil {
		return nil, fmt.Errorf("the answer has no field node")
	}
	return answer.Node, nil
}

// decodeConfig reads a kubelet's answer on /configz, which wraps the configuration in the field kubeletconfig.
func decodeConfig(body []byte) (*KubeletConfiguration, error) {
	var answer struct {
		Config *KubeletConfiguration `json:"kubeletconfig"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("decode the answer: %w", err)
	}
	if answer.Config == nil {
		return nil, fmt.Errorf("the answer has no field kubeletconfig")
	}
	return answer.Config, nil
}

// kubeletAddress returns host and port under which a node's kubelet serves.
func kubeletAddress(node *corev1.Node) (host string, port int32, err error) {
	port = node.Status.DaemonEndpoints.KubeletEndpoint.Port
	if port == 0 {
		return "", 0, fmt.Errorf("node %s names no kubelet port", node.Name)
	}
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			return address.Address, port, nil
		}
	}
	return "", 0, fmt.Errorf("node %s has no InternalIP", node.Name)
}
