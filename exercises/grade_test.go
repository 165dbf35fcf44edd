//go:build unix

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/exercises/kit"
)

const attacks = "exercises/kit/testdata/attacks/"

// A class hands in answers.
type class struct {
	*learner
	dir   string
	wants map[string]string // the cell of exercise 01 in the table, by student
}

func newClass(t *testing.T) *class {
	dir := filepath.Join(t.TempDir(), "submissions")
	require.NoError(t, os.Mkdir(dir, 0o700))
	return &class{newLearner(t), dir, map[string]string{}}
}

// hands in this text as an answer to exercise 01.
func (c *class) hands(student, text, wants string) {
	c.t.Helper()
	c.handsIn(student, "01-pipes", text)
	c.wants[student] = wants
}

func (c *class) handsIn(student, exercise, text string) {
	c.t.Helper()
	name := filepath.Join(c.dir, student, exercise, "answer.go")
	require.NoError(c.t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(c.t, os.WriteFile(name, []byte(text), 0o600))
}

// marked runs the grader, and returns the marks.
func (c *class) marked(args ...string) []Mark {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "marks.json")
	args = append([]string{"grade", "-submissions", c.dir, "-json", file}, args...)
	require.NoError(c.t, c.do(c.t.Context(), args), c.out)
	text, err := os.ReadFile(file)
	require.NoError(c.t, err)
	var all struct{ Marks []Mark }
	require.NoError(c.t, json.Unmarshal(text, &all))
	return all.Marks
}

// check wants the marks that were promised.
func (c *class) check(marks []Mark) {
	c.t.Helper()
	require.Len(c.t, marks, len(c.wants))
	for _, m := range marks {
		want := c.wants[m.Student]
		if rest, ok := strings.CutPrefix(want, "ended: "); ok {
			require.Equal(c.t, wasEnded, m.Outcome, m.Student)
			require.Contains(c.t, m.Message, rest, m.Student)
			require.Zero(c.t, m.Points, m.Student)
			continue
		}
		require.Equal(c.t, want, m.cell(), "%s: %s", m.Student, m.Message)
	}
}

// A class with everything in it that a class may have. The marks are the promised ones; a
// second run, one with two at a time, and one that is interrupted and goes on say the same.
func TestGrade(t *testing.T) {
	if testing.Short() {
		t.Skip("not in -short: it builds a program for each answer")
	}
	leaktest.Check(t)
	c := newClass(t)
	solution := c.read("solutions", "01-pipes", "answer.go")
	c.hands("ada", solution, "100")
	c.hands("bob", c.read("exercises", "01-pipes", "testdata", "stub", "answer.go"), "not attempted")
	c.hands("cid", "package answer\n\nfunc (", "does not compile")
	c.hands("dan", strings.Replace(solution, "import (", "import (\n\t_ \"unsafe\"", 1), "refused")
	c.hands("eve", c.read(attacks, "01-pipes", "exit-in-run", "answer.go"), "0")
	c.hands("fay", c.read("solutions", "01-pipes", "testdata", "wrong", "minus-one", "answer.go"), "85")
	c.hands("gil", strings.Repeat(" ", answerLimit+1), "refused")
	c.zips("hal", map[string]string{"work/hal/exercises/01-pipes/answer/answer.go": solution, "../../../etc/cron": "x", "__MACOSX/01-pipes/answer.go": "x"}, "100")
	c.zips("ian", map[string]string{"01.go": solution, "old/01-pipes.go": solution}, "refused")
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "jon.zip"), []byte("no zip"), 0o600))
	c.wants["jon"] = "refused"
	require.NoError(t, os.MkdirAll(filepath.Join(c.dir, "kim", "01-pipes"), 0o700))
	require.NoError(t, os.Symlink(c.path("solutions", "01-pipes", "answer.go"), filepath.Join(c.dir, "kim", "01-pipes", "answer.go")))
	c.wants["kim"] = "refused"
	require.NoError(t, os.MkdirAll(filepath.Join(c.dir, "lea"), 0o700))
	c.wants["lea"] = "not submitted"
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "names.txt"), nil, 0o600))

	first := c.marked()
	c.check(first)
	start := time.Now()
	require.Empty(t, cmp.Diff(first, c.marked()), "from the journal")
	require.Less(t, time.Since(start), 30*time.Second)

	t.Run("two at a time, interrupted after a mark", func(t *testing.T) {
		for _, student := range []string{"bob", "ian.zip", "hal.zip"} { // they add nothing to this but time
			require.NoError(t, os.RemoveAll(filepath.Join(c.dir, student)))
		}
		first := slices.DeleteFunc(first, func(m Mark) bool { return m.Student == "bob" || m.Student == "ian" || m.Student == "hal" })
		journal := filepath.Join(t.TempDir(), "journal")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c.stderr = &cutter{after: " of ", cut: cancel}
		err := c.do(ctx, []string{"grade", "-submissions", c.dir, "-journal", journal, "-j", "2"})
		c.stderr = c.out
		require.ErrorContains(t, err, "interrupted")
		require.Empty(t, cmp.Diff(first, c.marked("-journal", journal)), "gone on")
	})
}

