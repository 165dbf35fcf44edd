package main

import (
	"archive/zip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"example.com/multiprocessing/exercises/kit"
)

// export makes a copy of the course to hand out.
func (c *course) export(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("export", flag.ContinueOnError)
	flags.SetOutput(c.stderr)
	flags.Usage = func() {
		fmt.Fprint(c.stderr, `Makes a copy of the course to hand out: lessons and exercises, without solutions, wrong versions
and attacks. What it needs from elsewhere is in it, so that it builds without a network and with
empty caches; all that a student needs is Go.

`)
		flags.PrintDefaults()
	}
	to := flags.String("o", "", "the `folder` to make, or the .zip")
	lesson := flags.String("lesson", "", "one lesson, `NN`, with what it imports and its exercise")
	forGradescope := flags.Bool("gradescope", false, "an autograder for Gradescope, with -lesson: it marks that exercise")
	if err := parse(flags, args); err != nil {
		return err
	}
	switch {
	case *to == "":
		return fmt.Errorf("export to where? export -o FOLDER, or -o FILE.zip: %w", errUsage)
	case *forGradescope && *lesson == "":
		return fmt.Errorf("an autograder marks one exercise: say -lesson NN, too: %w", errUsage)
	}
	if _, err := os.Lstat(*to); err == nil {
		return fmt.Errorf("%s is there already", *to)
	}
	chosen := exercises
	if *lesson != "" {
		e, err := find(*lesson)
		if err != nil {
			return err
		}
		chosen = []kit.Exercise{e}
	}
	dir := *to
	if strings.HasSuffix(dir, ".zip") {
		temporary, err := os.MkdirTemp("", "export")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		dir = filepath.Join(temporary, "multiprocessing")
	}
	b := &bundle{course: c, to: dir, files: map[string]bool{}}
	var err error
	if *forGradescope {
		b.to = filepath.Join(dir, "course")
		// The marking program needs all suites, and the stubs.
		if err = b.whole(); err == nil {
			err = writeAutograder(dir, chosen[0])
		}
	} else if *lesson != "" {
		err = b.one(ctx, chosen[0])
	} else {
		err = b.whole()
	}
	if err == nil {
		err = b.write(ctx)
	}
	if err == nil && dir != *to {
		from := filepath.Dir(dir) // so that all that is unpacked is in one folder
		if *forGradescope {
			from = dir // it looks for its scripts at the top
		}
		err = zipFolder(*to, dir, from)
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return err
	}
	fmt.Fprintf(c.stdout, "%s: %d files of the course, and what they need from elsewhere\n", *to, len(b.files))
	return nil
}

// A bundle is a copy that is being made.
type bundle struct {
	*course
	to    string
	files map[string]bool // with slashes, below root
}

// whole takes everything that a student may have.
func (b *bundle) whole() error {
	return b.add(".", func(string) bool { return true })
}

// add takes a folder, as far as a student may have it.
func (b *bundle) add(dir string, wanted func(name string) bool) error {
	return fs.WalkDir(os.DirFS(b.root), dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && !forStudents(name) {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() && forStudents(name) && wanted(name) {
			b.files[name] = true
		}
		return nil
	})
}

// forStudents tells whether students may have a file, or anything of a folder.
func forStudents(name string) bool {
	parts := strings.Split(name, "/")
	switch {
	case strings.HasPrefix(parts[0], ".") && parts[0] != ".devcontainer" && parts[0] != ".gitignore",
		parts[0] == "solutions":
		return false
	case parts[0] != "exercises":
		return true
	}
	base := parts[len(parts)-1]
	switch {
	case name == "exercises/kit/doctest", name == "exercises/kit/testdata": // they look at solutions, too
		return false
	case strings.HasSuffix(base, "_test.go") && (len(parts) == 2 || parts[1] == "kit"):
		return false
	}
	return !strings.HasPrefix(base, ".") // answers that reset has kept
}

// one takes a lesson and its exercise, and of the others the packages that these import.
func (b *bundle) one(ctx context.Context, e kit.Exercise) error {
	for _, dir := range []string{e.Name, "exercises/" + e.Name} {
		if err := b.add(dir, func(string) bool { return true }); err != nil {
			return err
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "LICENSE", "README.md", ".gitignore"} {
		b.files[name] = true
	}
	list := exec.CommandContext(ctx, "go", "list", "-deps", "-test", "-f", "{{if and .Module (not .ForTest)}}{{if .Module.Main}}{{.Dir}}{{end}}{{end}}",
		"./"+e.Name+"/...", "./exercises/"+e.Name+"/...")
	list.Dir, list.Stderr = b.root, b.stderr
	text, err := list.Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	for dir := range strings.Lines(string(text)) {
		relative, err := filepath.Rel(b.root, strings.TrimSuffix(dir, "\n"))
		if err != nil || strings.HasPrefix(relative, "..") {
			continue
		}
		dir := filepath.ToSlash(relative)
		err = b.add(dir, func(name string) bool {
			return path.Dir(name) == dir && path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

var link = regexp.MustCompile(`\[([^\]\n]*)\]\(([^)#\s:]+)(#[^)\s]*)?\)`)

// write writes the files, and what they need from elsewhere.
func (b *bundle) write(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(b.files)) {
		text, err := os.ReadFile(b.path(filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		dir, base := path.Split(name)
		if strings.HasPrefix(dir, "exercises/") && path.Base(dir) == "answer" {
			if base != "answer.go" {
				continue
			}
			if text, err = os.ReadFile(b.path("exercises", path.Base(path.Dir(path.Clean(dir))), "testdata", "stub", base)); err != nil {
				return err
			}
		}
		if path.Ext(name) == ".md" {
			text = b.withoutDeadLinks(dir, text)
		}
		file := filepath.Join(b.to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	vendor := exec.CommandContext(ctx, "go", "mod", "vendor")
	vendor.Dir = b.to
	vendor.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOTOOLCHAIN=local")
	var stderr strings.Builder
	vendor.Stderr = &stderr
	if err := vendor.Run(); err != nil {
		return fmt.Errorf("go mod vendor: %w: %s", err, stderr.String())
	}
	return nil
}

// withoutDeadLinks makes plain text of links to what is not in the bundle.
func (b *bundle) withoutDeadLinks(dir string, text []byte) []byte {
	return link.ReplaceAllFunc(text, func(all []byte) []byte {
		m := link.FindSubmatch(all)
		target := path.Join(dir, string(m[2]))
		for name := range b.files {
			if name == target || strings.HasPrefix(name, target+"/") {
				return all
			}
		}
		return m[1]
	})
}

// zipFolder writes a folder to a .zip, with names as they are seen from another one.
func zipFolder(file, dir, from string) error {
	return replaceFile(file, func(w io.Writer) error { return writeZip(w, dir, from) })
}

func writeZip(to io.Writer, dir, from string) error {
	z := zip.NewWriter(to)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		head, err := zip.FileInfoHeader(info) // with the mode, for scripts
		if err != nil {
			return err
		}
		head.Name, head.Method = filepath.ToSlash(relative), zip.Deflate
		w, err := z.CreateHeader(head)
		if err != nil {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
	return errors.Join(err, z.Close())
}
