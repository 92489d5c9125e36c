// Package browser looks at pages with a real browser, Chromium without a screen, and tells what it did with them: what it asked
// for, what it complained of, and what it laid out.
package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/upgrade-gate/upgrade-gate/e2e/leftout"
)

// Tab is one tab of a browser of its own, with a profile that nobody has used before. It is not for concurrent use.
type Tab struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu         sync.Mutex
	requests   []string
	complaints []string
}

// Open starts a browser with one empty tab, which ends with the test. Where there is no browser the test is left out, as leftout.Test does.
func Open(t testing.TB) *Tab {
	t.Helper()
	path, err := find()
	if err != nil {
		leftout.Test(t, err)
	}
	tab, err := open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.cancel)
	return tab
}

// find returns the path of the browser.
func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium on the PATH: neither chromium nor chromium-browser; apt-get install chromium brings it")
}

// open starts the browser at a path. The tab's cancel ends it and removes its profile.
func open(ctx context.Context, path string) (*Tab, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, endBrowser := chromedp.NewExecAllocator(ctx, options...)
	ctx, endTab := chromedp.NewContext(ctx)
	tab := &Tab{ctx: ctx, cancel: func() { endTab(); endBrowser() }}
	if err := tab.watch(); err != nil {
		tab.cancel()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return tab, nil
}

func (t *Tab) watch() error {
	if _, err := chromedp.Call(t.ctx, network.Enable, network.EnableParams{}); err != nil {
		return err
	}
	return chromedp.Listen(t.ctx, func(event any) {
		t.mu.Lock()
		defer t.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			t.requests = append(t.requests, e.Request.URL)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
				t.complaints = append(t.complaints, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			t.complaints = append(t.complaints, e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			t.complaints = append(t.complaints, fmt.Sprintf("console.%s was called", e.Type))
		}
	})
}

// Load opens a file and waits until it has been loaded.
func (t *Tab) Load(file string) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	return t.Visit(AddressOf(file))
}

// Visit opens an address and waits until it has been loaded.
func (t *Tab) Visit(address string) error {
	t.mu.Lock()
	t.requests, t.complaints = nil, nil
	t.mu.Unlock()
	return chromedp.Do(t.ctx, chromedp.Navigate(address))
}

// AddressOf is the file:// address of an absolute path.
func AddressOf(file string) string { return (&url.URL{Scheme: "file", Path: file}).String() }

// Requests are the addresses that the page has been asking for since Load or Visit, its own first.
func (t *Tab) Requests() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.requests...)
}

// Complaints are the errors and warnings of the browser since Load or Visit, and whatever was written to the console.
func (t *Tab) Complaints() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.complaints...)
}

// Resize makes the tab as wide and as high as a screen.
func (t *Tab) Resize(width, height int64) error {
	return chromedp.Do(t.ctx, chromedp.EmulateViewport(width, height))
}

// Prefer makes the browser prefer a colour scheme, light or dark, and render for a medium, screen or print.
func (t *Tab) Prefer(scheme, medium string) error {
	_, err := chromedp.Call(t.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	return err
}

// DisableScripts keeps the scripts of the pages that are loaded from now on from running.
func (t *Tab) DisableScripts() error {
	_, err := chromedp.Call(t.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return err
}