// A cutter cuts when something is written that was not known before.
type cutter struct {
	after string
	cut   func()
}

func (c *cutter) Write(b []byte) (int, error) {
	if strings.Contains(string(b), c.after) && strings.Contains(string(b), "left") {
		c.cut()
	}
	return len(b), nil
}

func (c *class) zips(student string, files map[string]string, wants string) {
	c.t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		require.NoError(c.t, err)
		_, err = w.Write([]byte(text))
		require.NoError(c.t, err)
	}
	require.NoError(c.t, z.Close())
	require.NoError(c.t, os.WriteFile(filepath.Join(c.dir, student+".zip"), b.Bytes(), 0o600))
	c.wants[student] = wants
}

// Each attack scores nothing, and the one beside it gets what it deserves, also when both are
// marked at the same time. Nothing is left, and nothing of the course has changed.
func TestAttacks(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what processes take, and whose orphans they are, is seen on Linux only")
	}
	if testing.Short() {
		t.Skip("not in -short: it builds a program for each answer")
	}
	leaktest.Check(t)
	before, err := takeSnapshot(newLearner(t).root)
	require.NoError(t, err)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // if one of them changes it, all the same
	// What an answer can do to others when it is not confined, and what becomes of that.
	others := map[string]string{
		"kills-the-marker":        "ended: signal: killed",
		"speaks-for-the-marker":   "ended: signal: killed",
		"rewrites-the-suite":      "ended: it has changed what is not its own",
		"looks-for-other-answers": "ended: it has changed what is not its own",
	}
	// And what it does with what it has.
	itself := map[string]string{
		"three-hundred-processes":      "ended: more than 100 processes",
		"eats-memory":                  "ended: more than 700 MiB",
		"runs-the-solution":            "0",
		"sets-goflags":                 "0",
		"removes-everything-temporary": "0",
		"brings-its-own-tests":         "not attempted",
	}
	slow := map[string]string{"stops-the-marker": "ended: after 3s", "never-begins": "ended: after 3s"}
	l := newLearner(t)
	entries, err := os.ReadDir(l.path(attacks, "grader"))
	require.NoError(t, err)
	require.Len(t, entries, len(others)+len(itself)+len(slow), "one of them is not in this test")
	try := func(t *testing.T, honest bool, wants map[string]string, args ...string) {
		c := newClass(t)
		if honest {
			c.hands("honest", c.read("solutions", "01-pipes", "answer.go"), "100")
		}
		for name, want := range wants {
			c.hands(name, c.read(attacks, "grader", name, "01-pipes", "answer.go"), want)
		}
		c.check(c.marked(append(args, "-j", "2", "-memory", "700", "-processes", "100")...))
	}
	t.Run("as they like", func(t *testing.T) {
		try(t, true, others, "-confine=false")
		try(t, false, slow, "-confine=false", "-time", "3s")
	})
	t.Run("confined", func(t *testing.T) {
		if files, signals := kit.Confines(); files && signals {
			itself["stops-the-marker"] = "0"
			for name := range others {
				itself[name] = "0"
			}
		} else {
			t.Log("this kernel cannot confine them")
		}
		try(t, true, itself)
	})
	after, err := takeSnapshot(l.root)
	require.NoError(t, err)
	require.Equal(t, before.digest, after.digest)
}

