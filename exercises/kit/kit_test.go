package kit_test

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
	pipes "example.com/multiprocessing/exercises/01-pipes/suite"
	selectors "example.com/multiprocessing/exercises/02-selector-timeout/suite"
	workers "example.com/multiprocessing/exercises/03-persistent-worker/suite"
	pools "example.com/multiprocessing/exercises/07-pool-map/suite"
	asyncs "example.com/multiprocessing/exercises/08-apply-async/suite"
	"example.com/multiprocessing/exercises/kit"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func needUnix(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the exercises need a Unix system")
	}
}

func needSight(t *testing.T) {
	if !kit.Observes() {
		t.Skip("nobody can see here what processes do")
	}
}

// stub is exercise 01's, for a test with checks of its own.
func stub(t *testing.T) *kit.Marking {
	t.Helper()
	needUnix(t)
	m, err := kit.Prepare(pipes.Exercise, "../01-pipes/testdata/stub/answer.go", "")
	require.NoError(t, err)
	t.Cleanup(m.Close)
	return m
}

// Every attack scores nothing, harms nothing and leaves nothing behind.
func TestAttacksScoreNothing(t *testing.T) {
	needUnix(t)
	root, err := kit.Root()
	require.NoError(t, err)
	tried := 0
	for _, e := range []kit.Exercise{pipes.Exercise, workers.Exercise, pools.Exercise, asyncs.Exercise} {
		files, err := filepath.Glob("testdata/attacks/" + e.Name + "/*/answer.go")
		require.NoError(t, err)
		tried += len(files)
		built := t.TempDir()
		helpers, err := kit.BuildHelpers(e, root, built)
		require.NoError(t, err)
		if runtime.GOOS == "linux" {
			for _, name := range helpers {
				program, err := elf.Open(name)
				require.NoError(t, err)
				libraries, err := program.ImportedLibraries()
				require.NoError(t, err)
				require.Empty(t, libraries, "an answer could replace what is in them, with LD_PRELOAD")
				require.NoError(t, program.Close())
			}
		}
		for _, file := range files {
			t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) { attack(t, e, file, built) })
		}
	}
	all, err := filepath.Glob("testdata/attacks/[0-9]*/*/answer.go")
	require.NoError(t, err)
	require.Len(t, all, tried, "one of them is not in this test")
}

func attack(t *testing.T, e kit.Exercise, file, built string) {
	if strings.Contains(file, "/false-stages/") && !kit.Observes() {
		t.Skip("nobody can see here which program a process runs")
	}
	leaktest.Check(t)
	helpers := t.TempDir()
	require.NoError(t, os.CopyFS(helpers, os.DirFS(built)))
	m, err := kit.Prepare(e, file, helpers)
	if strings.Contains(file, "/refused-") {
		var refused *kit.Refusal
		require.ErrorAs(t, err, &refused)
		t.Log(err)
		return
	}
	require.NoError(t, err)
	defer m.Close()
	for _, c := range e.Checks {
		v := m.Check(c)
		require.False(t, v.Passed, "check %s has been passed, for %d points", c.Name, c.Points)
		require.NotContains(t, v.Message, "kit's fault")
		require.Less(t, len(v.Message), 20_000)
		require.NotContains(t, v.Message, "\x16")
	}
}

