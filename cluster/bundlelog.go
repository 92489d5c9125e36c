package cluster

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"unicode"
)

const (
	// maxErrorLog bounds the log, and maxLogLine what is used of one line of it.
	maxErrorLog = 64 << 20
	maxLogLine  = 4 << 10
	// maxReason bounds what is told of one error of the kit, in bytes.
	maxReason = 200
)

// bundleErrors is what bundleGenerationError.log says. The kit always writes that file, and leaves it empty where nothing failed; what is
// missing from a bundle without it may have failed.
type bundleErrors struct {
	// absent is true where there is no log.
	absent bool
	// discovery is why the API server could not say which kinds there are, by scope: the kit then listed nothing of that scope,
	// in one namespace at least.
	discovery map[string]string
	// lists are the lists that failed, or whose file could not be written, and why.
	lists map[failedList]string
}

// failedList names a list as the table does; namespace is empty for cluster-scoped kinds.
type failedList struct{ group, plural, namespace string }

// of returns why a list failed; empty where it did not.
func (e *bundleErrors) of(resource Resource, namespace string) string {
	return e.lists[failedList{resource.GVK.Group, resource.Plural, namespace}]
}

// whyNoLists is the error of a bundle in which there is not one list that is read.
func (e *bundleErrors) whyNoLists() error {
	for _, scope := range []string{clusterScope, namespaceScope} {
		if failed := e.discovery[scope]; failed != "" {
			return fmt.Errorf("it holds no lists, for discovery failed: %s; collect it again", failed)
		}
	}
	return fmt.Errorf("it holds no lists below %s/, so it is no whole support bundle", yamlsDirectory)
}

// readErrorLog reads the log. Lines that are about logs of containers, nodes or anything else are passed over.
func readErrorLog(files fs.FS) (*bundleErrors, error) {
	found := &bundleErrors{discovery: map[string]string{}, lists: map[failedList]string{}}
	file, err := files.Open(errorLogFile)
	if errors.Is(err, fs.ErrNotExist) {
		found.absent = true
		return found, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", errorLogFile, bare(err))
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: it is a directory, and should be a file", errorLogFile)
	}
	lines := newLogPatterns()
	reader := bufio.NewReaderSize(io.LimitReader(file, maxErrorLog+1), maxLogLine)
	for read := 0; ; {
		line, isPrefix, err := reader.ReadLine()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", errorLogFile, bare(err))
		}
		if read += len(line) + 1; read > maxErrorLog {
			return nil, fmt.Errorf("%s: it is larger than the limit of %d MiB", errorLogFile, maxErrorLog>>20)
		}
		found.take(lines, string(line))
		for isPrefix && err == nil {
			_, isPrefix, err = reader.ReadLine()
		}
	}
}

// logPatterns are the lines that are about lists.
type logPatterns struct{ get, discover, write *regexp.Regexp }

func newLogPatterns() logPatterns {
	return logPatterns{
		get:      regexp.MustCompile(`^Failed to get (/apis?/[^ ]+): (.*)`),
		discover: regexp.MustCompile(`^Unable to fetch (cluster|namespaced) resources: (.*)`),
		write:    regexp.MustCompile(`(?i)^support bundle: failed to generate [^ ]*/yamls/(cluster|namespaced)/([^ ]+)\.yaml: (.*)`),
	}
}

func (e *bundleErrors) take(lines logPatterns, line string) {
	if found := lines.discover.FindStringSubmatch(line); found != nil {
		e.discovery[found[1]+"/"] = shorten(found[2])
	}
	if found := lines.get.FindStringSubmatch(line); found != nil {
		_, rest, _ := strings.Cut(strings.TrimPrefix(found[1], "/"), "/")
		if strings.HasPrefix(found[1], "/api/") {
			rest = "/" + rest
		}
		if list, ok := listOfPath(rest); ok {
			e.lists[list] = shorten(found[2])
		}
	}
	if found := lines.write.FindStringSubmatch(line); found != nil {
		if list, ok := listOfFile(found[1]+"/", found[2]); ok {
			e.lists[list] = "its file could not be written: " + shorten(found[3])
		}
	}
}

// listOfPath takes GROUP/VERSION/PLURAL or GROUP/VERSION/namespaces/NAMESPACE/PLURAL apart.
func listOfPath(path string) (failedList, bool) {
	switch parts := strings.Split(path, "/"); {
	case len(parts) == 3:
		return failedList{group: parts[0], plural: parts[2]}, true
	case len(parts) == 5 && parts[2] == "namespaces":
		return failedList{group: parts[0], plural: parts[4], namespace: parts[3]}, true
	}
	return failedList{}, false
}

// listOfFile takes the name of a list's file below its scope apart, without its ending.
func listOfFile(scope, name string) (failedList, bool) {
	list := failedList{}
	if scope == namespaceScope {
		list.namespace, name, _ = strings.Cut(name, "/")
	}
	switch parts := strings.Split(name, "/"); len(parts) {
	case 2:
		list.plural = parts[1]
	case 3:
		list.group, list.plural = parts[0], parts[2]
	default:
		return failedList{}, false
	}
	return list, true
}

// shorten returns a reason of the kit's for people: a few words, of which none can do anything to a terminal.
func shorten(reason string) string {
	reason = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(strings.TrimSpace(reason), "?"))
	if len(reason) <= maxReason {
		return reason
	}
	return strings.ToValidUTF8(reason[:maxReason], "") + "…"
}
