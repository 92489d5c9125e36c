package cluster

import (
	"bytes"
	"slices"
)

// maxKeys bounds the entries of a mapping that takes the short way, which looks for duplicates one by one.
const maxKeys = 512

// maxDepth bounds how deep values lie in one another on the short way.
const maxDepth = 64

// blockToJSON converts an object of the block style that YAML libraries print to JSON, with the kit's encoding undone. It knows only that
// style, and says false of everything that it is not sure of: texts over several lines but for |, anchors, tags, comments, flow
// style with something in it, and numbers, dates and booleans in a form that kit does not print. On what it
// does convert it agrees with the library, which takes ten times as long; a fuzz test holds it to that.
func blockToJSON(text, into []byte) ([]byte, bool) {
	if !bytes.HasSuffix(text, []byte("\n")) || !isReadable(text) {
		return nil, false
	}
	b := blockReader{text: text, out: into[:0]}
	b.advance()
	if b.done || isDash(b.content) {
		return nil, false
	}
	if _, ok := b.mapping(b.depth, 0); !ok || !b.done {
		return nil, false
	}
	return b.out, true
}

// blockReader goes over the lines of an object. Its methods return false for what they are not sure of.
type blockReader struct {
	text []byte
	// at is where the line behind the current one begins.
	at int
	// content is what is left of the current line, and depth the column that it begins at.
	content []byte
	depth   int
	done    bool

	out []byte
	// keys are those of the mappings that the current line is in.
	keys [][]byte
	// scratch is for texts that are not as they stand.
	scratch []byte
}

// advance goes to the next line that is not blank.
func (b *blockReader) advance() {
	for b.at < len(b.text) {
		line := b.text[b.at:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		b.at += len(line)
		if line = bytes.TrimRight(line, " \n"); len(line) > 0 {
			b.depth = depthOf(line)
			b.content = line[b.depth:]
			return
		}
	}
	b.done, b.content, b.depth = true, nil, -1
}

// value writes what stands behind a key or a dash, with the current line at it. parent is the indentation of the key or dash; a
// sequence below a key may stand at that of the key. It says whether the value is one that the kit made of nothing.
func (b *blockReader) value(rest []byte, parent, nesting int, ofKey bool) (nothing, ok bool) {
	if nesting > maxDepth {
		return false, false
	}
	if len(rest) > 0 && rest[0] == '|' {
		return b.literal(rest, parent)
	}
	if len(rest) > 0 {
		if nothing, ok = b.scalar(rest); !ok {
			return false, false
		}
		b.advance()
		return nothing, b.done || b.depth <= parent // Else the text goes on.
	}
	b.advance()
	switch {
	case !b.done && (b.depth > parent || ofKey && b.depth == parent) && isDash(b.content):
		return false, b.sequence(b.depth, nesting)
	case !b.done && b.depth > parent:
		if _, _, isKey := splitKey(b.content); !isKey {
			return false, false
		}
		return b.mapping(b.depth, nesting)
	}
	b.out = append(b.out, "null"...)
	return true, true
}

// mapping writes the entries that stand at an indentation. Nothing is always false.
func (b *blockReader) mapping(indentation, nesting int) (nothing, ok bool) {
	first := len(b.keys)
	b.out = append(b.out, '{')
	for !b.done && b.depth == indentation {
		key, rest, isKey := splitKey(b.content)
		if !isKey || len(b.keys)-first >= maxKeys || slices.ContainsFunc(b.keys[first:], func(k []byte) bool { return bytes.Equal(k, key) }) {
			return false, false
		}
		b.keys = append(b.keys, key)
		before := len(b.out)
		if b.out[before-1] != '{' {
			b.out = append(b.out, ',')
		}
		b.out = append(appendText(b.out, key), ':')
		nothing, ok := b.value(rest, indentation, nesting+1, true)
		if !ok {
			return false, false
		}
		if nothing {
			b.out = b.out[:before]
		}
	}
	b.keys = b.keys[:first]
	b.out = append(b.out, '}')
	return false, b.done || b.depth < indentation
}

// sequence writes the elements that stand at an indentation.
func (b *blockReader) sequence(indentation, nesting int) bool {
	b.out = append(b.out, '[')
	for !b.done && b.depth == indentation && isDash(b.content) {
		if b.out[len(b.out)-1] != '[' {
			b.out = append(b.out, ',')
		}
		rest := bytes.TrimLeft(b.content[1:], " ")
		b.depth += len(b.content) - len(rest)
		b.content = rest
		if !b.element(indentation, nesting+1) {
			return false
		}
	}
	b.out = append(b.out, ']')
	return b.done || b.depth < indentation || b.depth == indentation && !isDash(b.content)
}

// element writes one element, whose first line, behind the dash, is the current one.
func (b *blockReader) element(dash, nesting int) bool {
	if nesting > maxDepth {
		return false
	}
	if isDash(b.content) {
		return b.sequence(b.depth, nesting)
	}
	if _, _, isKey := splitKey(b.content); isKey {
		_, ok := b.mapping(b.depth, nesting)
		return ok
	}
	_, ok := b.value(b.content, dash, nesting, false)
	return ok
}

// splitKey takes a line apart at the colon behind its key, which is a plain word or one in quotes that is as it stands.
func splitKey(line []byte) (key, rest []byte, ok bool) {
	if len(line) == 0 {
		return nil, nil, false
	}
	if quote := line[0]; quote == '"' || quote == '\'' {
		end := bytes.IndexByte(line[1:], quote)
		if end < 0 || bytes.IndexByte(line[1:end+1], '\\') >= 0 {
			return nil, nil, false
		}
		key, rest = line[1:end+1], line[end+2:]
	} else {
		end := 0
		for end < len(line) && isKeyByte(line[end]) && !(line[end] == ':' && (end+1 == len(line) || line[end+1] == ' ')) {
			end++
		}
		if key, rest = line[:end], line[end:]; !isSureText(key) {
			return nil, nil, false
		}
	}
	if len(rest) == 0 || rest[0] != ':' || len(rest) > 1 && rest[1] != ' ' {
		return nil, nil, false
	}
	return key, bytes.TrimLeft(rest[1:], " "), true
}

func isKeyByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || bytes.IndexByte([]byte("_-./:$@"), c) >= 0
}

// literal writes a text that stands on the lines below |.
func (b *blockReader) literal(header []byte, parent int) (nothing, ok bool) {
	chomp := string(header[1:])
	if chomp != "" && chomp != "-" {
		return false, false
	}
	text := b.scratch[:0]
	indentation := -1
	for b.at < len(b.text) {
		line := b.text[b.at:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		bare := bytes.TrimRight(line, "\n")
		depth := depthOf(bare)
		if indentation < 0 {
			if depth == len(bare) || depth <= parent {
				return false, false // It begins with blank lines, or is empty.
			}
			indentation = depth
		}
		if depth < indentation && depth < len(bare) {
			break
		}
		text = append(append(text, bare[min(indentation, len(bare)):]...), '\n')
		b.at += len(line)
	}
	if indentation < 0 {
		return false, false
	}
	text = bytes.TrimRight(text, "\n")
	if chomp == "" {
		text = append(text, '\n')
	}
	b.scratch = text
	b.advance()
	return b.writeText(text), b.done || b.depth <= parent
}
