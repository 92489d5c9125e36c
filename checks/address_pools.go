package checks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// mostHostBits bounds how many addresses are counted: a network with more host bits than this is never exhausted.
const mostHostBits = 32

// storageNetwork is what Harvester's setting storage-network says; its JSON holds more, which matters only to Harvester.
type storageNetwork struct {
	Range   string   `json:"range"`
	Exclude []string `json:"exclude"`

	network  netip.Prefix
	excluded []netip.Prefix
}

// readStorageNetwork reads the setting's value; nil where it is empty, for then there is no storage network.
func readStorageNetwork(value string) (*storageNetwork, error) {
	if value == "" {
		return nil, nil
	}
	var n storageNetwork
	if err := json.Unmarshal([]byte(value), &n); err != nil {
		return nil, fmt.Errorf("its value is no JSON: %w", err)
	}
	if n.Range == "" {
		return nil, nil
	}
	network, err := netip.ParsePrefix(n.Range)
	if err != nil {
		return nil, fmt.Errorf("its range %q is no network", n.Range)
	}
	n.network = network.Masked()
	for _, text := range n.Exclude {
		excluded, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("its exclude %q is no network", text)
		}
		n.excluded = append(n.excluded, excluded.Masked())
	}
	return &n, nil
}

// addressPool is one pool of whereabouts, counted.
type addressPool struct {
	*cluster.IPPool
	network netip.Prefix
	// usable is how many addresses whereabouts can hand out in all, without the network's own, its broadcast and those excluded;
	// free is how many of them nobody has.
	usable, free int64
	// stale names the allocations whose pod is gone, sorted, as NAMESPACE/NAME.
	stale []string
	// staleKeys are the keys of those allocations, in the order of their numbers.
	staleKeys []string
	// holders counts the Longhorn pods that have an address here, by the kind that their names begin with.
	holders map[string]int64
}

// countPool counts a pool. Excluded networks are those of the storage network, where the pool is its.
func countPool(p *Pass, pool *cluster.IPPool, excluded []netip.Prefix) (addressPool, error) {
	counted := addressPool{IPPool: pool, holders: map[string]int64{}}
	network, err := netip.ParsePrefix(cluster.Text(pool.Spec.Range))
	if err != nil {
		return counted, fmt.Errorf("its range %q is no network", pool.Spec.Range)
	}
	counted.network = network.Masked()
	counted.usable = usableAddresses(counted.network, excluded)
	counted.free = counted.usable
	for offset, allocation := range pool.Spec.Allocations {
		if address, ok := addressAt(counted.network, offset); ok && !contains(excluded, address) {
			counted.free--
		}
		namespace, name, named := strings.Cut(cluster.Text(allocation.PodRef), "/")
		switch {
		case !named:
		case p.Pod(namespace, name) == nil:
			counted.stale = append(counted.stale, namespace+"/"+name)
			counted.staleKeys = append(counted.staleKeys, offset)
		case namespace == cluster.LonghornNamespace:
			counted.holders[longhornComponent(name)]++
		}
	}
	counted.free = max(counted.free, 0)
	slices.Sort(counted.stale)
	slices.SortFunc(counted.staleKeys, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return counted, nil
}

// longhornComponent returns which of the pods that take an address of the storage network a pod is, by its name; empty for
// others.
func longhornComponent(pod string) string {
	for _, component := range []string{componentInstanceManager, componentBackingImageManager, componentShareManager} {
		if strings.HasPrefix(pod, component+"-") {
			return component
		}
	}
	return ""
}

// usableAddresses counts the addresses of a network that can be given to pods: without the first and the last, and without
// the excluded networks, which may lie within each other.
func usableAddresses(network netip.Prefix, excluded []netip.Prefix) int64 {
	first, last := network.Addr(), lastAddress(network)
	all := addressesOf(network) - 2
	if all <= 0 {
		return 0
	}
	var counted []netip.Prefix
	for _, e := range slices.SortedFunc(slices.Values(excluded), func(a, b netip.Prefix) int { return a.Bits() - b.Bits() }) {
		if !network.Overlaps(e) || slices.ContainsFunc(counted, e.Overlaps) {
			continue
		}
		if e.Bits() <= network.Bits() {
			return 0
		}
		counted = append(counted, e)
		all -= addressesOf(e)
		for _, end := range []netip.Addr{first, last} {
			if e.Contains(end) {
				all++
			}
		}
	}
	return all
}

// addressesOf counts the addresses of a network, up to a bound.
func addressesOf(network netip.Prefix) int64 {
	return int64(1) << min(network.Addr().BitLen()-network.Bits(), mostHostBits)
}

func lastAddress(network netip.Prefix) netip.Addr {
	bytes := network.Addr().AsSlice()
	for bit := network.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// addressAt returns the address at an offset from a network's first, as pools write their allocations; false for what is no
// offset within it.
func addressAt(network netip.Prefix, offset string) (netip.Addr, bool) {
	distance, ok := new(big.Int).SetString(offset, 10)
	if !ok {
		return netip.Addr{}, false
	}
	sum := new(big.Int).Add(new(big.Int).SetBytes(network.Addr().AsSlice()), distance)
	bytes := make([]byte, network.Addr().BitLen()/8)
	if sum.Sign() < 0 || sum.BitLen() > len(bytes)*8 {
		return netip.Addr{}, false
	}
	address, _ := netip.AddrFromSlice(sum.FillBytes(bytes))
	return address, network.Contains(address)
}

func contains(networks []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(address) })
}