// The interface for grading is go test itself. So it is run here, as a grader
// would.
func TestTheGradingInterface(t *testing.T) {
	needUnix(t)
	if testing.Short() {
		t.Skip("not in -short: runs go test")
	}
	answer := filepath.Join(t.TempDir(), "answer.go")
	solution := read(t, "../../solutions/01-pipes/answer.go")
	for _, step := range []struct {
		name, text string
		points     string
		passed     bool
		says       string
	}{
		{"the solution", solution, "points 01-pipes 100/100", true, ""},
		// The same path with another text: no cached verdict may be repeated.
		{"a forgery", read(t, "testdata/attacks/01-pipes/forged-pass/answer.go"), "points 01-pipes 0/100", false, "has ended in the middle"},
		{"a wrong version", read(t, "../../solutions/01-pipes/testdata/wrong/minus-one/answer.go"), "", false, "The core works"},
		{"the stub", read(t, "../01-pipes/testdata/stub/answer.go"), "points 01-pipes 0/100", false, "not attempted"},
		{"no Go at all", "package answer\n\nfunc Run( {\n", "points 01-pipes 0/100", false, "the answer does not compile"},
		{"a refusal", strings.Replace(solution, `"os"`, `"unsafe"`, 1), "points 01-pipes 0/100", false, "may not import"},
		{"the solution once more", solution, "points 01-pipes 100/100", true, ""},
	} {
		t.Run(step.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(answer, []byte(step.text), 0o600))
			text, exit := grade(t, "../..", answer)
			require.Equal(t, step.passed, exit == nil, text)
			require.Contains(t, text, step.says)
			last := regexp.MustCompile(`(?m)^points 01-pipes \d+/\d+$`).FindAllString(text, -1)
			require.NotEmpty(t, last, text)
			if step.points != "" {
				require.Equal(t, step.points, last[len(last)-1])
			}
		})
	}
	t.Run("one check", func(t *testing.T) {
		// It leaves something behind outside of its temporary folder.
		left := filepath.Join(t.TempDir(), "left")
		leaves := solution + fmt.Sprintf("\nfunc init() { os.WriteFile(%q, nil, 0o600) }\n", left)
		require.NoError(t, os.WriteFile(answer, []byte(leaves), 0o600))
		// A learner may look at one check alone; a mark needs all of them. And where there are
		// marks to win, an answer changes nothing that is not its own.
		for _, step := range []struct {
			env  string
			exit bool
		}{{"GRADE=", true}, {"GRADE=1", false}} {
			cmd := exec.CommandContext(t.Context(), "go", "test", "-run", "TestAnswer/together", "./exercises/01-pipes")
			cmd.Dir = "../.."
			cmd.Env = append(os.Environ(), "ANSWER="+answer, step.env)
			out, err := cmd.CombinedOutput()
			require.Equal(t, step.exit, err == nil, "%s", out)
			if files, _ := kit.Confines(); files && step.env != "GRADE=" {
				require.NoFileExists(t, left)
				continue
			}
			require.FileExists(t, left)
			require.NoError(t, os.Remove(left))
		}
	})
	t.Run("through symbolic links", func(t *testing.T) {
		// The course, the answer and the cache, each behind a link.
		real, err := filepath.Abs("../..")
		require.NoError(t, err)
		dir := t.TempDir()
		require.NoError(t, os.Symlink(real, filepath.Join(dir, "course")))
		require.NoError(t, os.Symlink(filepath.Dir(answer), filepath.Join(dir, "answers")))
		require.NoError(t, os.Mkdir(filepath.Join(dir, "cache"), 0o700))
		require.NoError(t, os.Symlink("cache", filepath.Join(dir, "link")))
		build, err := exec.Command("go", "env", "GOCACHE").Output()
		require.NoError(t, err)
		t.Setenv("GOCACHE", strings.TrimSpace(string(build)))
		t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "link"))
		for _, file := range []string{"answers/answer.go", "course/solutions/01-pipes/answer.go"} {
			text, _ := grade(t, filepath.Join(dir, "course"), filepath.Join(dir, file), "-run", "TestAnswer/output")
			require.Contains(t, text, "--- PASS: TestAnswer/output")
		}
	})
	text, exit := grade(t, "../..", filepath.Join(t.TempDir(), "nowhere.go"))
	require.Error(t, exit)
	require.Contains(t, text, "there is no answer to mark")
}

// grade marks an answer and returns what was printed, put together from -json.
func grade(t *testing.T, course, answer string, flags ...string) (text string, exit error) {
	cmd := exec.CommandContext(t.Context(), "go", slices.Concat([]string{"test", "-json"}, flags, []string{"./exercises/01-pipes"})...)
	cmd.Dir = course
	cmd.Env = append(os.Environ(), "ANSWER="+answer, "GRADE=1", "PWD="+course) // PWD: a shell keeps the links in it
	out, exit := cmd.Output()
	var b strings.Builder
	for line := range bytes.Lines(out) {
		var event struct{ Action, Output string }
		require.NoError(t, json.Unmarshal(line, &event), "%s", line)
		if event.Action == "output" {
			b.WriteString(event.Output)
		}
	}
	return b.String(), exit
}

