package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"example.com/multiprocessing/05-events-locks/lock"
	"example.com/multiprocessing/exercises/kit"
)

// A grading is one run over all submissions.
type grading struct {
	*course
	submissions []submission
	exercises   []kit.Exercise
	limits      limits
	parallel    int
	again       bool
	confine     bool
	journal     *journal
	env         []string
	pristine    *snapshot
	alone       sync.RWMutex                 // held for writing by who must be the only one that marks
	helpers     map[string]map[string][]byte // the programs that its checks need, by exercise
	checking    sync.Mutex
	tampered    int // how often something was found changed; guarded by checking
	copyLock    *lock.File
	work        string // folder for the answers, removed at the end
	clear       func() // removes it
}

// grade marks the answers of a class.
func (c *course) grade(ctx context.Context, args []string) (err error) {
	g := &grading{course: c}
	flags := flag.NewFlagSet("grade", flag.ContinueOnError)
	flags.SetOutput(c.stderr)
	flags.Usage = func() {
		fmt.Fprint(c.stderr, `Marks the answers of a class. The folder has a folder, or a .zip, for each student; an answer
is called NN-name/answer/answer.go, NN/answer.go or NN-name.go, wherever it is in there.

The code of students is run, with your rights. It cannot change the marks of others, and it is
ended when it takes too much; but this is no sandbox. What strangers have written belongs in a
container, or in a throw-away account without a network.

`)
		flags.PrintDefaults()
	}
	dir := flags.String("submissions", "", "the `folder` with the submissions")
	only := flags.String("exercises", "", "which ones, as 01,02 (default: those that anybody has answered)")
	keep := flags.String("journal", "", "the `file` that keeps marks, so that a run can be interrupted and go on\n(default: grades.jsonl beside the folder)")
	flags.BoolVar(&g.again, "again", false, "mark what has a mark already")
	flags.IntVar(&g.parallel, "j", 1, "how many answers to mark at the same time")
	flags.DurationVar(&g.limits.time, "time", 5*time.Minute, "for one answer")
	flags.BoolVar(&g.confine, "confine", true, "keep an answer from changing files outside of its temporary folder, and from\ntouching other processes, where the system can (Linux with Landlock)")
	memory := flags.Int64("memory", 2048, "for one answer, with all its processes, in MiB")
	flags.IntVar(&g.limits.processes, "processes", 200, "of one answer at the same time")
	var outputs []output
	for _, f := range formats {
		flags.Func(f.flag, f.usage, func(path string) error {
			outputs = append(outputs, output{f.write, path})
			return nil
		})
	}
	if err := parse(flags, args); err != nil {
		return err
	}
	switch {
	case *dir == "":
		return fmt.Errorf("which submissions? grade -submissions DIR: %w", errUsage)
	case g.parallel < 1 || g.limits.time <= 0 || *memory < 1 || g.limits.processes < 1:
		return fmt.Errorf("-j, -time, -memory and -processes must be positive: %w", errUsage)
	}
	g.limits.memory = *memory << 20
	if g.submissions, err = readSubmissions(*dir); err != nil {
		return err
	}
	if *only != "" {
		g.exercises, err = chosen(strings.Split(*only, ","), g.submissions)
	} else {
		g.exercises, err = chosen(nil, g.submissions)
	}
	if err != nil {
		return err
	}
	if *keep == "" {
		*keep = filepath.Join(filepath.Dir(filepath.Clean(*dir)), "grades.jsonl")
	}
	if g.journal, err = openJournal(*keep); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.journal.close()) }()
	if err := g.prepare(); err != nil {
		return err
	}
	defer func() {
		g.clear()
		_ = g.copyLock.Close()
	}()
	marks, err := g.markAll(ctx)
	// Files are written in any case: an interrupted run has results, too.
	for _, o := range outputs {
		if werr := o.write(o.path, marks); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	writeTable(c.stdout, marks)
	if ctx.Err() != nil {
		return errors.Join(err, fmt.Errorf("interrupted; the same command goes on where this has stopped"))
	}
	return err
}

