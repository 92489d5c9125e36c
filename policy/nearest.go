package policy

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns at most two of the known words that someone who wrote word may have meant, nearest first; none where
// nothing is near.
func Nearest(word string, known []string) []string {
	type candidate struct {
		word     string
		distance int
	}
	word = strings.ToLower(word)
	var near []candidate
	for _, k := range known {
		distance := editDistance(word, strings.ToLower(k))
		if len(word) >= 3 && strings.Contains(strings.ToLower(k), word) {
			distance = min(distance, 1)
		}
		if distance <= max(2, len(k)/3) {
			near = append(near, candidate{k, distance})
		}
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.word, b.word))
	})
	var words []string
	for _, c := range near[:min(2, len(near))] {
		words = append(words, c.word)
	}
	return words
}

// editDistance is Levenshtein's: how many letters to add, drop or change. A word of more than 64 bytes is far from everything.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	previous := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range len(a) {
		current := make([]int, len(b)+1)
		current[0] = i + 1
		for j := range len(b) {
			change := previous[j]
			if a[i] != b[j] {
				change++
			}
			current[j+1] = min(change, previous[j+1]+1, current[j]+1)
		}
		previous = current
	}
	return previous[len(b)]
}
