package main

import (
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
)

// targetOptions are the flags that say which upgrade is meant.
type targetOptions struct {
	version string
	image   string
}

func (o *targetOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.version, "version", "", "name of the version to upgrade to: v1.4.2")
	flags.StringVar(&o.image, "image", "", "NAMESPACE/NAME of the image to upgrade from")
}

// complain tells what is wrong with the flags.
func (o *targetOptions) complain(to *complaints) {
	namespace, name, _ := strings.Cut(o.image, "/")
	to.when(o.version != "" && o.image != "", "--version and --image exclude each other")
	to.when(o.version != "" && !isName(o.version), "--version %q is not the name of a version, like v1.4.2", o.version)
	to.when(o.image != "" && !(isName(namespace) && isName(name)), "--image %q is not NAMESPACE/NAME of an image", o.image)
}

func isName(name string) bool { return len(validation.IsDNS1123Subdomain(name)) == 0 }
