package main

import (
	"context"
	"errors"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// A finding is one thing that the doctor has looked at.
type finding struct {
	what string
	bad  error  // nil: it is well
	mend string // what to do if it is not
	need bool   // without it the exercises cannot be done
}

// doctor says what will work on this machine.
func (c *course) doctor(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("doctor knows no %q: %w", args[0], errUsage)
	}
	sick := false
	for _, f := range c.examine(ctx) {
		switch {
		case f.bad == nil:
			fmt.Fprintf(c.stdout, "ok       %s\n", f.what)
			continue
		case f.need:
			fmt.Fprintf(c.stdout, "NEEDED   %s: %v\n", f.what, f.bad)
			sick = true
		default:
			fmt.Fprintf(c.stdout, "without  %s: %v\n", f.what, f.bad)
		}
		if f.mend != "" {
			fmt.Fprintf(c.stdout, "         %s\n", f.mend)
		}
	}
	if sick {
		fmt.Fprintln(c.stdout, "\nWhat is NEEDED must be mended before the exercises work here.")
		return errNotYet
	}
	fmt.Fprintln(c.stdout, "\nThe exercises work here.")
	return nil
}

func (c *course) examine(ctx context.Context) []finding {
	temporary := os.TempDir()
	cache, err := os.UserCacheDir()
	findings := []finding{
		{"Go 1.26 or later", c.goVersion(ctx), "Install it from https://go.dev/dl/; a folder in your home directory will do, see the README.", true},
		{"the modules of the course, so that it builds without a network", c.goCommand(ctx, "list", "-deps", "-test", "./..."), "Run once, with a network: go mod download", true},
		{"programs may run in the temporary folder " + temporary, mayRun(temporary), "Name another folder: export TMPDIR=$HOME/tmp", true},
		{"paths of sockets fit there", shortEnough(temporary), "Name a shorter folder: export TMPDIR=/tmp", false},
	}
	if err == nil {
		err = os.MkdirAll(cache, 0o700)
	}
	if err == nil {
		err = mayRun(cache)
	}
	findings = append(findings, finding{"programs may run in the cache folder " + cache, err, "Name another folder: export XDG_CACHE_HOME=$HOME/.cache-here (on macOS: HOME)", false})
	findings = append(findings, system()...)
	return append(findings,
		finding{"python3, for the comparisons with Python", found("python3"), "They are skipped.", false},
		finding{"a C compiler, for go test -race", found("cc", "gcc", "clang"), "The race detector cannot be used; nothing asks a learner for it.", false},
	)
}

func (c *course) goVersion(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION")
	cmd.Dir = c.root
	text, err := cmd.Output()
	if err != nil {
		return err
	}
	if v := strings.Fields(string(text)); len(v) == 0 || version.Compare(v[0], "go1.26") < 0 && !strings.HasPrefix(v[0], "devel") {
		return fmt.Errorf("this is %s", strings.TrimSpace(string(text)))
	}
	return nil
}

// goCommand runs go, which must not use the network.
func (c *course) goCommand(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = c.root
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOTOOLCHAIN=local")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		for line := range strings.Lines(stderr.String()) {
			if !strings.HasPrefix(line, "go: downloading ") { // that is what it could not do
				return errors.New(strings.TrimSpace(line))
			}
		}
		return err
	}
	return nil
}

// mayRun tries whether a program can be written to a folder and run there.
func mayRun(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	own, err := os.MkdirTemp(dir, "doctor")
	if err != nil {
		return err
	}
	defer os.RemoveAll(own)
	file := filepath.Join(own, "program")
	if err := os.WriteFile(file, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		return err
	}
	return exec.Command(file).Run()
}

func shortEnough(dir string) error {
	// What comes behind it: the folder of a mark, of a marking, of a trial, and a name.
	if n := len(dir) + 40; n > 103 && runtime.GOOS != "windows" {
		return fmt.Errorf("%q is long, so sockets are made below /tmp", dir)
	}
	return nil
}

func found(names ...string) error {
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			return nil
		}
	}
	return fmt.Errorf("there is none")
}