// Two runs at a time would each keep what the other one has forgotten.
func TestOneJournalForOneRun(t *testing.T) {
	leaktest.Check(t)
	name := filepath.Join(t.TempDir(), "journal")
	first, err := openJournal(name)
	require.NoError(t, err)
	require.NoError(t, first.add("key", Mark{Student: "ada"}))
	_, err = openJournal(name)
	require.ErrorContains(t, err, "another run keeps its marks in "+name)
	require.NoError(t, first.close())
	second, err := openJournal(name)
	require.NoError(t, err)
	m, ok := second.find("key")
	require.True(t, ok)
	require.Equal(t, "ada", m.Student)
	require.NoError(t, second.close())
}

// What is tried first with any grader, at each exercise: to end with status 0 before anything
// is checked, and to print what a good answer would have printed.
func TestEveryExerciseIsAttacked(t *testing.T) {
	if testing.Short() {
		t.Skip("not in -short: it builds a program for each answer")
	}
	leaktest.Check(t)
	c := newClass(t)
	attacks := map[string]string{
		"ends":   `attack.Exit(0)`,
		"forges": `for _, s := range []string{"=== RUN   TestAnswer\n", "--- PASS: TestAnswer (0.00s)\nPASS\n", "points %s 100/100\n"} { attack.Stdout.WriteString("\x16" + s) }; attack.Exit(0)`,
	}
	if os.Getenv("CI")+os.Getenv("SOAK") == "" {
		delete(attacks, "forges") // a program to build for each
	}
	for _, e := range exercises {
		solution := c.read("solutions", e.Name, "answer.go")
		for student, what := range attacks {
			text := strings.Replace(solution, "package answer\n", "package answer\n\nimport attack \"os\"\n", 1)
			text += "\nfunc init() { " + strings.ReplaceAll(what, "%s", e.Name) + " }\n"
			c.handsIn(student, e.Name, text)
		}
	}
	marks := c.marked("-j", "4") // most of it is waiting for what never comes
	require.Len(t, marks, len(attacks)*len(exercises))
	for _, m := range marks {
		require.Equal(t, wasMarked, m.Outcome, "%s, %s: %s", m.Student, m.Exercise, m.Message)
		require.Zero(t, m.Points, "%s, %s: %v", m.Student, m.Exercise, m.Checks)
	}
}

