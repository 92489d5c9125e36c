package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// rancher/support-bundle-kit replaces text in the JSON of the API server before it parses it (pkg/manager/collectors/common.go), so
// that what a bundle holds is not what the cluster held:
//
//   - "x":null, and every "" become the text "null": empty texts, nulls and absent fields cannot be told apart any more. An
//     object's entry of that value is left out here, and an element of an array is an empty text again. A real text "null" is lost.
//   - A text that ends with a quote has null behind it: say "hi"null.
//   - In JSON inside a text, {\"x\":null, becomes {\"x\":\"null\",.
//   - Numbers have been float64: 1073741824 is 1.073741824e+09, and above 2^53 the last digits are lost. They are whole again
//     where they can be; what was the largest int64 and has been rounded up is the largest int64.

// kitNull is what the kit makes of an empty text, and of null.
const kitNull = "null"

// undoText undoes the kit's encoding of a text that is not kitNull.
func undoText(text string) string {
	if strings.HasSuffix(text, `"`+kitNull) {
		text = strings.TrimSuffix(text, kitNull)
	}
	if strings.Contains(text, `":"`+kitNull+`",`) {
		text = nullInJSON().ReplaceAllString(text, `${1}null,`)
	}
	return text
}

// nullInJSON finds what was null in JSON inside a text.
func nullInJSON() *regexp.Regexp { return regexp.MustCompile(`("[a-zA-Z]+":)"null",`) }

// undoNumber returns a number in JSON without a fraction or an exponent where it has none.
func undoNumber(text string) string {
	if !strings.ContainsAny(text, ".eE") {
		if _, err := strconv.ParseInt(text, 10, 64); err == nil {
			return text
		}
	}
	number, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || number != math.Trunc(number) || math.Abs(number) > math.MaxInt64:
		return text
	case number == math.MaxInt64: // The constant is rounded to 2^63.
		return strconv.FormatInt(math.MaxInt64, 10)
	}
	return strconv.FormatInt(int64(number), 10)
}

// undoEncoding undoes the kit's encoding of a value as encoding/json decodes it, with json.Number. It changes maps and arrays in place.
func undoEncoding(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, entry := range value {
			if entry == nil || entry == kitNull {
				delete(value, key)
				continue
			}
			value[key] = undoEncoding(entry)
		}
	case []any:
		for i := range value {
			value[i] = undoEncoding(value[i])
		}
	case json.Number:
		return json.Number(undoNumber(string(value)))
	case string:
		if value == kitNull {
			return ""
		}
		return undoText(value)
	}
	return value
}

// kitJSON returns an object of the kit's YAML as JSON, with the kit's encoding undone. Most objects take the short way; what may be any other
// YAML goes through the library. The result may share into, which is overwritten.
func kitJSON(item, into []byte) ([]byte, error) {
	if short, ok := blockToJSON(item, into); ok {
		return short, nil
	}
	return kitJSONByLibrary(item)
}

func kitJSONByLibrary(item []byte) ([]byte, error) {
	plain, err := yaml.YAMLToJSON(item)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(plain))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("not an object: %w", err)
	}
	return json.Marshal(undoEncoding(value))
}

// appendText appends a text in JSON.
func appendText(to []byte, text []byte) []byte {
	to = append(to, '"')
	start := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		to = append(to, text[start:i]...)
		switch start = i + 1; c {
		case '"', '\\':
			to = append(to, '\\', c)
		case '\n':
			to = append(to, '\\', 'n')
		default:
			to = append(to, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
	}
	return append(append(to, text[start:]...), '"')
}

// isReadable tells whether text holds nothing that YAML treats in a way of its own: control characters but for line feeds, a byte order
// mark, line separators of Unicode, or what is no UTF-8.
func isReadable(text []byte) bool {
	ascii := true
	for _, c := range text {
		if c < ' ' && c != '\n' || c == 0x7f {
			return false
		}
		ascii = ascii && c < 0x80
	}
	if ascii {
		return true
	}
	if !utf8.Valid(text) {
		return false
	}
	for _, r := range string(text) {
		if r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r >= 0xfffe && r <= 0xffff {
			return false
		}
	}
	return true
}
