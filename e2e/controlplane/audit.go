package controlplane

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// AuditEvent is one line of the API server's audit log, with the fields that tests look at. See
// audit.k8s.io/v1 Event.
type AuditEvent struct {
	AuditID string `json:"auditID"`
	Stage   string `json:"stage"`
	Verb    string `json:"verb"`
	// RequestURI shows query parameters such as dryRun.
	RequestURI string `json:"requestURI"`
	// User is who has asked, by the credentials that were shown.
	User AuditUser `json:"user"`
	// ImpersonatedUser is in whose name User has asked. Nil if that is User.
	ImpersonatedUser *AuditUser `json:"impersonatedUser"`
	ObjectRef        struct {
		APIGroup    string `json:"apiGroup"`
		APIVersion  string `json:"apiVersion"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code    int    `json:"code"`
		Status  string `json:"status"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
	} `json:"responseStatus"`
	StageTimestamp time.Time `json:"stageTimestamp"`
	// Annotations hold what webhooks noted, as WEBHOOK/KEY.
	Annotations map[string]string `json:"annotations"`
}

// AuditUser is somebody as the API server sees them.
type AuditUser struct {
	Username string              `json:"username"`
	Groups   []string            `json:"groups"`
	Extra    map[string][]string `json:"extra"`
}

// AuditEvents returns the lines of the audit log, oldest first. An API server that has logged nothing
// yet gives none. A line that the API server is still writing is left out.
func (p *ControlPlane) AuditEvents() ([]AuditEvent, error) {
	file, err := os.Open(p.AuditLog)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	defer file.Close()
	var events []AuditEvent
	reader := bufio.NewReader(file)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil { // the end, or a line without its end
			return events, nil
		}
		var event AuditEvent
		if err := json.Unmarshal(line, &event); err != nil {
			return events, fmt.Errorf("reading line %d of the audit log: %w", len(events)+1, err)
		}
		events = append(events, event)
	}
}
