package cluster

import (
	"bytes"
	"strings"
)

// scalar writes a value that stands on one line; it says whether the kit made it of nothing.
func (b *blockReader) scalar(text []byte) (nothing, ok bool) {
	switch text[0] {
	case '{', '[':
		if string(text) != "{}" && string(text) != "[]" {
			return false, false
		}
		b.out = append(b.out, text...)
		return false, true
	case '"':
		inner, ok := b.doubleQuoted(text)
		return ok && b.writeText(inner), ok
	case '\'':
		inner := bytes.ReplaceAll(bytes.Trim(text, "'"), []byte("''"), nil)
		if len(text) < 2 || text[len(text)-1] != '\'' || bytes.IndexByte(inner, '\'') >= 0 {
			return false, false
		}
		return b.writeText(bytes.ReplaceAll(text[1:len(text)-1], []byte("''"), []byte("'"))), true
	}
	switch string(text) {
	case "null":
		b.out = append(b.out, text...)
		return true, true
	case "true", "false":
		b.out = append(b.out, text...)
		return false, true
	}
	if bytes.Contains(text, []byte(": ")) || bytes.Contains(text, []byte(" #")) || text[len(text)-1] == ':' {
		return false, false
	}
	if isSureText(text) {
		return b.writeText(text), true
	}
	if isPlainNumber(text) {
		b.out = append(b.out, undoNumber(string(text))...)
		return false, true
	}
	return false, false
}

// doubleQuoted returns what is between double quotes that begin and end a line. Of the escapes it knows those that are common.
func (b *blockReader) doubleQuoted(text []byte) ([]byte, bool) {
	inner := b.scratch[:0]
	for i := 1; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"':
			b.scratch = inner
			return inner, i == len(text)-1
		case c != '\\':
			inner = append(inner, c)
			continue
		case i+1 == len(text):
			return nil, false
		}
		i++
		at := strings.IndexByte(`"\/nt`, text[i])
		if at < 0 {
			return nil, false
		}
		inner = append(inner, "\"\\/\n\t"[at])
	}
	return nil, false
}

// writeText writes a text with the kit's encoding undone; it says whether the kit made it of nothing.
func (b *blockReader) writeText(text []byte) (nothing bool) {
	if string(text) == kitNull {
		b.out = append(b.out, `""`...)
		return true
	}
	if bytes.HasSuffix(text, []byte(`"`+kitNull)) || bytes.Contains(text, []byte(`":"`+kitNull+`",`)) {
		text = []byte(undoText(string(text)))
	}
	b.out = appendText(b.out, text)
	return false
}

// isSureText tells whether a word without quotes is a text in every version of YAML, and not a number, a date, a boolean or null.
func isSureText(word []byte) bool {
	if len(word) == 0 {
		return false
	}
	switch c := word[0]; {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return len(word) > 5 || !isSpecialWord(word)
	case c == '/' || c == '_':
		return true
	case c < '0' || c > '9':
		return false
	}
	if len(word) > 4 && word[4] == '-' && len(bytes.Trim(word[:4], "0123456789")) == 0 {
		return false // A date.
	}
	for i, c := range word {
		if c == '-' && i > 0 && word[i-1]|0x20 != 'e' || bytes.IndexByte([]byte("0123456789abcdefABCDEFxXoO._+-"), c) < 0 {
			return true
		}
	}
	return bytes.Count(word, []byte(".")) > 1
}

func isSpecialWord(word []byte) bool {
	switch strings.ToLower(string(word)) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return true
	}
	return false
}

// isPlainNumber tells whether a word is a number that JSON knows, too, and that is one in every version of YAML.
func isPlainNumber(word []byte) bool {
	rest := bytes.TrimPrefix(word, []byte("-"))
	whole := digits(rest)
	if whole == 0 || whole > 18 || whole > 1 && rest[0] == '0' {
		return false
	}
	rest = rest[whole:]
	if after, ok := bytes.CutPrefix(rest, []byte(".")); ok {
		fraction := digits(after)
		if fraction == 0 {
			return false
		}
		rest = after[fraction:]
	}
	if len(rest) == 0 {
		return true
	}
	exponent := rest[1:]
	if rest[0] != 'e' || len(exponent) == 0 || exponent[0] != '+' && exponent[0] != '-' {
		return false
	}
	length := digits(exponent[1:])
	return length > 0 && length <= 2 && length == len(exponent)-1
}

// digits returns how many digits the text begins with.
func digits(text []byte) int {
	for i, c := range text {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(text)
}
