package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestToken is how many characters of a word are kept: Harvester's UI does not break words, and one of more than a hundred
// runs out of its box. Punctuation may be added.
const longestToken = 96

// printable makes one line of a text: every run of spaces, line breaks and characters that cannot be seen becomes one space.
// Names and reasons in findings come from the cluster, where anybody may have written them.
func printable(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
}

// plain makes a printable text of which no word is longer than a token may be.
func plain(text string) string {
	text = printable(text)
	if len(text) <= longestToken {
		return text
	}
	words := strings.Split(text, " ")
	for i, word := range words {
		words[i] = shortenWord(word, longestToken)
	}
	return strings.Join(words, " ")
}

// shortenWord cuts the middle out of a word that is longer than most: both ends of a generated name tell more than its middle.
func shortenWord(word string, most int) string {
	if utf8.RuneCountInString(word) <= most {
		return word
	}
	runes := []rune(word)
	tail := most / 3
	head := most - tail - 1
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:])
}

// short makes a plain text of a fact that fits into a message. A name that goes on from a long one before it, as those of
// engines and replicas do from their volume's, is given by its end alone: "…-e-0".
func short(fact string) string {
	const long = 20
	var names []string
	words := strings.Split(plain(fact), " ")
	for i, word := range words {
		name := strings.Trim(word, `,;:.()"'`)
		if len(name) < long || strings.Contains(name, "…") {
			continue
		}
		for _, before := range names {
			if end, ok := strings.CutPrefix(name, before+"-"); ok {
				words[i] = strings.Replace(word, name, "…-"+end, 1)
			}
		}
		names = append(names, name)
	}
	return clip(strings.Join(words, " "), longestFact)
}

// clip cuts a text to at most so many characters: after a part of the sentence if there is one in the second half, else
// between words.
func clip(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	cut := string([]rune(text)[:most-2])
	for _, stops := range [][]string{{", ", "; ", ". ", " ("}, {" "}} {
		last := -1
		for _, stop := range stops {
			last = max(last, strings.LastIndex(cut, stop))
		}
		if last > len(cut)/2 {
			cut = cut[:last]
			break
		}
	}
	if open := strings.LastIndexByte(cut, '('); open > len(cut)/3 && open > strings.LastIndexByte(cut, ')') {
		cut = cut[:open]
	}
	return strings.TrimRight(cut, " ,;:.(…") + " …"
}

// clipBytes cuts a text to at most so many bytes, between characters.
func clipBytes(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := most - len("…")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// sentence ends a text with a full stop.
func sentence(text string) string { return strings.TrimRight(text, " .;:,") + "." }
