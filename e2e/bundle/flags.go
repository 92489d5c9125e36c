package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/supportbundle"
)

// flags are what the command line says.
type flags struct {
	cluster  string
	out      string
	files    bool
	unpacked bool
	options  supportbundle.Options
}

// parse reads the command line. After -help it ends the program.
func parse(args []string, usage io.Writer) (*flags, error) {
	f := &flags{options: supportbundle.Options{Created: time.Now()}}
	o := &f.options
	set := flag.NewFlagSet("bundle", flag.ContinueOnError)
	set.SetOutput(usage)
	set.Usage = func() {
		fmt.Fprint(usage, "Writes the support bundle of an example cluster, as Harvester makes it.\n\n"+
			"  go run ./bundle -cluster stuck-pre-drained -o stuck.zip\n"+
			"  go run ./bundle -cluster healthy -files -unpacked -namespaces shop,billing -fail volumes.longhorn.io -o FOLDER\n\n")
		set.PrintDefaults()
	}
	set.StringVar(&f.cluster, "cluster", "stuck-pre-drained", "the example: a `folder` below examples/clusters")
	set.StringVar(&f.out, "o", "", "the zip `file` to write, or an existing folder for a file under the name that the kit gives it (required)")
	set.BoolVar(&f.files, "files", false, "read the example's files and start no control plane")
	set.BoolVar(&f.unpacked, "unpacked", false, "write the bundle unpacked, into the existing folder -o")
	set.Func("created", "the `time` of creation, as 2026-08-07T10:11:12Z (default now)", func(text string) (err error) {
		o.Created, err = time.Parse(time.RFC3339, text)
		return err
	})
	set.StringVar(&o.Label, "label", "", "the `text` in the file's name, in place of the UID of harvester-system")
	set.Func("namespaces", "further namespaces to collect, a comma-separated `list`", words(&o.ExtraNamespaces))
	set.Func("without", "namespaces of Harvester's own to leave out, a comma-separated `list`", words(&o.WithoutNamespaces))
	set.Func("version", "a `group=version` that is served at another version, such as cluster.x-k8s.io=v1beta2; may be repeated", func(text string) error {
		group, version, ok := strings.Cut(text, "=")
		if !ok || group == "" || version == "" {
			return errors.New("not of the form group=version")
		}
		if o.Versions == nil {
			o.Versions = map[string]string{}
		}
		o.Versions[group] = version
		return nil
	})
	set.Func("fail", "a `list` that fails, such as volumes.longhorn.io, *.longhorn.io or nodes, with =ERROR behind it or not; may be repeated", func(text string) error {
		o.Faults.Lists = append(o.Faults.Lists, listFault(text))
		return nil
	})
	set.StringVar(&o.Faults.Discovery, "discovery-error", "", "the `error` with which discovery fails")
	set.Func("discovery-fails", "when it fails, a comma-separated `list` of harvester, cluster and namespaces (default every time)", func(text string) error {
		for _, of := range strings.Split(text, ",") {
			switch of {
			case "harvester":
				of = supportbundle.HarvesterCollector
			case "cluster":
				of = supportbundle.ClusterCollector
			}
			o.Faults.DiscoveryOf = append(o.Faults.DiscoveryOf, of)
		}
		return nil
	})
	set.BoolVar(&o.Faults.Truncated, "truncated", false, "cut the zip off in its middle")
	set.IntVar(&o.LogSize, "log-size", 0, "the size of every container's log, in `bytes` (default 2048)")
	set.IntVar(&o.NodeSize, "node-size", 0, "the size of the archive in every node's zip, in `bytes` (default 2048)")
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	} else if err != nil {
		os.Exit(1) // the flag package has said why
	}
	return f, f.validate(set.Args())
}

func (f *flags) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is not a flag; see -help", rest[0])
	case f.out == "":
		return errors.New("-o is missing: the file to write, or a folder; see -help")
	case f.options.LogSize < 0 || f.options.NodeSize < 0:
		return errors.New("a size is less than zero")
	case len(f.options.Faults.DiscoveryOf) > 0 && f.options.Faults.Discovery == "":
		return errors.New("-discovery-fails needs -discovery-error")
	}
	return nil
}

// words adds the words of a comma-separated list.
func words(to *[]string) func(string) error {
	return func(text string) error {
		*to = append(*to, strings.Split(text, ",")...)
		return nil
	}
}

// listFault reads resource.group=error, of which only the resource has to be there; * is every one of the group.
func listFault(text string) supportbundle.ListFault {
	name, failure, _ := strings.Cut(text, "=")
	resource, group, _ := strings.Cut(name, ".")
	if resource == "*" {
		resource = ""
	}
	return supportbundle.ListFault{Group: group, Resource: resource, Error: failure}
}
