package network

import (
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

const (
	// NodeAddress is the address of the node on the bridge, at which the pods find the kubelets.
	NodeAddress = "10.52.0.1"
	// APIServerAddress is the address of the Service "kubernetes": the first one of the cluster's network of services.
	APIServerAddress = "10.53.0.1"
	// bridgeName is that of Harvester's pod network.
	bridgeName = "cni0"
)

// Bridge connects pods with each other and with the node, which is this process's network.
type Bridge struct {
	link netlink.Link

	mu   sync.Mutex
	next int // the number of the pod to come
}

// NewBridge makes the bridge, with the addresses of the node and of the API server on it. It must be called in a
// network that Main has made.
func NewBridge() (*Bridge, error) {
	link := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridgeName}}
	if err := netlink.LinkAdd(link); err != nil {
		return nil, fmt.Errorf("making the bridge: %w", err)
	}
	for _, address := range []string{NodeAddress + "/16", APIServerAddress + "/32"} {
		parsed, err := netlink.ParseAddr(address)
		if err != nil {
			return nil, fmt.Errorf("reading the address %s: %w", address, err)
		}
		if err := netlink.AddrAdd(link, parsed); err != nil {
			return nil, fmt.Errorf("giving the bridge the address %s: %w", address, err)
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return nil, fmt.Errorf("bringing up the bridge: %w", err)
	}
	return &Bridge{link: link}, nil
}

// Close takes the bridge away.
func (b *Bridge) Close() error {
	if err := netlink.LinkDel(b.link); err != nil {
		return fmt.Errorf("removing the bridge: %w", err)
	}
	return nil
}

// Address returns an address for a pod, which no other pod gets.
func (b *Bridge) Address() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	return net.IPv4(10, 52, byte(1+b.next/250), byte(1+b.next%250)).String()
}

// Connect gives the process, which has a network of its own, a device eth0 with the address, and a way to the node. The
// device is gone when the process is.
func (b *Bridge) Connect(process int, address string) (err error) {
	space, err := netns.GetFromPid(process)
	if err != nil {
		return fmt.Errorf("finding the network of process %d: %w", process, err)
	}
	defer space.Close()
	name := fmt.Sprintf("veth%d", process)
	pair := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: name, MasterIndex: b.link.Attrs().Index},
		PeerName:  "eth0", PeerNamespace: netlink.NsFd(space),
	}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("making the network device of %s: %w", address, err)
	}
	if err := netlink.LinkSetUp(pair); err != nil {
		return fmt.Errorf("bringing up the node's end of %s: %w", address, err)
	}
	inside, err := netlink.NewHandleAt(space)
	if err != nil {
		return fmt.Errorf("entering the network of %s: %w", address, err)
	}
	defer inside.Close()
	return configure(inside, address)
}

// configure brings up the devices of a pod's network.
func configure(inside *netlink.Handle, address string) error {
	device, err := inside.LinkByName("eth0")
	if err != nil {
		return fmt.Errorf("finding the device of %s: %w", address, err)
	}
	loopback, err := inside.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("finding the loopback device of %s: %w", address, err)
	}
	parsed, err := netlink.ParseAddr(address + "/16")
	if err != nil {
		return fmt.Errorf("reading the address %s: %w", address, err)
	}
	err = errors.Join(inside.AddrAdd(device, parsed), inside.LinkSetUp(device), inside.LinkSetUp(loopback),
		inside.RouteAdd(&netlink.Route{LinkIndex: device.Attrs().Index, Gw: net.ParseIP(NodeAddress)}))
	if err != nil {
		return fmt.Errorf("configuring the network of %s: %w", address, err)
	}
	return nil
}
