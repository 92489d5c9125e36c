package cluster

import (
	"bytes"
)

// valueScan finds the end of a JSON value, and in an object the metadata with its managed fields.
type valueScan struct {
	// at is how many bytes of the value have been looked at.
	at    int
	depth int
	// inMetadata says that the last key of the object itself was metadata.
	inMetadata bool
	// metadata[0]:metadata[1] is the value of the object's key metadata, the last one where there are several; zero where there is none.
	metadata [2]int
	// managed[0]:managed[1] are the managed fields, key and all; zero where there are none.
	managed [2]int
}

// advance goes on over window, which begins where the value does, and returns true at the value's end.
func (s *valueScan) advance(window []byte) bool {
	for s.at < len(window) {
		switch c := window[s.at]; c {
		case '"':
			end := closingQuote(window, s.at+1)
			if end < 0 || !s.sawText(window, end) {
				return false
			}
			s.at = end
		case '{', '[':
			s.depth++
			s.at++
		case '}', ']':
			if s.depth == 0 {
				return true // ends the list that a number or a word is in
			}
			s.endManaged(s.at)
			s.endMetadata(s.at)
			s.depth--
			s.at++
		case ',':
			if s.depth == 0 {
				return true
			}
			s.endManaged(s.at)
			s.endMetadata(s.at)
			s.at++
			continue
		default:
			if s.depth == 0 && isSpace(c) {
				return true
			}
			s.at++
			continue
		}
		if s.depth == 0 && s.at > 0 {
			return true
		}
	}
	return false
}

// sawText looks at the text in window[s.at:end]. It returns false where more bytes are needed to tell whether it is a key.
func (s *valueScan) sawText(window []byte, end int) bool {
	ofObject := s.depth == 1
	managed := s.depth == 2 && s.inMetadata && string(window[s.at:end]) == `"managedFields"`
	if !ofObject && !managed {
		return true
	}
	after := end
	for after < len(window) && isSpace(window[after]) {
		after++
	}
	if after == len(window) {
		return false
	}
	if isKey := window[after] == ':'; isKey && ofObject {
		if s.inMetadata = string(window[s.at:end]) == `"metadata"`; s.inMetadata {
			s.metadata = [2]int{after + 1, 0}
		}
	} else if isKey && s.managed[0] == 0 {
		s.managed[0] = s.at
	}
	return true
}

func (s *valueScan) endManaged(at int) {
	if s.depth == 2 && s.managed[0] > 0 && s.managed[1] == 0 {
		s.managed[1] = at
	}
}

func (s *valueScan) endMetadata(at int) {
	if s.depth == 1 && s.inMetadata && s.metadata[1] == 0 {
		s.metadata[1] = at
	}
}

// metadataOf returns what cut has left of the metadata of a value that has lost so many bytes by it; empty where there is none.
func (s *valueScan) metadataOf(value []byte, lost int) []byte {
	if s.managed[0] > 0 && s.managed[0] < s.metadata[0] {
		return nil // it has metadata twice
	}
	if to := s.metadata[1] - lost; s.metadata[0] < to && to <= len(value) {
		return value[s.metadata[0]:to]
	}
	return nil
}

// cut removes the managed fields from a value, and one of the commas around them.
func (s *valueScan) cut(value []byte) []byte {
	from, to := s.managed[0], s.managed[1]
	if from == 0 || to == 0 {
		return value
	}
	if value[to] == ',' {
		to++
	} else if before := bytes.TrimRight(value[:from], " \t\r\n"); bytes.HasSuffix(before, []byte(",")) {
		from = len(before) - 1
	}
	return append(value[:from], value[to:]...)
}

// closingQuote returns the index behind the quote that ends the text whose first byte is at from, or -1.
func closingQuote(window []byte, from int) int {
	for at := from; ; {
		quote := bytes.IndexByte(window[at:], '"')
		if quote < 0 {
			return -1
		}
		at += quote
		escapes := 0
		for escapes < at-from && window[at-1-escapes] == '\\' {
			escapes++
		}
		at++
		if escapes%2 == 0 {
			return at
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
