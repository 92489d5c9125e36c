package gate

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// LogLine is one line of the gate's log.
type LogLine struct {
	Level   string
	Logger  string
	Message string
	// Fields are all keys of the line.
	Fields map[string]any
	// Raw is the line as it was written; of a line that is no JSON, such as a panic's, it is all there is.
	Raw string
}

// Text returns a field as text, empty if there is none of that name.
func (l LogLine) Text(field string) string {
	value, found := l.Fields[field]
	if !found {
		return ""
	}
	return fmt.Sprint(value)
}

// Decided is the message of the log line that each decision on an upgrade leaves.
const Decided = "decided on an upgrade"

// Log returns what the process has written so far, without a line that is still being written.
func (p *Process) Log() ([]LogLine, error) {
	text, err := os.ReadFile(p.LogFile)
	if err != nil {
		return nil, fmt.Errorf("reading the gate's log: %w", err)
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	var lines []LogLine
	scanner := bufio.NewScanner(bytes.NewReader(text))
	scanner.Buffer(nil, len(text)+1)
	for scanner.Scan() {
		lines = append(lines, parse(scanner.Text()))
	}
	return lines, scanner.Err()
}

func parse(raw string) LogLine {
	line := LogLine{Raw: raw}
	if json.Unmarshal([]byte(raw), &line.Fields) != nil {
		return line
	}
	line.Level, line.Logger, line.Message = line.Text("level"), line.Text("logger"), line.Text("msg")
	return line
}

// Decisions returns the log lines of the decisions so far, oldest first.
func (p *Process) Decisions() ([]LogLine, error) {
	lines, err := p.Log()
	if err != nil {
		return nil, err
	}
	var decisions []LogLine
	for _, line := range lines {
		if line.Message == Decided {
			decisions = append(decisions, line)
		}
	}
	return decisions, nil
}

// AwaitLog waits for a log line that fits, and returns the first.
func (p *Process) AwaitLog(ctx context.Context, timeout time.Duration, fits func(LogLine) bool) (LogLine, error) {
	var found LogLine
	err := Await(ctx, timeout, func(context.Context) error {
		lines, err := p.Log()
		if err != nil {
			return err
		}
		for _, line := range lines {
			if fits(line) {
				found = line
				return nil
			}
		}
		return fmt.Errorf("no such line in the gate's log%s", p.tail())
	})
	return found, err
}

// Metrics returns what /metrics says, in Prometheus' text format.
func (p *Process) Metrics(ctx context.Context) (string, error) {
	text, status, err := p.get(ctx, "/metrics")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return "", fmt.Errorf("reading the gate's metrics: %w", err)
	}
	return text, nil
}

// Metric returns the value of one series, written as in the text format with its labels in alphabetical
// order: upgrade_gate_admissions_total{dry_run="false",verdict="Blocked"}. A series that is not there is zero.
func (p *Process) Metric(ctx context.Context, series string) (float64, error) {
	text, err := p.Metrics(ctx)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, series+" "); found {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, nil
}
