package kit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"example.com/multiprocessing/01-pipes/leaktest"
)

// A Marking is an answer that has been built and can be checked.
type Marking struct {
	exercise Exercise
	dir      string
	place    os.FileInfo // of dir
	programs map[string]string
	stamps   map[string]string // of the helpers, if nobody but the answer could change them
	confine  []string
}

// Confine makes the answer, and all that it starts, unable to change files except below these
// folders, or to do anything to processes outside, as far as the system can do that; see
// [Confines].
func (m *Marking) Confine(folders ...string) { m.confine = folders }

// Prepare inspects and builds an answer. file is empty for the learner's own, in its place.
// helpers is a folder with what [BuildHelpers] has built, for this marking alone; it is empty
// for them to be built now. The error is a [*Refusal] or a [*BuildError] if the answer is at
// fault. Call Close afterwards.
func Prepare(e Exercise, file, helpers string) (*Marking, error) {
	if e.Needs == "unix" && runtime.GOOS == "windows" {
		return nil, errors.New("this exercise needs a Unix system; use WSL, or the devcontainer")
	}
	a, err := findAnswer(e, file)
	if err != nil {
		return nil, err
	}
	if err := a.inspect(e); err != nil {
		return nil, err
	}
	a.helpers = helpers
	dir, err := os.MkdirTemp("", "kit")
	if err != nil {
		return nil, err
	}
	m := &Marking{exercise: e, dir: dir}
	if m.place, err = os.Lstat(dir); err == nil {
		m.programs, err = a.programs(e, dir)
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	if a.stableDir("helpers") == "" || helpers != "" {
		m.stamps = map[string]string{}
		for _, p := range e.Helpers {
			m.stamps[p] = stampOf(m.programs[p])
		}
	}
	return m, nil
}

// Close removes what Prepare has made.
func (m *Marking) Close() { os.RemoveAll(m.dir) }

// Check runs one check.
func (m *Marking) Check(c Check) Verdict {
	if now, err := os.Lstat(m.dir); err != nil || !os.SameFile(now, m.place) {
		return Verdict{Check: c, Message: "The folder in which answers are checked was moved away, or replaced."}
	}
	dir, err := os.MkdirTemp(m.dir, "t")
	if err != nil {
		return Verdict{Check: c, Message: err.Error()}
	}
	files, err := os.OpenRoot(dir)
	if err != nil {
		return Verdict{Check: c, Message: err.Error()}
	}
	defer files.Close()
	t := &Trial{Driver: m.programs[m.exercise.Driver], Helper: m.programs, Dir: dir, Files: files, confine: m.confine}
	v := t.try(c)
	// A check believes the helpers. An answer that has put something else in their place, and
	// perhaps has put them back, has not passed it.
	for p, stamp := range m.stamps {
		if stampOf(m.programs[p]) != stamp {
			v.Passed, v.Message = false, fmt.Sprintf("The program %s was changed, or replaced, since the answer runs. The checks rely on it.", fileOf(p))
		}
	}
	return v
}

// Attempted reports whether the answer is more than the untouched stub.
func (m *Marking) Attempted() (bool, error) {
	attempted := false
	v := m.Check(Check{Name: "attempted", Run: func(t *Trial) { attempted = m.exercise.Attempted(t) }})
	if !v.Passed {
		return true, errors.New(v.Message) // whatever it is, it is no stub
	}
	return attempted, nil
}

// score is what the last line of the output says. It lives here, in the memory
// of the process that judges.
var score struct {
	name           string
	points, ofAll  int
	wasRun, failed bool
}

// Main is the TestMain of an exercise. It looks for leaks as in every package,
// and prints the points as the last line of all.
func Main(m *testing.M) {
	code := leaktest.Run(m)
	if score.wasRun {
		if code != 0 && !score.failed && os.Getenv("GRADE") != "" {
			fmt.Printf("all checks passed, and yet the run has failed: no points\n")
			score.points = 0
		}
		fmt.Printf("points %s %d/%d\n", score.name, score.points, score.ofAll)
	}
	os.Exit(code)
}

// Test marks the answer that ANSWER names, or the learner's own, each check a
// subtest.
func Test(t *testing.T, e Exercise) {
	grade := os.Getenv("GRADE") != ""
	score.name, score.ofAll, score.failed = e.Name, e.Points(""), true
	m, err := Prepare(e, os.Getenv("ANSWER"), "")
	if err != nil {
		score.wasRun = true
		if e.Needs == "unix" && runtime.GOOS == "windows" && !grade {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	defer m.Close()
	if grade {
		m.Confine(os.TempDir()) // which is this test's alone, see leaktest
	}
	if attempted, err := m.Attempted(); err == nil && !attempted {
		score.wasRun = grade
		if grade {
			t.Fatal("not attempted")
		}
		t.Skipf("not attempted: write exercises/%s/answer/answer.go, and read exercises/%s/README.md first", e.Name, e.Name)
	}
	score.wasRun = true
	var tried, passed int
	points := map[Part]int{}
	for _, c := range e.Checks {
		t.Run(c.Name, func(t *testing.T) {
			tried++
			v := m.Check(c)
			if !v.Passed {
				t.Error("\n" + v.Text())
				return
			}
			passed++
			points[c.Part] += c.Points
		})
	}
	score.points = points[Core] + points[Robust] + points[Hard]
	// A learner may select one check with -run. For marks, what did not run has
	// not passed.
	if passed < tried || grade && passed < len(e.Checks) {
		t.Errorf("%s", summary(e, points))
	}
	score.failed = t.Failed()
}

func summary(e Exercise, points map[Part]int) string {
	var parts []string
	for _, p := range []Part{Core, Robust, Hard} {
		parts = append(parts, fmt.Sprintf("%s %d/%d", p, points[p], e.Points(p)))
	}
	text := strings.Join(parts, ", ")
	if points[Core] == e.Points(Core) {
		text += ". The core works: what is left makes it robust"
	}
	return text
}

func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%x", sum[:8])
}

// Golden compares text with the file, or writes the file if UPDATE is set.
func Golden(t testing.TB, file, text string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (UPDATE=1 go test writes it)", err)
	}
	if string(want) != text {
		t.Errorf("%s differs (UPDATE=1 go test writes it anew)\ngot:\n%s\nwant:\n%s", filepath.Base(file), text, want)
	}
}

const isWindows = runtime.GOOS == "windows"