// prepare finds out what all markings have in common.
func (g *grading) prepare() (err error) {
	if g.pristine, err = takeSnapshot(g.root); err != nil {
		return err
	}
	copied, err := g.copyCourse()
	if err != nil {
		return err
	}
	g.course = &course{copied, filepath.Join(copied, "exercises"), g.stdout, g.stderr}
	if g.work, g.clear, err = temporary(); err != nil {
		return err
	}
	text, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		return err
	}
	paths := strings.Split(string(text), "\n")
	home := filepath.Join(g.work, "home")
	g.env = []string{
		// What a student, or a former one on this machine, has set with go env -w does not count.
		"GOFLAGS=", "GOENV=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOPROXY=off",
		"GOCACHE=" + paths[0], "GOMODCACHE=" + paths[1], "GOPATH=" + paths[2],
		"HOME=" + home, "XDG_CACHE_HOME=" + home, "XDG_CONFIG_HOME=" + home,
		"ANSWER=", "GRADE=",
	}
	return os.Mkdir(home, 0o700)
}

// copyCourse copies the course. Answers are built in the copy, so that whatever they do is not
// done to the instructor's, and there is no solution beside them. The copies are at the same
// places each time, since go build does much less then; each belongs to one run at a time.
func (g *grading) copyCourse() (copied string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		copied := filepath.Join(cache, "multiprocessing-in-go", fmt.Sprintf("graded-%s-%d", digest([]byte(g.root))[:16], n))
		if err := os.MkdirAll(copied, 0o700); err != nil {
			return "", err
		}
		if g.copyLock, err = lock.Open(copied + ".lock"); err != nil {
			return "", err
		}
		if _, err = g.copyLock.TryAcquire(); err == nil {
			_, err = g.pristine.restore(copied)
			return copied, err
		}
		_ = g.copyLock.Close()
		if !errors.Is(err, lock.ErrHeld) {
			return "", err
		}
	}
}

// A task is an answer that is to be marked.
type task struct {
	student  string
	exercise kit.Exercise
	text     []byte
	key      string // of its mark in the journal
	place    int    // of its mark among all
}

func (g *grading) markAll(ctx context.Context) ([]Mark, error) {
	var marks []Mark
	var tasks []task // what has no mark yet
	for _, s := range g.submissions {
		for _, e := range g.exercises {
			m, key, known := g.known(s, e)
			if !known {
				tasks = append(tasks, task{s.student, e, s.answers[e.Name], key, len(marks)})
			}
			marks = append(marks, m)
		}
	}
	if err := g.buildHelpers(tasks); err != nil {
		return marks, err
	}
	p := &progress{to: g.stderr, of: len(marks), known: len(marks) - len(tasks), began: time.Now()}
	p.show()
	var first error
	var mu sync.Mutex
	var wait sync.WaitGroup
	next := make(chan task)
	for range g.parallel {
		wait.Go(func() {
			for t := range next {
				m, err := g.markOne(ctx, t)
				mu.Lock()
				if err != nil && first == nil && ctx.Err() == nil {
					first = fmt.Errorf("%s, %s: not marked: %w", t.student, t.exercise.Name, err)
				}
				if err == nil && ctx.Err() == nil {
					marks[t.place] = m
					p.fresh++
					p.show()
				}
				mu.Unlock()
			}
		})
	}
	for _, t := range tasks {
		if ctx.Err() != nil {
			break
		}
		next <- t
	}
	close(next)
	wait.Wait()
	p.end()
	return marks, first
}

