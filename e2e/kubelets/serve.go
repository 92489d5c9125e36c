package kubelets

import (
	"net/http"
	"time"
)

// serve answers one request.
func (k *Kubelet) serve(w http.ResponseWriter, r *http.Request) {
	k.requests.Add(1)
	behave, changed, _ := k.state(r.URL.Path)
	if behave.hang {
		select {
		case <-changed:
			behave, _, _ = k.state(r.URL.Path)
		case <-r.Context().Done():
			abort()
		}
	}
	if behave.status != 0 {
		http.Error(w, http.StatusText(behave.status), behave.status)
		return
	}
	if status, reason := k.access.check(r, k.name); status != http.StatusOK {
		http.Error(w, reason, status)
		return
	}
	if r.Method != http.MethodGet {
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	_, _, text := k.state(r.URL.Path)
	if text == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if behave.drip {
		drip(w, r, text)
		return
	}
	_, _ = w.Write(text)
}

// drip writes text byte by byte.
func drip(w http.ResponseWriter, r *http.Request, text []byte) {
	flusher := http.NewResponseController(w)
	ticker := time.NewTicker(dripInterval)
	defer ticker.Stop()
	for i := range text {
		if _, err := w.Write(text[i : i+1]); err != nil {
			abort()
		}
		if err := flusher.Flush(); err != nil {
			abort()
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			abort()
		}
	}
}

// abort breaks the connection off. A handler that returned instead would end the answer in good order,
// and a client that is just giving up could take it for a whole one.
func abort() { panic(http.ErrAbortHandler) }
