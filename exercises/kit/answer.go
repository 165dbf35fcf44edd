package kit

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// module is the import path of the course.
const module = "example.com/multiprocessing"

// An answer is the file to mark, and where it belongs.
type answer struct {
	root  string // of the course
	place string // exercises/NN-name/answer/answer.go, absolute
	file  string // the file to mark, absolute; the same unless ANSWER is set

	helpers string   // a folder with the helpers, or empty: build them
	env     []string // for go, beside this process's own
}

func findAnswer(e Exercise, file string) (answer, error) {
	root, err := moduleRoot()
	if err != nil {
		return answer{}, err
	}
	a := answer{root: root, place: filepath.Join(root, "exercises", e.Name, "answer", "answer.go")}
	a.file = a.place
	if file != "" {
		if _, err := os.Stat(file); err != nil && !filepath.IsAbs(file) {
			// go test runs in the exercise's folder, and who has given the path was
			// most likely in the root.
			file = filepath.Join(root, file)
		}
		if a.file, err = filepath.Abs(file); err != nil {
			return answer{}, err
		}
	}
	if a.file, err = filepath.EvalSymlinks(a.file); err != nil {
		return answer{}, fmt.Errorf("there is no answer to mark: %w", err)
	}
	info, err := os.Stat(a.file)
	if err != nil {
		return answer{}, fmt.Errorf("there is no answer to mark: %w", err)
	}
	if !info.Mode().IsRegular() {
		return answer{}, fmt.Errorf("there is no answer to mark: %s is not a file", a.file)
	}
	return a, nil
}

// Root returns the folder of the course, which must be the working directory or above it.
func Root() (string, error) { return moduleRoot() }

// moduleRoot returns the folder with go.mod. go test runs a test in its
// package's folder, so it is above. Symbolic links are resolved: go build replaces
// a file (-overlay) only under the name that it has for it, and without a word
// builds the stub otherwise.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module "+module+"\n") {
			return at, nil
		}
		if filepath.Dir(at) == at {
			return "", fmt.Errorf("%s is not inside the course (no go.mod of module %s above it)", dir, module)
		}
	}
}

// A Refusal says why an answer was not even built.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

// inspect refuses what an answer may not contain. It reads the file as the
// compiler would; building or running it comes later.
func (a answer) inspect(e Exercise) error {
	text, err := os.ReadFile(a.file)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), a.file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil // the compiler says it better
	}
	if file.Name.Name != "answer" {
		return &Refusal{fmt.Sprintf("the answer must be of package answer; this file is of package %s", file.Name.Name)}
	}
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil
		}
		if why := e.refuseImport(path); why != "" {
			return &Refusal{fmt.Sprintf("the answer may not import %q: %s", path, why)}
		}
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			for _, directive := range []string{"//go:linkname", "//go:embed", "//go:build", "// +build", "//go:cgo_"} {
				// An answer that needs Unix may say so. It is marked there.
				if strings.HasPrefix(c.Text, directive) && (c.Text != "//go:build unix" || e.Needs != "unix") {
					return &Refusal{fmt.Sprintf("the answer may not contain %s", directive)}
				}
			}
		}
	}
	if a.file != a.place {
		return nil // only this one file is taken
	}
	entries, err := os.ReadDir(filepath.Dir(a.place))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if name != "answer.go" && !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, ".") {
			return &Refusal{fmt.Sprintf("the answer is the one file answer.go; move what is in %s into it", name)}
		}
	}
	return nil
}

func (e Exercise) refuseImport(path string) string {
	first, _, _ := strings.Cut(path, "/")
	switch {
	case path == "C" || path == "unsafe" || path == "plugin":
		return "it lets code do what no check could see"
	case path == module+"/exercises/kit" || slices.Contains(e.Imports, path):
		return ""
	case strings.HasPrefix(path, module+"/solutions"):
		return "that is the solution"
	case strings.HasPrefix(path, module+"/"):
		return "it is not on the list of the exercise's README; the point is to write it yourself"
	case first == "testing":
		return "tests belong beside the answer, not into it"
	case strings.Contains(first, "."):
		return "only the standard library and the packages on the list of the exercise's README"
	}
	return ""
}

// programs builds the driver around the answer, and the helpers unless they are built.
func (a answer) programs(e Exercise, dir string) (map[string]string, error) {
	overlay := filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {a.place: a.file}})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return nil, err
	}
	if testLogs() {
		if err := a.declareInputs(e); err != nil {
			return nil, err
		}
	}
	driverDir := cmp.Or(a.stableDir(a.file), dir)
	programs, errs := map[string]string{}, []error(nil)
	var mu sync.Mutex
	var builds sync.WaitGroup
	build := func(program string, do func() (string, error)) {
		builds.Go(func() {
			at, err := do()
			mu.Lock()
			defer mu.Unlock()
			programs[program], errs = at, append(errs, err)
		})
	}
	build(e.Driver, func() (string, error) { return a.build(e.Driver, driverDir, overlay) })
	for _, p := range e.Helpers {
		build(p, func() (string, error) { return a.helper(p, dir) })
	}
	builds.Wait()
	return programs, errors.Join(errs...)
}