// buildHelpers builds what the checks of the tasks need beside the answers, before the first
// answer runs. The programs are kept in memory, where no answer can reach them.
func (g *grading) buildHelpers(tasks []task) error {
	g.helpers = map[string]map[string][]byte{}
	for _, t := range tasks {
		e := t.exercise
		if g.helpers[e.Name] != nil {
			continue
		}
		g.helpers[e.Name] = map[string][]byte{}
		dir := filepath.Join(g.work, "helpers-"+e.Name)
		files, err := kit.BuildHelpers(e, g.root, dir, g.env...)
		if err != nil {
			return err
		}
		for _, file := range files {
			if g.helpers[e.Name][filepath.Base(file)], err = os.ReadFile(file); err != nil {
				return err
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// known returns the mark of an answer that need not be marked. For any other one, the mark says
// that there is none yet, and the key is for the one to come.
func (g *grading) known(s submission, e kit.Exercise) (m Mark, key string, ok bool) {
	if why := s.bad[e.Name]; why != "" {
		return newMark(s.student, e, isRefused, why), "", true
	}
	text, ok := s.answers[e.Name]
	if !ok {
		return newMark(s.student, e, notSubmitted, ""), "", true
	}
	// Two students with the same answer get the same mark; each has an entry of his own.
	key = digest([]byte(s.student), []byte(e.Name), text, []byte(g.pristine.digest), fmt.Append(nil, g.limits, g.confine))
	if m, ok := g.journal.find(key); ok && !g.again {
		return m, key, true
	}
	return newMark(s.student, e, notYetMarked, ""), key, false
}

// markOne marks an answer, and keeps the mark in the journal.
func (g *grading) markOne(ctx context.Context, t task) (Mark, error) {
	g.alone.RLock()
	m, changed, suspect, err := g.run(ctx, t)
	g.alone.RUnlock()
	if suspect && g.parallel > 1 {
		// Which of those that were marked at the same time has done that, and which has
		// suffered from it? Once more, alone.
		g.alone.Lock()
		m, changed, _, err = g.run(ctx, t)
		g.alone.Unlock()
	}
	if len(changed) > 0 {
		m = newMark(t.student, t.exercise, wasEnded, fmt.Sprintf("it has changed what is not its own: %s", changed[0]))
	}
	if err != nil || ctx.Err() != nil {
		return m, err // it is marked when the run goes on
	}
	return m, g.journal.add(t.key, m)
}

// run marks an answer, and sees whether anything of the course has changed. The mark is suspect
// if so, also if somebody else has found that out meanwhile.
func (g *grading) run(ctx context.Context, t task) (m Mark, changed []string, suspect bool, err error) {
	dir, err := os.MkdirTemp(g.work, "a")
	if err != nil {
		return m, nil, false, err
	}
	defer os.RemoveAll(dir)
	// Beside the temporary folder of the marking, not in it: an answer that is confined cannot
	// change them.
	file, programs := filepath.Join(dir, "answer.go"), filepath.Join(dir, "programs")
	if err := errors.Join(os.WriteFile(file, t.text, 0o600), os.Mkdir(programs, 0o700)); err != nil {
		return m, nil, false, err
	}
	for name, program := range g.helpers[t.exercise.Name] {
		if err := os.WriteFile(filepath.Join(programs, name), program, 0o700); err != nil {
			return m, nil, false, err
		}
	}
	g.checking.Lock()
	before := g.tampered
	g.checking.Unlock()
	m = newMark(t.student, t.exercise, wasMarked, "")
	err = g.mark(ctx, job{Exercise: t.exercise.Name, File: file, Helpers: programs, Confine: g.confine}, g.env, g.limits, func(n news) {
		switch n.Kind {
		case isVerdict:
			m.note(n)
		case isEnd:
		default:
			m.Outcome, m.Message = n.Kind, n.Message
		}
	})
	if ended, ok := errors.AsType[endError](err); ok {
		m.Outcome, m.Message = wasEnded, ended.Error()
		err = nil
	}
	marking := err
	g.checking.Lock()
	defer g.checking.Unlock()
	changed, err = g.pristine.restore(g.root)
	if now, rerr := os.ReadFile(file); rerr != nil || !bytes.Equal(now, t.text) {
		changed = append(changed, "the answers")
	}
	if len(changed) > 0 {
		g.tampered++
	}
	return m, changed, g.tampered != before, errors.Join(marking, err)
}

// progress says how far it is, on stderr.
type progress struct {
	to        io.Writer
	of, known int
	fresh     int // that were not known before
	began     time.Time
}

func (p *progress) show() {
	marked, left := p.known+p.fresh, ""
	if p.fresh > 0 {
		each := time.Since(p.began) / time.Duration(p.fresh)
		left = fmt.Sprintf(", about %v left", (each * time.Duration(p.of-marked)).Round(time.Second))
	}
	fmt.Fprintf(p.to, "\r%d of %d%s   ", marked, p.of, left)
}

func (p *progress) end() { fmt.Fprintln(p.to) }
