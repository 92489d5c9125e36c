package cluster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxItem bounds one object of a list in YAML, without what is cut out of it; etcd keeps none that is larger than 1.5 MiB as JSON.
const maxItem = 8 << 20

// errOtherForm says that a file is no list in block style, whatever else it may be.
var errOtherForm = errors.New("no list in block style")

// badContent is what is wrong with a file that could be read.
type badContent struct {
	// line is where, counted from one; zero where it is the whole file.
	line int
	err  error
}

func (b *badContent) Error() string {
	if b.line == 0 {
		return b.err.Error()
	}
	return fmt.Sprintf("line %d: %v", b.line, b.err)
}

func (b *badContent) Unwrap() error { return b.err }

// itemReader takes a List in block style apart while it is read: the form that YAML libraries print, in which each item begins with a
// dash below items and goes on until something is indented no deeper. Only one item is held at a time, and of an item
// not what cut names.
type itemReader struct {
	lines *bufio.Reader
	// cut names fields of fields that are left out, "metadata" to "managedFields": they are most of the bytes, and nobody reads them.
	cut map[string]string

	line int
	// isWhole is true once the list's kind has been seen, which stands behind the items.
	isWhole bool
	// peeked is a line that has been read and not been used.
	peeked []byte
	long   []byte
	item   []byte
}

// reset prepares for another file.
func (r *itemReader) reset(lines *bufio.Reader, cut map[string]string) {
	*r = itemReader{lines: lines, cut: cut, long: r.long[:0], item: r.item[:0]}
}

// each calls use with every item, which is a mapping in YAML, and the number of its first line. Use must not keep the bytes. Each returns
// errOtherForm for a file that has another form, which may show only behind some items.
func (r *itemReader) each(use func(item []byte, line int) error) error {
	found, err := r.findItems()
	if err != nil || !found {
		return err
	}
	indentation := -1
	for {
		line, err := r.next()
		if errors.Is(err, io.EOF) {
			return r.end()
		}
		if err != nil {
			return err
		}
		depth := depthOf(line)
		switch {
		case isBlank(line):
			continue
		case indentation < 0 && isDash(line[depth:]):
			indentation = depth
		case indentation < 0 && depth == 0, depth < indentation, depth == indentation && !isDash(line[depth:]):
			return r.rest(line)
		case !isDash(line[depth:]):
			return errOtherForm
		}
		first := r.line
		if err := r.take(line, indentation); err != nil {
			return err
		}
		if err := use(r.item, first); err != nil {
			return err
		}
	}
}

// findItems goes to the line behind items. It returns false for a list without any.
func (r *itemReader) findItems() (bool, error) {
	isList := false
	for {
		line, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return false, errOtherForm
		case err != nil:
			return false, err
		case isBlank(line), line[0] == ' ' && isList, isSeparator(line) && !isList:
			continue
		}
		key, value, ok := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		if !ok || !isPlainKey(key) || len(value) > 0 && bytes.IndexByte([]byte("|>&*!\"'"), value[0]) >= 0 {
			return false, errOtherForm
		}
		isList = true
		r.isWhole = r.isWhole || string(key) == "kind"
		if string(key) != "items" {
			continue
		}
		switch string(value) {
		case "":
			return true, nil
		case "[]", "null", "~":
			return false, r.rest(nil)
		}
		return false, errOtherForm
	}
}

// rest reads what follows the items, which is more of the list itself.
func (r *itemReader) rest(line []byte) error {
	for {
		if !isBlank(line) && line[0] != ' ' {
			key, _, ok := bytes.Cut(line, []byte(":"))
			if !ok || !isPlainKey(key) || string(key) == "items" {
				return errOtherForm
			}
			r.isWhole = r.isWhole || string(key) == "kind"
		}
		var err error
		if line, err = r.next(); errors.Is(err, io.EOF) {
			return r.end()
		} else if err != nil {
			return err
		}
	}
}

// end complains of a list that breaks off.
func (r *itemReader) end() error {
	if !r.isWhole {
		return &badContent{r.line - 1, errors.New("the list breaks off: its kind is missing")}
	}
	return nil
}

// take reads an item, whose first line is given, into r.item, as a mapping: the dash becomes a space.
func (r *itemReader) take(line []byte, indentation int) error {
	r.item = append(r.item[:0], line...)
	r.item[indentation] = ' '
	cutter := fieldCutter{cut: r.cut, key: depthOf(r.item), child: -1}
	cutter.drops(r.item)
	for {
		line, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if depth := depthOf(line); !isBlank(line) && depth <= indentation {
			if line[depth] == '#' {
				return errOtherForm // The item may go on behind the comment.
			}
			r.peeked = line
			r.line--
			return nil
		}
		if cutter.drops(line) {
			continue
		}
		if len(r.item)+len(line) > maxItem {
			return &badContent{r.line, fmt.Errorf("the object is larger than the limit of %d MiB", maxItem>>20)}
		}
		r.item = append(r.item, line...)
	}
}

// fieldCutter finds the lines of the fields that are cut.
type fieldCutter struct {
	cut map[string]string
	// key is the indentation of the item's fields, child that of the fields of the one that something is cut of; -1 where it is not known.
	key, child int
	// of is what is cut of the field that the lines are in; empty where nothing is.
	of      string
	cutting bool
}

// drops tells whether a line belongs to a field that is cut.
func (c *fieldCutter) drops(line []byte) bool {
	if isBlank(line) {
		return c.cutting
	}
	depth := depthOf(line)
	if depth <= c.key {
		c.of, c.child, c.cutting = c.cut[keyAlone(line[depth:])], -1, false
		return false
	}
	if c.of == "" {
		return false
	}
	if c.child < 0 {
		c.child = depth
	}
	if depth > c.child || depth == c.child && isDash(line[depth:]) {
		return c.cutting
	}
	c.cutting = depth == c.child && keyAlone(line[depth:]) == c.of
	return c.cutting
}

// keyAlone returns the key of a line that holds nothing but a key, so that its value is on the lines below; else nothing.
func keyAlone(line []byte) string {
	key, ok := strings.CutSuffix(strings.TrimRight(string(line[:min(len(line), 64)]), " \r\n"), ":")
	if !ok || !isPlainKey([]byte(key)) {
		return ""
	}
	return key
}

// next returns the next line with its end. It is valid until the next call.
func (r *itemReader) next() ([]byte, error) {
	r.line++
	if line := r.peeked; line != nil {
		r.peeked = nil
		return line, nil
	}
	line, err := r.lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = r.nextLong(line)
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return line, nil
	}
	return line, err
}

// nextLong reads on a line that is longer than the buffer.
func (r *itemReader) nextLong(start []byte) ([]byte, error) {
	r.long = append(r.long[:0], start...)
	for {
		more, err := r.lines.ReadSlice('\n')
		if r.long = append(r.long, more...); len(r.long) > maxItem {
			return nil, &badContent{r.line, fmt.Errorf("the line is longer than the limit of %d MiB", maxItem>>20)}
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return r.long, err
		}
	}
}

func depthOf(line []byte) int {
	for i, c := range line {
		if c != ' ' {
			return i
		}
	}
	return len(line)
}

// isBlank tells whether a line is empty. In a block of text a line that begins with # is none.
func isBlank(line []byte) bool { return len(bytes.TrimRight(line, " \r\n")) == 0 }

func isDash(rest []byte) bool {
	return len(rest) > 0 && rest[0] == '-' && (len(rest) == 1 || isSpace(rest[1]))
}

func isPlainKey(key []byte) bool {
	for _, c := range key {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(key) > 0
}