// helper finds a program that has no answer in it, or builds it.
func (a answer) helper(program, dir string) (string, error) {
	if a.helpers != "" {
		return filepath.EvalSymlinks(filepath.Join(a.helpers, fileOf(program)))
	}
	if stable := a.stableDir("helpers"); stable != "" {
		return once(a.root+program, func() (string, error) { return a.build(program, stable, "") })
	}
	return a.build(program, dir, "")
}

// BuildHelpers builds the helpers of an exercise into a folder, from the course at root and
// with these additions to the environment, and returns their names. They are the same for all
// answers.
func BuildHelpers(e Exercise, root, dir string, env ...string) (files []string, err error) {
	for _, p := range e.Helpers {
		file, err := answer{root: root, env: env}.build(p, dir, "")
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// fileOf is what a program, "./exercises/NN-name/program", is called when it is built.
func fileOf(program string) string {
	return strings.ReplaceAll(strings.TrimPrefix(program, "./exercises/"), "/", "-")
}

var done sync.Map // what once has done: key → func() (string, error)

// once does something once in this process, and returns what came of it.
func once(key string, do func() (string, error)) (string, error) {
	f, _ := done.LoadOrStore(key, sync.OnceValues(do))
	return f.(func() (string, error))()
}

// build builds one program, with the answer in it if there is an overlay that puts it there.
// It returns the name that the kernel will show: a home or temporary folder may be a symbolic
// link.
func (a answer) build(program, dir, overlay string) (string, error) {
	out := filepath.Join(dir, fileOf(program))
	// Without what a debugger needs it takes a quarter less time.
	args := []string{"build", "-buildvcs=false", "-ldflags=-w", "-o", out}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
		if raceEnabled {
			args = append(args, "-race")
		}
	} else {
		// A helper is started by the answer, with an environment of its choice: there must be
		// no dynamic linker in it that LD_PRELOAD could speak to.
		a.env = append(slices.Clone(a.env), "CGO_ENABLED=0")
	}
	if _, err := a.goCommand(append(args, program)...); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(out)
}

// stableDir is where programs for something of an answer inside the course go. It is the
// same each time, because go build is four times as fast when it finds its own work at the
// place where it is to put it; and one per package that asks, because a program cannot be
// replaced while it runs. It is empty for other answers and without a cache directory, and
// where there are marks to win: an answer could leave a program there for the next marking.
func (a answer) stableDir(what string) string {
	cache, err := os.UserCacheDir()
	asker, err2 := os.Getwd()
	if err != nil || err2 != nil || os.Getenv("GRADE") != "" || !strings.HasPrefix(a.file, a.root+string(filepath.Separator)) {
		return ""
	}
	dir := filepath.Join(cache, "multiprocessing-in-go", hash(what, a.root, asker, fmt.Sprint(raceEnabled)))
	if os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	return dir
}

// A BuildError is what the compiler said.
type BuildError struct{ Output string }

func (b *BuildError) Error() string { return "the answer does not compile:\n" + Quote(b.Output) }

func (a answer) goCommand(args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = a.root
	// A workspace or a downloaded toolchain would build something else than
	// what is in front of us.
	cmd.Env = slices.Concat(os.Environ(), a.env, []string{"GOWORK=off", "GOTOOLCHAIN=local"})
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		// Compiler and linker are short-lived: without collecting what they will never
		// use again they are a fifth faster, and 256 MiB is more than they need here.
		cmd.Env = append(cmd.Env, "GOGC=off", "GOMEMLIMIT=256MiB")
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, &BuildError{strings.ReplaceAll(stderr.String(), a.file, filepath.Base(a.file))}
	}
	return out, err
}

// testLogs reports whether go test wants to know which files this process looks at. It
// does not ask the processes that a test starts.
func testLogs() bool {
	f := flag.Lookup("test.testlogfile")
	return f != nil && f.Value.String() != ""
}

// declareInputs looks at every file that the programs are built from. go test
// repeats a verdict without running anything when the test has not changed, and
// it does not know that this test builds programs; but it does notice which
// files the test has looked at.
func (a answer) declareInputs(e Exercise) error {
	_, err := once(a.root+e.Name, func() (string, error) {
		// With all that an answer may import. What stands in the learner's place may be
		// broken (-e).
		out, err := a.goCommand(slices.Concat([]string{"list", "-e", "-deps", "-f",
			`{{if not .Standard}}{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{end}}`, e.Driver}, e.Helpers, e.Imports)...)
		for file := range strings.Lines(string(out)) {
			_, _ = os.Stat(strings.TrimSuffix(file, "\n"))
		}
		return "", err
	})
	if err != nil {
		return err
	}
	// It notices only files inside the module, by the look of their names. So
	// an answer from elsewhere gets a name that begins inside.
	up := strings.Repeat(".."+string(filepath.Separator), 50)
	name := a.file
	if a.file != a.place {
		name = a.root + string(filepath.Separator) + up + strings.TrimPrefix(a.file, filepath.VolumeName(a.file)+string(filepath.Separator))
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open the answer under the name %s: %w", name, err)
	}
	return f.Close()
}
