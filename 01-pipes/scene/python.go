package scene

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// Python runs a script with python3, if there is one, and writes what it prints to stdout,
// each line marked as Python's. A script that shows how something hangs has to give up by
// itself.
func Python(ctx context.Context, out io.Writer, script string, args ...string) error {
	path, err := exec.LookPath("python3")
	if err != nil {
		return fmt.Errorf("-python needs python3: %w", err)
	}
	text, err := exec.CommandContext(ctx, path, append([]string{"-c", script}, args...)...).Output()
	for line := range strings.Lines(string(text)) {
		fmt.Fprintf(out, "Python: %s", line)
	}
	return err
}
