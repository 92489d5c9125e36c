package load

import (
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// uids are the uids that the API server gave to objects, by those of the files. Objects name each other by uid: in owner references, in
// labels such as kubevirt.io/created-by, and in fields such as claimRef.uid. It may be used by several goroutines.
type uids struct {
	mu    sync.Mutex
	given map[types.UID]types.UID
}

func newUIDs() *uids { return &uids{given: map[types.UID]types.UID{}} }

// learn notes the uid that the API server gave to an object with a uid in its file, which is empty where it has none there.
func (u *uids) learn(filed, given types.UID) {
	if filed == "" {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.given[filed] = given
}

// rewrite puts the uids that objects have now in the place of those of the files. What was not loaded keeps its own.
func (u *uids) rewrite(object *unstructured.Unstructured) {
	u.mu.Lock()
	defer u.mu.Unlock()
	eachUID(object.Object, func(uid string) string {
		if given, known := u.given[types.UID(uid)]; known {
			return string(given)
		}
		return uid
	})
}

// eachUID calls a function with every value that may be another object's uid, and puts what it returns in its place: the values of
// labels, of which any may be one, and of the fields and annotations whose name ends in uid.
func eachUID(fields map[string]any, change func(string) string) {
	for name, value := range fields {
		switch value := value.(type) {
		case string:
			if strings.HasSuffix(strings.ToLower(name), "uid") {
				fields[name] = change(value)
			}
		case map[string]any:
			if name != "labels" {
				eachUID(value, change)
				continue
			}
			for label, text := range value {
				if text, ok := text.(string); ok {
					value[label] = change(text)
				}
			}
		case []any:
			for _, element := range value {
				if element, ok := element.(map[string]any); ok {
					eachUID(element, change)
				}
			}
		}
	}
}

// inOrderOfUIDs sorts the objects of a wave into groups, so that each comes after those that it names by their uids. The status does not
// count: a VMI's names its pod, whose label names the VMI. Of objects that name each other, the one that comes first goes first.
func inOrderOfUIDs(wave []*unstructured.Unstructured) [][]*unstructured.Unstructured {
	byUID := make(map[string]int, len(wave))
	for i, object := range wave {
		if uid := string(object.GetUID()); uid != "" {
			byUID[uid] = i
		}
	}
	const unknown, visiting = -1, 0
	depths := make([]int, len(wave))
	for i := range depths {
		depths[i] = unknown
	}
	var visit func(i int) int
	visit = func(i int) int {
		if depths[i] != unknown {
			return depths[i]
		}
		depths[i] = visiting
		depth := 0
		for _, uid := range namedOutsideStatus(wave[i]) {
			if other, inWave := byUID[uid]; inWave && other != i {
				depth = max(depth, visit(other)+1)
			}
		}
		depths[i] = depth
		return depth
	}
	var groups [][]*unstructured.Unstructured
	for i, object := range wave {
		for visit(i) >= len(groups) {
			groups = append(groups, nil)
		}
		groups[depths[i]] = append(groups[depths[i]], object)
	}
	return groups
}

func namedOutsideStatus(object *unstructured.Unstructured) []string {
	var named []string
	note := func(uid string) string {
		named = append(named, uid)
		return uid
	}
	for name, value := range object.Object {
		if fields, ok := value.(map[string]any); ok && name != "status" {
			eachUID(fields, note)
		}
	}
	return named
}