// What the formats promise, of marks with everything in them that may be difficult.
func TestFormats(t *testing.T) {
	e := exercises[0]
	full := newMark("ada, the first", e, wasMarked, "")
	for _, check := range e.Checks {
		full.note(news{Check: check.Name, Passed: true})
	}
	part := newMark("=HYPERLINK(\"x\")|<b>", e, wasMarked, "")
	part.note(news{Check: e.Checks[0].Name, Passed: true})
	part.note(news{Check: e.Checks[1].Name, Message: "got \x00 & <nothing> ]]>\nwant \"ü\""})
	none := newMark("zoë", e, notSubmitted, "")
	marks := []Mark{full, part, none}
	dir := t.TempDir()
	for _, f := range formats {
		require.NoError(t, f.write(filepath.Join(dir, f.flag), marks))
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return text
	}

	records, err := csv.NewReader(bytes.NewReader(read("csv"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"student", "01-pipes", "sum"}, {"ada, the first", "100", "100"},
		{"'" + part.Student, strconv.Itoa(part.Points), strconv.Itoa(part.Points)}, {"zoë", "0", "0"},
	}, records)

	var all struct{ Marks []Mark }
	require.NoError(t, json.Unmarshal(read("json"), &all))
	require.Empty(t, cmp.Diff(marks, all.Marks))

	// https://gradescope-autograders.readthedocs.io/en/latest/specs/: either a score for the
	// whole or one for each test; status is passed or failed; visibility one of four words.
	for _, m := range marks {
		var g struct {
			Score      *float64
			Output     string
			Visibility string
			Tests      []struct {
				Score, Max_score         float64
				Status, Name, Visibility string
				Output                   *string
			}
		}
		d := json.NewDecoder(bytes.NewReader(read(filepath.Join("gradescope", m.Student, "results.json"))))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&g))
		require.Equal(t, float64(m.Points), *g.Score)
		require.Equal(t, "visible", g.Visibility)
		require.Contains(t, g.Output, m.Outcome)
		sum := 0.0
		for _, one := range g.Tests {
			require.Contains(t, []string{"passed", "failed"}, one.Status)
			require.Equal(t, one.Status == "passed", one.Score == one.Max_score)
			require.NotEmpty(t, one.Name)
			require.NotNil(t, one.Output)
			sum += one.Score
		}
		require.Equal(t, *g.Score, sum)
	}

	requireJUnit(t, read("junit"))
	var suites junitSuites
	require.NoError(t, xml.Unmarshal(read("junit"), &suites))
	require.Len(t, suites.Suites, 3)
	n := len(e.Checks)
	require.Equal(t, []int{3 * n, n - 1}, []int{suites.Tests, suites.Failures})
	require.Equal(t, []int{0, n - 1, 0}, []int{suites.Suites[0].Failures, suites.Suites[1].Failures, suites.Suites[2].Failures})
	require.Equal(t, []int{0, 0, n}, []int{suites.Suites[0].Skipped, suites.Suites[1].Skipped, suites.Suites[2].Skipped})

	lines := strings.Split(strings.TrimSpace(string(read("markdown"))), "\n")
	require.Len(t, lines, 5)
	require.Equal(t, "|---|---|---|", lines[1])
	for _, line := range lines {
		require.Equal(t, 4, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"), line)
	}
	require.NotContains(t, lines[3], "<b>")

	var table bytes.Buffer
	writeTable(&table, append(marks, newMark("\x1b[31mred\n", e, notSubmitted, "")))
	require.NotContains(t, table.String(), "\x1b")
	require.Equal(t, 5, strings.Count(table.String(), "\n"))
}

// What is no file stays what it is, and a link stays a link.
func TestMarksGoWhereTheyAreSent(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	hello := func(w io.Writer) error { _, err := io.WriteString(w, "hello"); return err }
	fifo, link, file := filepath.Join(dir, "fifo"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	require.NoError(t, unix.Mkfifo(fifo, 0o600))
	require.NoError(t, os.Symlink("file", link))
	require.NoError(t, os.WriteFile(file, []byte("before, and longer"), 0o600))

	r, err := os.OpenFile(fifo, os.O_RDWR, 0)
	require.NoError(t, err)
	defer r.Close()
	require.NoError(t, replaceFile(fifo, hello))
	got := make([]byte, 5)
	_, err = io.ReadFull(r, got)
	require.NoError(t, err)
	require.Equal(t, "hello", string(got))

	require.NoError(t, replaceFile(link, hello))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "hello", string(text))
	for name, want := range map[string]os.FileMode{fifo: os.ModeNamedPipe, link: os.ModeSymlink, file: 0} {
		info, err := os.Lstat(name)
		require.NoError(t, err)
		require.Equal(t, want, info.Mode().Type(), name)
	}
	require.Error(t, replaceFile(filepath.Join(dir, "nosuch", "file"), hello))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3)
}

