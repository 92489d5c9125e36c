package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
)

//go:embed page
var pageFiles embed.FS

// WriteHTML writes a Page as one file that asks for nothing else: no script, style, font or picture is loaded, and the page's own policy
// forbids it. The same page gives the same bytes.
func WriteHTML(w io.Writer, p Page) error {
	style, script, err := pageAssets()
	if err != nil {
		return err
	}
	pages, err := template.ParseFS(pageFiles, "page/*.html")
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	var out bytes.Buffer
	err = pages.ExecuteTemplate(&out, "page.html", struct {
		pageContent
		Style  template.CSS
		Script template.JS
		Policy string
	}{p.content, template.CSS(style), template.JS(script), contentPolicy(style, script)})
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// pageAssets are the page's own style sheet, which holds that of the plan's picture, and its script.
func pageAssets() (style, script string, err error) {
	sheet, err := pageFiles.ReadFile("page/page.css")
	if err != nil {
		return "", "", fmt.Errorf("read the style sheet: %w", err)
	}
	code, err := pageFiles.ReadFile("page/copy.js")
	if err != nil {
		return "", "", fmt.Errorf("read the script: %w", err)
	}
	return string(sheet) + planPageStyle(), string(code), nil
}

// contentPolicy allows the page's one style sheet and its one script, by their hashes, and the empty icon, without which a browser asks the
// server for one. Everything else is forbidden.
func contentPolicy(style, script string) string {
	return fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; img-src data:; base-uri 'none'; form-action 'none'",
		hashOf(style), hashOf(script))
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
