package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"example.com/multiprocessing/exercises/kit"
)

// A submission is what somebody has handed in: the text of an answer for some exercises. It is
// read whole before anything of it runs, so no answer can change another one.
type submission struct {
	student string
	answers map[string][]byte // by the name of the exercise
	bad     map[string]string // why there is none, though there is something
}

const (
	answerLimit = 1 << 20 // bytes of an answer
	filesLimit  = 100_000 // files in a submission
)

// readSubmissions reads a folder that has a folder, or a .zip, for each student.
func readSubmissions(dir string) ([]submission, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the submissions: %w", err)
	}
	var all []submission
	for _, entry := range entries {
		name := entry.Name()
		s := submission{answers: map[string][]byte{}, bad: map[string]string{}}
		full := filepath.Join(dir, name)
		switch {
		case strings.HasPrefix(name, "."):
			continue
		case entry.IsDir():
			s.student = name
			err = s.read(os.DirFS(full))
		case strings.EqualFold(filepath.Ext(name), ".zip"):
			s.student = name[:len(name)-len(".zip")]
			err = s.readZip(full)
		default:
			continue // a list of names, perhaps
		}
		if err != nil { // theirs, not ours: everybody else is marked
			s.answers = nil
			for _, e := range exercises {
				s.bad[e.Name] = fmt.Sprintf("%s cannot be read: %v", name, err)
			}
		}
		if slices.ContainsFunc(all, func(other submission) bool { return other.student == s.student }) {
			return nil, fmt.Errorf("the submissions: there are two of %q", s.student)
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no submission in %s: it should have a folder, or a .zip, for each student", dir)
	}
	return all, nil
}

func (s *submission) readZip(name string) error {
	r, err := zip.OpenReader(name)
	if err != nil {
		return err
	}
	defer r.Close()
	return s.read(r)
}

// read looks for answers by their names. It follows no symbolic link.
func (s *submission) read(files fs.FS) error {
	count := 0
	found := map[string][]string{} // exercise → files
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if count++; count > filesLimit {
			return fmt.Errorf("it has more than %d files", filesLimit)
		}
		if base := d.Name(); d.IsDir() && (base == ".git" || base == "testdata" || base == "solutions" || base == "__MACOSX") {
			return fs.SkipDir
		}
		if e := exerciseOf(name); e != "" {
			found[e] = append(found[e], name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for exercise, names := range found {
		if len(names) > 1 {
			s.bad[exercise] = fmt.Sprintf("there are several answers: %s", strings.Join(names, ", "))
			continue
		}
		text, err := readAnswer(files, names[0])
		if err != nil {
			s.bad[exercise] = err.Error()
			continue
		}
		s.answers[exercise] = text
	}
	return nil
}

// exerciseOf tells which exercise a file is the answer to: NN-name/…/answer.go, NN/answer.go
// or NN-name.go, wherever they are.
func exerciseOf(name string) string {
	dir, base := path.Split(name)
	for _, e := range exercises {
		if base == e.Name+".go" || base == e.Name[:2]+".go" {
			return e.Name
		}
	}
	if base != "answer.go" {
		return ""
	}
	parts := strings.Split(dir, "/")
	slices.Reverse(parts) // the nearest folder counts
	for _, part := range parts {
		for _, e := range exercises {
			if part == e.Name || part == e.Name[:2] {
				return e.Name
			}
		}
	}
	return ""
}

func readAnswer(files fs.FS, name string) ([]byte, error) {
	info, err := fs.Lstat(files, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", name)
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, answerLimit+1)) // what a .zip says of a size may be a lie
	if err == nil && len(text) > answerLimit {
		err = fmt.Errorf("%s has more than %d bytes", name, answerLimit)
	}
	return text, err
}

// chosen are the exercises to mark: those that are named, or those that anybody has answered.
func chosen(names []string, all []submission) (some []kit.Exercise, err error) {
	if len(names) > 0 {
		for _, name := range names {
			e, err := find(strings.TrimSpace(name))
			if err != nil {
				return nil, err
			}
			some = append(some, e)
		}
		return some, nil
	}
	for _, e := range exercises {
		if slices.ContainsFunc(all, func(s submission) bool { return s.answers[e.Name] != nil || s.bad[e.Name] != "" && s.answers != nil }) {
			some = append(some, e)
		}
	}
	if len(some) == 0 {
		return nil, errors.New("nobody has handed in an answer: an answer is called NN-name/answer/answer.go, NN/answer.go or NN-name.go")
	}
	return some, nil
}
