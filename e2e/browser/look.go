package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

// Evaluate returns what a JavaScript expression comes to in the page; of a promise, once it is kept.
func Evaluate[T any](t *Tab, expression string) (T, error) {
	return chromedp.Run(t.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Press presses a key.
func (t *Tab) Press(key string) error { return chromedp.Do(t.ctx, chromedp.KeyEvent(key)) }

// Picture returns a picture of the first element that a CSS selector finds, as PNG.
func (t *Tab) Picture(selector string) ([]byte, error) {
	return chromedp.Run(t.ctx, chromedp.Screenshot(chromedp.CSS(selector)))
}

// Thing is something that a screen reader tells of.
type Thing struct{ Role, Name string }

// Things returns what a screen reader finds in the page, in its order.
func (t *Tab) Things() ([]Thing, error) {
	tree, err := chromedp.Call(t.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return nil, err
	}
	var things []Thing
	for _, node := range tree.Nodes {
		if node.Ignored {
			continue
		}
		role, err := textOf(node.Role)
		if err != nil {
			return nil, err
		}
		name, err := textOf(node.Name)
		if err != nil {
			return nil, err
		}
		things = append(things, Thing{role, name})
	}
	return things, nil
}

func textOf(value *accessibility.Value) (string, error) {
	if value == nil || len(value.Value) == 0 {
		return "", nil
	}
	var text string
	if err := json.Unmarshal(value.Value, &text); err != nil {
		return "", fmt.Errorf("a screen reader would be given %s: %w", value.Value, err)
	}
	return text, nil
}

var pdfPage = regexp.MustCompile(`/Type\s*/Page\b`)

// Print prints the page and returns how many sheets of A4 that takes.
func (t *Tab) Print() (int, error) {
	pdf, err := chromedp.Run(t.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
	if err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		return 0, fmt.Errorf("the print begins with %q", pdf[:min(len(pdf), 8)])
	}
	return len(pdfPage.FindAll(pdf, -1)), nil
}
