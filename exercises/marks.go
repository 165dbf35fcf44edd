package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"example.com/multiprocessing/05-events-locks/lock"
	"example.com/multiprocessing/exercises/kit"
)

// A Mark is what somebody gets for an exercise.
type Mark struct {
	Student  string `json:"student"`
	Exercise string `json:"exercise"`
	Points   int    `json:"points"`
	Of       int    `json:"of"`
	// Outcome is "marked", or why nothing was: "not submitted", "not attempted", "refused",
	// "does not compile", "ended" (it went over a limit, or crashed), "not yet marked".
	Outcome string `json:"outcome"`
	Message string `json:"message,omitempty"`
	Checks  []Line `json:"checks"`
}

// A Line of a mark is about one check.
type Line struct {
	Check   string   `json:"check"`
	Part    kit.Part `json:"part"`
	Points  int      `json:"points"`
	Of      int      `json:"of"`
	Passed  bool     `json:"passed"`
	Message string   `json:"message,omitempty"`
}

const (
	wasMarked    = "marked"
	notSubmitted = "not submitted"
	wasEnded     = "ended"
	notYetMarked = "not yet marked"
)

// newMark is a mark of nothing.
func newMark(student string, e kit.Exercise, outcome, message string) Mark {
	m := Mark{Student: student, Exercise: e.Name, Of: e.Points(""), Outcome: outcome, Message: message}
	for _, check := range e.Checks {
		m.Checks = append(m.Checks, Line{Check: check.Name, Part: check.Part, Of: check.Points})
	}
	return m
}

// note notes what a check has found.
func (m *Mark) note(n news) {
	for i := range m.Checks {
		line := &m.Checks[i]
		if line.Check != n.Check {
			continue
		}
		line.Passed, line.Message = n.Passed, n.Message
		if n.Passed {
			line.Points = line.Of
			m.Points += line.Of
		}
	}
}

// A journal keeps marks in a file while they are made, so that an interrupted run can go on,
// and a second run has nothing to do. A mark is found there by the answer, the exercise and
// the course: if any of them is another one, it is made anew.
type journal struct {
	mu    sync.Mutex
	file  *os.File
	lock  *lock.File // of this run
	marks map[string]Mark
}

type entry struct {
	Key  string `json:"key"`
	Mark Mark   `json:"mark"`
}

func openJournal(name string) (*journal, error) {
	l, err := lock.Open(name + ".lock")
	if err != nil {
		return nil, err
	}
	if _, err := l.TryAcquire(); err != nil {
		_ = l.Close()
		if errors.Is(err, lock.ErrHeld) {
			return nil, fmt.Errorf("another run keeps its marks in %s: wait until it has ended, or give this one a journal of its own with -journal", name)
		}
		return nil, err
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	j := &journal{file: file, lock: l, marks: map[string]Mark{}}
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // the end; a line without one was cut off when the program was killed
		}
		var e entry
		if json.Unmarshal(line, &e) == nil {
			j.marks[e.Key] = e.Mark
		}
	}
	// What was cut off must not become the beginning of the next line.
	_, err = file.WriteString("\n")
	return j, err
}

func (j *journal) find(key string) (Mark, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	m, ok := j.marks[key]
	return m, ok
}

func (j *journal) add(key string, m Mark) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	text, err := json.Marshal(entry{key, m})
	if err != nil {
		return err
	}
	j.marks[key] = m
	_, err = j.file.Write(append(text, '\n'))
	return err
}

// close writes the file anew, from what this process knows: an answer may have found it.
func (j *journal) close() error {
	defer j.lock.Close()
	var b bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(j.marks)) {
		text, err := json.Marshal(entry{key, j.marks[key]})
		if err != nil {
			return err
		}
		b.Write(append(text, '\n'))
	}
	return errors.Join(j.file.Close(), replaceFile(j.file.Name(), func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	}))
}

func digest(parts ...[]byte) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d\n", len(part))
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// A snapshot has the files of the course that decide about marks: all that is built, without
// solutions. It is taken before the first answer runs.
type snapshot struct {
	files  map[string][]byte
	digest string
}

func takeSnapshot(root string) (*snapshot, error) {
	files, err := sources(root)
	if err != nil {
		return nil, err
	}
	for name := range files {
		if dir, base := filepath.Split(name); filepath.Base(dir) == "answer" {
			// What the instructor has tried there is nobody's business.
			delete(files, name)
			stub, err := os.ReadFile(filepath.Join(root, filepath.Dir(filepath.Clean(dir)), "testdata", "stub", base))
			if err == nil {
				files[name] = stub
			}
		}
	}
	var parts [][]byte
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parts = append(parts, []byte(name), files[name])
	}
	return &snapshot{files, digest(parts...)}, nil
}

// sources reads what is built.
func sources(root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != root && strings.HasPrefix(base, ".") || base == "solutions" || base == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		// modules.txt: a copy that was made with export has a vendor folder.
		if slices.Contains([]string{".go", ".mod", ".sum", ".s", ".work"}, filepath.Ext(base)) || base == "modules.txt" {
			var relative string
			if relative, err = filepath.Rel(root, name); err == nil {
				files[relative], err = os.ReadFile(name)
			}
		}
		return err
	})
	return files, err
}

// restore makes the files in a folder what they are in the snapshot, and tells which were not.
func (s *snapshot) restore(root string) (changed []string, err error) {
	now, err := sources(root)
	if err != nil {
		return nil, err
	}
	for name := range now {
		if _, ok := s.files[name]; !ok {
			changed = append(changed, name)
			err = errors.Join(err, os.Remove(filepath.Join(root, name)))
		}
	}
	for name, text := range s.files {
		if is, ok := now[name]; !ok || !bytes.Equal(is, text) {
			changed = append(changed, name)
			file := filepath.Join(root, name)
			err = errors.Join(err, os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, text, 0o644))
		}
	}
	slices.Sort(changed)
	return changed, err
}