// requireJUnit holds a file to the schema that Jenkins publishes for JUnit's format
// (junit-10.xsd of its xUnit plugin): which elements stand in which, with which attributes.
func requireJUnit(t *testing.T, text []byte) {
	t.Helper()
	type element struct {
		children, required, optional []string
		text                         bool
	}
	schema := map[string]element{
		"":           {children: []string{"testsuites", "testsuite"}},
		"testsuites": {children: []string{"testsuite"}, optional: []string{"name", "time", "tests", "failures", "disabled", "errors"}},
		"testsuite": {
			children: []string{"testsuite", "properties", "testcase", "system-out", "system-err"},
			required: []string{"name"},
			optional: []string{"tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url", "version"},
		},
		"testcase": {
			children: []string{"skipped", "error", "failure", "rerunFailure", "rerunError", "flakyFailure", "flakyError", "system-out", "system-err"},
			required: []string{"name"},
			optional: []string{"time", "classname", "group", "class", "file", "line", "log", "url", "assertions", "status"},
		},
		"skipped": {optional: []string{"type", "message"}, text: true},
		"error":   {optional: []string{"type", "message"}, text: true},
		"failure": {optional: []string{"type", "message"}, text: true},
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	open := []string{""}
	for {
		token, err := d.Token()
		if err == io.EOF {
			require.Len(t, open, 1)
			return
		}
		require.NoError(t, err)
		in := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			require.Contains(t, schema[in].children, name, "in %q", in)
			require.Contains(t, schema, name, "this test does not know it")
			var has []string
			for _, a := range token.Attr {
				has = append(has, a.Name.Local)
			}
			require.Subset(t, has, schema[name].required, name)
			require.Subset(t, slices.Concat(schema[name].required, schema[name].optional), has, name)
			open = append(open, name)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			require.True(t, schema[in].text || len(bytes.TrimSpace(token)) == 0, "text in %q", in)
		}
	}
}

// SOAK=1 marks a class of a hundred.
func TestAHundredSubmissions(t *testing.T) {
	if os.Getenv("SOAK") == "" {
		t.Skip("with SOAK=1 only: it takes minutes")
	}
	c := newClass(t)
	kinds := []struct{ text, wants string }{
		{c.read("solutions", "01-pipes", "answer.go"), "100"},
		{c.read("solutions", "01-pipes", "testdata", "wrong", "minus-one", "answer.go"), "85"},
		{c.read("exercises", "01-pipes", "testdata", "stub", "answer.go"), "not attempted"},
		{"package answer\n\nfunc (", "does not compile"},
		{c.read(attacks, "01-pipes", "flood", "answer.go"), "0"},
		{c.read(attacks, "01-pipes", "daemon", "answer.go"), "0"},
		{c.read(attacks, "grader", "kills-the-marker", "01-pipes", "answer.go"), "ended: signal: killed"},
		{c.read(attacks, "grader", "rewrites-the-suite", "01-pipes", "answer.go"), "ended: it has changed"},
		{c.read(attacks, "01-pipes", "refused-embed", "answer.go"), "refused"},
		{c.read(attacks, "01-pipes", "own-group", "answer.go"), "0"},
	}
	files, signals := kit.Confines()
	for i := range 100 {
		kind := kinds[i%len(kinds)]
		if files && signals && strings.HasPrefix(kind.wants, "ended: ") {
			kind.wants = "0" // what it tries fails
		}
		c.hands(fmt.Sprintf("student-%03d", i), kind.text+fmt.Sprintf("\n// %d\n", i), kind.wants)
	}
	first := c.marked("-j", "2")
	c.check(first)
	// Messages have pids and times in them.
	messages := cmpopts.IgnoreFields(Mark{}, "Message")
	require.Empty(t, cmp.Diff(first, c.marked("-j", "1", "-again"), messages, cmpopts.IgnoreFields(Line{}, "Message")))
}
