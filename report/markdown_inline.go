package report

import (
	"regexp"
	"strings"
)

var (
	// plainWord is a word in which Markdown finds nothing: letters, digits, and punctuation that never means anything within a line.
	plainWord = regexp.MustCompile(`^[\p{L}\p{N}.,;:()/'"%+=?…–-]*$`)
	// magicWord is a plain word that hosts of tickets make more of: links, mail addresses, issues (GH-1), icons (:tada:), commits.
	magicWord = regexp.MustCompile(`//|(?i:www\.|script:|mailto:|xmpp:)|[A-Z]+-\d|:[a-z_+-]\w*:|^[0-9a-f]{7,40}$|%\w`)
	// around is the punctuation that a word in code leaves outside.
	around = regexp.MustCompile(`^([("']*)(.*?)([)"'.,;:?…]*)$`)
)

// inline is a text within a line of Markdown that is read as it stands: a word in which something could be seen as markup, a link, a mention
// or a reference becomes code.
func inline(text string) string {
	words := strings.Split(printable(text), " ")
	for i, word := range words {
		if plainWord.MatchString(word) && !magicWord.MatchString(word) {
			continue
		}
		part := around.FindStringSubmatch(word)
		if part[2] == "" {
			part = []string{word, "", word, ""}
		}
		words[i] = part[1] + code(part[2]) + part[3]
	}
	return strings.Join(words, " ")
}

// blockMark is a word that makes a list, a heading or a rule of the line that it begins.
var blockMark = regexp.MustCompile(`^([-+=]+|\d+[.)])$`)

// inlineFirst is inline for a text that begins a line.
func inlineFirst(text string) string {
	first, rest, more := strings.Cut(printable(text), " ")
	if !blockMark.MatchString(first) {
		return inline(text)
	}
	if more {
		rest = " " + inline(rest)
	}
	return code(first) + rest
}

// code is a text as code within a line of Markdown.
func code(text string) string {
	text = printable(text)
	if text == "" {
		return ""
	}
	fence := fenceOf(text, 1)
	if fence == "`" {
		return fence + text + fence
	}
	return fence + " " + text + " " + fence
}

// fenced is a command as a block of code.
func fenced(command string) string {
	fence := fenceOf(command, 3)
	return fence + "sh\n" + command + "\n" + fence
}

var backticks = regexp.MustCompile("`+")

// indented is a block of Markdown that belongs to the item of a list with this marker.
func indented(marker, block string) string {
	lines := strings.Split(block, "\n")
	for i := range lines {
		if i > 0 && lines[i] != "" {
			lines[i] = strings.Repeat(" ", len(marker)) + lines[i]
		}
	}
	return marker + strings.Join(lines, "\n")
}

// fenceOf returns backticks, at least so many, that a text cannot close.
func fenceOf(text string, least int) string {
	for _, run := range backticks.FindAllString(text, -1) {
		least = max(least, len(run)+1)
	}
	return strings.Repeat("`", least)
}