func read(t *testing.T, file string) string {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

func TestCompilerErrorsAreShown(t *testing.T) {
	needUnix(t)
	file := filepath.Join(t.TempDir(), "answer.go")
	require.NoError(t, os.WriteFile(file, []byte("package answer\n\nfunc Run() int { return \"\" }\n"), 0o600))
	_, err := kit.Prepare(pipes.Exercise, file, "")
	var build *kit.BuildError
	require.ErrorAs(t, err, &build)
	require.ErrorContains(t, err, "answer.go:3:")
	require.NotContains(t, err.Error(), "overlay")
}

func TestQuoteMakesOutputHarmless(t *testing.T) {
	require.Equal(t, "    | (nothing)", kit.Quote(""))
	require.Equal(t, `    | \x16--- PASS: x`+"\n"+`    | a "b" \x1b[2J`, kit.Quote("\x16--- PASS: x\na \"b\" \x1b[2J\n"))
	long := kit.Quote(strings.Repeat("x\n", 1000))
	require.Contains(t, long, "… and 960 more lines")
}

// A check that does not come to its end has passed nobody.
func TestABrokenCheckFails(t *testing.T) {
	m := stub(t)
	cleaned := 0
	v := m.Check(kit.Check{Run: func(t *kit.Trial) {
		t.Cleanup(func() { cleaned++ })
		panic(errors.New("broken"))
	}})
	require.False(t, v.Passed)
	require.Contains(t, v.Message, "kit's fault: broken")
	v = m.Check(kit.Check{Run: func(t *kit.Trial) {
		t.Cleanup(func() { cleaned++ })
		runtime.Goexit()
	}})
	require.False(t, v.Passed)
	require.Equal(t, 2, cleaned)
}

// What a check waits for, and never comes: the message says why, from what can be seen.
func TestWhyItDoesNotCome(t *testing.T) {
	needSight(t)
	m := stub(t)
	for script, want := range map[string]string{
		"echo bye; exit 3":                   "It cannot come any more: the program has ended (exit status 3), and all that it had started. It has printed:\n    | bye",
		"(trap '' HUP; sleep 1000) & exit 0": "Nothing moves any more. Still there",
		"read line":                          "Nothing moves any more. Still there",
		// It costs time of the processor, and not the minute that something slow is given.
		"while :; do :; done": "It has kept the processor busy for TIME: there is a loop that does not wait. Still there:\n    the program (pid N) computes",
	} {
		t.Run(script, func(t *testing.T) {
			v := m.Check(kit.Check{Run: func(trial *kit.Trial) {
				r, w, err := os.Pipe()
				require.NoError(t, err)
				trial.Cleanup(func() { r.Close(); w.Close() })
				cmd := exec.Command("sh", "-c", script)
				cmd.Stdin = r
				kit.Await(trial, trial.Start("the program", cmd), make(chan bool), "It is owed.")
			}})
			require.False(t, v.Passed)
			require.Contains(t, kit.Normal(v.Message), "It is owed.\n"+want)
		})
	}
}

// Workers are started side by side, so their pids say nothing about their order: an
// autopsy lists them by name, and is the same in every run.
func TestTheChildrenComeByName(t *testing.T) {
	needSight(t)
	m := stub(t)
	var script strings.Builder
	for _, name := range []string{"helper-10", "helper-9", "helper-2"} { // a script has its file's name
		file := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\nsleep 1000\n"), 0o700))
		script.WriteString("'" + file + "' & ")
	}
	v := m.Check(kit.Check{Run: func(trial *kit.Trial) {
		kit.Await(trial, trial.Start("the program", exec.Command("sh", "-c", script.String()+"wait")), make(chan bool), "It is owed.")
	}})
	require.False(t, v.Passed)
	require.Regexp(t, `(?s)the program.*helper-2\b.*helper-9\b.*helper-10\b`, v.Message)
}

// To look again and again whether something has come costs the points of the check that is about
// it, and of no other.
func TestWhoPolls(t *testing.T) {
	needSight(t)
	e := selectors.Exercise
	m, err := kit.Prepare(e, "../../solutions/02-selector-timeout/testdata/wrong/looks-again-and-again/answer.go", "")
	require.NoError(t, err)
	defer m.Close()
	for _, c := range e.Checks {
		if c.Name == "told-apart" {
			v := m.Check(c)
			require.True(t, v.Passed, v.Message)
			return
		}
	}
	t.Fatal("there is no such check")
}

// A check goes nowhere that the answer has pointed to.
func TestFilesOfATrial(t *testing.T) {
	m := stub(t)
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	v := m.Check(kit.Check{Run: func(trial *kit.Trial) {
		trial.Write("file", "text")
		text, err := trial.Read("file")
		require.NoError(t, err)
		require.Equal(t, "text", text)

		require.NoError(t, os.Symlink(secret, filepath.Join(trial.Dir, "link")))
		require.NoError(t, os.Symlink("/dev", filepath.Join(trial.Dir, "folder")))
		require.NoError(t, exec.Command("mkfifo", filepath.Join(trial.Dir, "fifo")).Run())
		for _, name := range []string{"link", "folder/zero", "fifo", "../" + filepath.Base(trial.Dir) + "/file", "."} {
			_, err := trial.Read(name)
			require.Error(t, err, name)
			_, err = trial.Lock(name, os.O_RDWR|os.O_CREATE)
			require.Error(t, err, name)
		}
		trial.Write("link", "overwritten")
	}})
	require.False(t, v.Passed)
	require.Contains(t, v.Message, "cannot write link")
	text, err := os.ReadFile(secret)
	require.NoError(t, err)
	require.Equal(t, "secret", string(text))

	v = m.Check(kit.Check{Run: func(trial *kit.Trial) {
		dir := filepath.Dir(trial.Dir)
		require.NoError(t, os.Rename(dir, filepath.Join(t.TempDir(), "moved")))
		require.NoError(t, os.Symlink(filepath.Dir(secret), dir))
	}})
	require.True(t, v.Passed, v.Message)
	require.Contains(t, m.Check(kit.Check{}).Message, "was moved away, or replaced")
	m.Close()
	require.FileExists(t, secret)
}
