package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

//go:embed hangs.py
var hangs string

// pythonToo plays the same scene with Python's multiprocessing, if that was asked for.
// It hangs; hangs.py gives up after a second.
func pythonToo(ctx context.Context, out io.Writer, scene string) error {
	if !*python {
		return nil
	}
	path, err := exec.LookPath("python3")
	if err != nil {
		return fmt.Errorf("-python needs python3: %w", err)
	}
	text, err := exec.CommandContext(ctx, path, "-c", hangs, scene).Output()
	for line := range strings.Lines(string(text)) {
		fmt.Fprintf(out, "Python: %s", line)
	}
	return err
}
