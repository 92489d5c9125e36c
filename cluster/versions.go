package cluster

import "k8s.io/apimachinery/pkg/util/version"

// ParseVersion reads a version of three numbers, "v1.8.0-rc2"; nil where the text is none.
func ParseVersion(text string) *version.Version {
	v, err := version.ParseSemantic(Text(text))
	if err != nil {
		return nil
	}
	return v
}

// AtLeast tells whether a version is a release or a later one. A pre-release counts as its release: v1.8.0-rc1 is at least v1.8.0, for
// it has that release's code and runs its scripts. Of nil, a version that is not known, neither AtLeast nor Before is true. The bound
// is a release written in the source, "v1.8.0"; what is no version panics.
func AtLeast(v *version.Version, bound string) bool {
	// No pre-release sorts below "-0".
	return v != nil && v.AtLeast(version.MustParseSemantic(bound).WithPreRelease("0"))
}

// Before tells whether a version is earlier than a release. A pre-release of that release is not: see AtLeast.
func Before(v *version.Version, bound string) bool { return v != nil && !AtLeast(v, bound) }
