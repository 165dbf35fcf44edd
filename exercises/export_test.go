//go:build unix

package main

import (
	"archive/zip"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// offline is go with nothing but the bundle: no modules, no network.
func offline(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOMODCACHE="+filepath.Join(t.TempDir(), "none"), "GOPROXY=off", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local", "GODEBUG=", "SOAK=")
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %q: %s", args, text)
	return string(text)
}

// handedOut lists what is in a bundle, without what comes from elsewhere.
func handedOut(t *testing.T, dir string) (names []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if relative, _ := filepath.Rel(dir, name); !d.IsDir() && !strings.HasPrefix(relative, "vendor") {
			names = append(names, filepath.ToSlash(relative))
		}
		return err
	}))
	return names
}

func TestExport(t *testing.T) {
	l := newLearner(t)
	dir := filepath.Join(t.TempDir(), "a folder with spaces")
	l.says(nil, "export", "-o", dir)
	names := handedOut(t, dir)
	for _, e := range exercises {
		require.Contains(t, names, e.Name+"/README.md")
		require.Contains(t, names, "exercises/"+e.Name+"/README.md")
		got, err := os.ReadFile(filepath.Join(dir, "exercises", e.Name, "answer", "answer.go"))
		require.NoError(t, err)
		require.Equal(t, l.read("exercises", e.Name, "testdata", "stub", "answer.go"), string(got))
	}
	for _, name := range names {
		require.NotRegexp(t, `(^|/)(solutions|wrong|attacks)(/|$)`, name)
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		require.NoError(t, err)
		if strings.HasSuffix(name, ".md") {
			require.NotContains(t, string(text), "(../../solutions", name)
		}
	}
	require.NotEmpty(t, offline(t, dir, "list", "-deps", "-test", "./..."))
	require.Contains(t, l.fails("export", "-o", dir), "is there already")
	require.ErrorIs(t, l.do(t.Context(), []string{"export"}), errUsage)
	require.ErrorIs(t, l.do(t.Context(), []string{"export", "-o", "x", "-gradescope"}), errUsage)
	if os.Getenv("SOAK") != "" { // minutes: everything is built anew, at another place
		require.NotContains(t, offline(t, dir, "test", "./..."), "FAIL")
	}
}

func TestExportALesson(t *testing.T) {
	l := newLearner(t)
	dir := filepath.Join(t.TempDir(), "lesson")
	l.says(nil, "export", "-o", dir, "-lesson", "02")
	names := handedOut(t, dir)
	require.Contains(t, names, "02-selector-timeout/main.go")
	require.Contains(t, names, "02-selector-timeout/main_test.go")
	require.Contains(t, names, "01-pipes/pipe/pipe.go", "it imports that")
	require.NotContains(t, names, "01-pipes/main.go", "and not that")
	require.NotContains(t, names, "03-persistent-worker/README.md")
	require.Contains(t, names, "exercises/02-selector-timeout/README.md")
	require.NotEmpty(t, offline(t, dir, "list", "-deps", "-test", "./..."))
	if os.Getenv("SOAK") == "" {
		return // what follows takes half a minute: everything is built anew, at another place
	}
	out := offline(t, dir, "test", "-trimpath", "-v", "-run", "TestAnswer", "./exercises/02-selector-timeout")
	require.Contains(t, out, "not attempted: write exercises/02-selector-timeout/answer/answer.go")
}

func TestExportToAZip(t *testing.T) {
	l := newLearner(t)
	file := filepath.Join(t.TempDir(), "lesson.zip")
	l.says(nil, "export", "-o", file, "-lesson", "1")
	z, err := zip.OpenReader(file)
	require.NoError(t, err)
	defer z.Close()
	for _, f := range z.File {
		require.True(t, strings.HasPrefix(f.Name, "multiprocessing/"), f.Name)
	}
}

// The autograder for Gradescope, as Gradescope unpacks and runs it.
func TestAutograder(t *testing.T) {
	l := newLearner(t)
	at := t.TempDir()
	l.says(nil, "export", "-o", filepath.Join(at, "source"), "-lesson", "07", "-gradescope")
	for _, name := range []string{"setup.sh", "run_autograder"} {
		info, err := os.Stat(filepath.Join(at, "source", name))
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&0o100, "%s can be run", name)
	}
	if os.Getenv("SOAK") == "" {
		t.Skip("with SOAK=1 it is run: everything is built anew, at another place")
	}
	require.NoError(t, os.MkdirAll(filepath.Join(at, "submission"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(at, "submission", "answer.go"), []byte(l.read("solutions", "07-pool-map", "answer.go")), 0o600))
	cmd := exec.CommandContext(t.Context(), filepath.Join(at, "source", "run_autograder"))
	cmd.Env = append(os.Environ(), "AUTOGRADER="+at)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	var results gradescope
	text, err = os.ReadFile(filepath.Join(at, "results", "results.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &results))
	require.Equal(t, 100, results.Score)
	require.Len(t, results.Tests, 8)
}
