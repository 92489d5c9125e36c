package tools

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Output runs a program in a folder, with variables added to the environment, and returns what it wrote to its standard output. The error
// carries what it wrote to the other. Go runs without cgo, without a workspace, and without the flags of this machine's settings.
func Output(ctx context.Context, folder string, environment []string, program string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	command.Env = append(command.Env, environment...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", program, args[0], err, bytes.TrimSpace(complaints.Bytes()))
	}
	return output, nil
}
