package kit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestAuthor holds what the author of an exercise promises, in the folder of its
// solution: answer.go passes every check; the stub is recognised as untouched;
// each testdata/wrong/NAME/answer.go is rejected by the very check that its
// first comment names, with the message kept in want.txt beside it; the README
// has every sentence that a check cites, and hints.
func TestAuthor(t *testing.T, e Exercise) {
	course, err := findAnswer(e, "")
	if err != nil {
		t.Fatal(err)
	}
	if e.Needs == "unix" && isWindows {
		t.Skip("this exercise needs a Unix system")
	}
	if got := []int{e.Points(Core), e.Points(Robust), e.Points(Hard)}; got[0] != 60 || got[1] != 30 || got[2] != 10 {
		t.Errorf("points are %v, want 60, 30 and 10", got)
	}
	t.Run("readme", func(t *testing.T) { testReadme(t, e) })
	t.Run("stub", func(t *testing.T) {
		root, err := moduleRoot()
		if err != nil {
			t.Fatal(err)
		}
		// The learner's own answer may be anything; the stub is kept here.
		m := prepare(t, e, filepath.Join(root, "exercises", e.Name, "testdata", "stub", "answer.go"))
		if attempted, err := m.Attempted(); attempted || err != nil {
			t.Errorf("attempted: %v, error: %v; want an untouched answer", attempted, err)
		}
	})
	t.Run("solution", func(t *testing.T) {
		m := prepare(t, e, "answer.go")
		for _, c := range e.Checks {
			t.Run(c.Name, func(t *testing.T) {
				if v := m.Check(c); !v.Passed {
					t.Error("\n" + v.Text())
				}
			})
		}
	})
	wrong, err := filepath.Glob("testdata/wrong/*/answer.go")
	if err != nil || len(wrong) < 4 {
		t.Errorf("%d wrong versions (%v), want four or more", len(wrong), err)
	}
	if testing.Short() {
		t.Skip("the wrong versions not in -short: a program is built for each")
	}
	if course.stableDir("helpers") != "" { // or all of them would build the same file at the same time
		for _, p := range e.Helpers {
			if _, err := course.helper(p, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, file := range wrong {
		dir := filepath.Dir(file)
		name := "wrong/" + filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			if os.Getenv(alone) != "" {
				testWrong(t, e, dir)
				return
			}
			t.Parallel()
			runAlone(t, name, file, filepath.Join(dir, "want.txt"))
		})
	}
}

// alone is set in the environment of a test that runs in a process of its own.
const alone = "KIT_ALONE"

// runAlone runs a part of TestAuthor in a process of its own. Most of what a wrong version does
// is to wait for what never comes, so several may as well wait at the same time; and each check
// takes the children of its process for those of the answer, so they cannot be in the same one.
func runAlone(t *testing.T, name string, files ...string) {
	for _, file := range files {
		_, _ = os.Stat(file) // go test shall know that the verdict depends on it
	}
	args := []string{"-test.v", "-test.count=1", "-test.run=^TestAuthor$/^" + strings.ReplaceAll(name, "/", "$/^") + "$"}
	if at, ok := t.Deadline(); ok {
		args = append(args, fmt.Sprintf("-test.timeout=%v", time.Until(at)))
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), alone+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestAuthor/"+name+" ") {
		t.Errorf("%v\n%s", err, out)
	}
}

func prepare(t *testing.T, e Exercise, file string) *Marking {
	t.Helper()
	m, err := Prepare(e, file, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

var namesCheck = regexp.MustCompile(`(?m)^// Rejected by: (\S+)$`)

func testWrong(t *testing.T, e Exercise, dir string) {
	file := filepath.Join(dir, "answer.go")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	named := namesCheck.FindSubmatch(text)
	if named == nil || !strings.HasPrefix(string(text), "// Misconception: ") {
		t.Fatalf("%s must begin with // Misconception: … and have a line // Rejected by: CHECK", file)
	}
	m := prepare(t, e, file)
	for _, c := range e.Checks {
		if c.Name != string(named[1]) {
			continue
		}
		v := m.Check(c)
		if v.Passed {
			t.Fatalf("check %s has passed it", c.Name)
		}
		if Observes() { // elsewhere the message has less to say
			Golden(t, filepath.Join(dir, "want.txt"), Normal(v.Text()))
		}
		return
	}
	t.Fatalf("there is no check %q", named[1])
}

func testReadme(t *testing.T, e Exercise) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "exercises", e.Name, "README.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// In a table Markdown wants \| for |.
	readme := strings.ReplaceAll(strings.Join(strings.Fields(string(text)), " "), `\|`, "|")
	for _, c := range e.Checks {
		if !strings.Contains(readme, c.Says) || c.Says == "" {
			t.Errorf("check %s cites a sentence that %s does not have: %q", c.Name, file, c.Says)
		}
		if !strings.Contains(readme, "`"+c.Name+"`") {
			t.Errorf("%s does not name the check `%s`", file, c.Name)
		}
	}
	hints := regexp.MustCompile(`(?s)<details><summary>Hint ([123])[^<]*</summary>(.*?)</details>`).FindAllStringSubmatch(string(text), -1)
	for _, h := range hints {
		if len(strings.TrimSpace(h[2])) < 40 {
			t.Errorf("hint %s of %s is empty", h[1], file)
		}
	}
	if len(hints) < 3 {
		t.Errorf("%s has %d hints, want three levels", file, len(hints))
	}
}

var normals = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`\bpid \d+`), "pid N"},
	{regexp.MustCompile(`\bdescriptor \d+`), "descriptor N"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(ns|µs|ms|s)\b`), "TIME"},
	{regexp.MustCompile(`\[\d+( \d+)*\]`), "[N …]"}, // exit codes that only the suite knows
	{regexp.MustCompile(`\b\d{15,}\b`), "N"},        // and numbers
	{regexp.MustCompile(`\bIn run \d+`), "In run N"},
	{regexp.MustCompile(`(/[^/\s"]+)+/multiprocessing-in-go/[^\s":]*`), "PATH"},
	{regexp.MustCompile(`\bawake \d+ times`), "awake N times"},
	{regexp.MustCompile(`(/[^/\s"]+)+/kit\d+/[^\s":]*`), "PATH"},
}

// Normal replaces what is different in every run, so that texts can be compared.
func Normal(text string) string {
	for _, n := range normals {
		text = n.re.ReplaceAllString(text, n.to)
	}
	return text
}
