package main

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
)

// An output is a file, or a folder, to which marks are written.
type output struct {
	write func(path string, marks []Mark) error
	path  string
}

var formats = []struct {
	flag, usage string
	write       func(path string, marks []Mark) error
}{
	{"csv", "write the points to a `file`, a line for each student", toFile(writeCSV)},
	{"json", "write everything to a `file`", toFile(writeJSON)},
	{"gradescope", "write STUDENT/results.json for each student into a `folder`", writeGradescope},
	{"junit", "write all checks to a `file`, for a CI", toFile(writeJUnit)},
	{"markdown", "write a table to a `file`, for the summary of a CI", toFile(writeMarkdown)},
}

func toFile(write func(w io.Writer, marks []Mark) error) func(path string, marks []Mark) error {
	return func(path string, marks []Mark) error {
		return replaceFile(path, func(w io.Writer) error { return write(w, marks) })
	}
}

// replaceFile writes a file, beside it first: whoever reads it finds the old one or the new
// one, and no half. What is no file, as /dev/stdout or a named pipe, is written to as it is: a
// rename would put a file in its place, and root could do that to /dev/null too.
func replaceFile(path string, write func(w io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link stays one
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new")
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// byStudent cuts marks, which are in order, into those of each student.
func byStudent(marks []Mark) (each [][]Mark) {
	for i, m := range marks {
		if i == 0 || m.Student != marks[i-1].Student {
			each = append(each, nil)
		}
		each[len(each)-1] = append(each[len(each)-1], m)
	}
	return each
}

func sum(marks []Mark) (points, of int) {
	for _, m := range marks {
		points += m.Points
		of += m.Of
	}
	return points, of
}

// cell is the points, or why there are none.
func (m Mark) cell() string {
	if m.Outcome == wasMarked {
		return strconv.Itoa(m.Points)
	}
	if m.Points > 0 {
		return fmt.Sprintf("%d (%s)", m.Points, m.Outcome)
	}
	return m.Outcome
}

// rows are a table, with a head, and in each cell what cell says.
func rows(marks []Mark, cell func(Mark) string) (all [][]string) {
	for i, each := range byStudent(marks) {
		if i == 0 {
			head := []string{"student"}
			for _, m := range each {
				head = append(head, m.Exercise)
			}
			all = append(all, append(head, "sum"))
		}
		row := []string{each[0].Student}
		for _, m := range each {
			row = append(row, cell(m))
		}
		points, _ := sum(each)
		all = append(all, append(row, strconv.Itoa(points)))
	}
	return all
}

func writeTable(w io.Writer, marks []Mark) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows(marks, Mark.cell) {
		for i, cell := range row {
			row[i] = printable(cell)
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	_ = t.Flush()
}

// printable makes what a student has chosen, such as the name of a folder, harmless.
func printable(text string) string {
	quoted := strconv.QuoteToGraphic(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// writeCSV writes numbers only, see RFC 4180: what is not marked is 0, and the JSON says why.
func writeCSV(w io.Writer, marks []Mark) error {
	c := csv.NewWriter(w)
	for i, row := range rows(marks, func(m Mark) string { return strconv.Itoa(m.Points) }) {
		if i > 0 && strings.ContainsAny(row[0][:1], "=+-@\t\r") {
			row[0] = "'" + row[0] // or a spreadsheet would take it for a formula
		}
		_ = c.Write(row)
	}
	c.Flush()
	return c.Error()
}

func writeJSON(w io.Writer, marks []Mark) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Marks []Mark `json:"marks"`
	}{marks})
}

// gradescope is results.json as Gradescope's autograder specification has it.
type gradescope struct {
	Score      int              `json:"score"`
	Output     string           `json:"output"`
	Visibility string           `json:"visibility"`
	Tests      []gradescopeTest `json:"tests"`
}

type gradescopeTest struct {
	Score      int    `json:"score"`
	MaxScore   int    `json:"max_score"`
	Status     string `json:"status"`
	Name       string `json:"name"`
	Output     string `json:"output"`
	Visibility string `json:"visibility"`
}

func newGradescope(marks []Mark) gradescope {
	g := gradescope{Visibility: "visible", Tests: []gradescopeTest{}}
	g.Score, _ = sum(marks)
	var says []string
	for _, m := range marks {
		text := fmt.Sprintf("%s: %d of %d points, %s", m.Exercise, m.Points, m.Of, m.Outcome)
		if m.Message != "" {
			text += ": " + m.Message
		}
		says = append(says, text)
		for _, line := range m.Checks {
			status := "failed"
			if line.Passed {
				status = "passed"
			}
			g.Tests = append(g.Tests, gradescopeTest{line.Points, line.Of, status, m.Exercise + "/" + line.Check, line.Message, "visible"})
		}
	}
	g.Output = strings.Join(says, "\n")
	return g
}

func writeGradescope(dir string, marks []Mark) error {
	for _, each := range byStudent(marks) {
		own := filepath.Join(dir, each[0].Student) // it was the name of a file, so it has no slash
		if err := os.MkdirAll(own, 0o755); err != nil {
			return err
		}
		err := replaceFile(filepath.Join(own, "results.json"), func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(newGradescope(each))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// What follows is the XML of JUnit's Ant task, as CI servers read it.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Skipped *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func writeJUnit(w io.Writer, marks []Mark) error {
	all := junitSuites{}
	for _, m := range marks {
		s := junitSuite{Name: m.Student + "/" + m.Exercise}
		for _, line := range m.Checks {
			one := junitCase{Class: m.Student + "." + m.Exercise, Name: line.Check, Time: "0"}
			s.Tests++
			switch {
			case line.Passed:
			case m.Outcome == wasMarked || m.Outcome == wasEnded:
				s.Failures++
				one.Failure = &junitMessage{fmt.Sprintf("0 of %d points", line.Of), line.Message}
			default:
				s.Skipped++
				one.Skipped = &junitMessage{m.Outcome, m.Message}
			}
			s.Cases = append(s.Cases, one)
		}
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func writeMarkdown(w io.Writer, marks []Mark) error {
	var b strings.Builder
	for i, row := range rows(marks, Mark.cell) {
		for j, cell := range row {
			row[j] = strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "'", "[", `\[`).Replace(printable(cell))
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
