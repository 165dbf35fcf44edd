// Package doctest holds READMEs to the truth. A README that shows code shows the
// code that is there; one that shows a command and its output shows what the
// command prints; one that links to a file links to one that exists.
//
// How a block is read:
//
//   - A Go block begins with a comment that names its file, and maybe a
//     declaration in it: "// 01-pipes/scene_talk.go talk". With a declaration the
//     block is that declaration, whole, without its doc comment. Without one its
//     lines stand in the file one after the other; indentation may differ.
//   - In a console block each line that begins with "$ " is a command, and the
//     lines up to the next one are its output, on stdout and stderr together. It
//     is run with sh in the root of the course and must succeed.
//
// Comments before a block change this:
//
//	<!-- not run: why -->      the block is for people
//	<!-- fails -->             the command must not succeed
//	<!-- unordered -->         the lines of the output may come in any order
//	<!-- vary: REGEXP -->      what matches may be different each time
//
// Numbers after "pid" and "about", and times, may differ anyway, and so may the
// number of spaces between words.
package doctest

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A Block is a fenced block of a README.
type Block struct {
	Line       int
	Language   string
	Text       string
	Directives []string
}

var directive = regexp.MustCompile(`^<!--\s*(.*?)\s*-->$`)

// Blocks returns the fenced blocks of a Markdown text.
func Blocks(text string) []Block {
	var blocks []Block
	var directives []string
	var open *Block
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case open != nil && trimmed == "```":
			blocks = append(blocks, *open)
			open, directives = nil, nil
		case open != nil:
			open.Text += line + "\n"
		case strings.HasPrefix(trimmed, "```"):
			open = &Block{Line: i + 1, Language: strings.TrimPrefix(trimmed, "```"), Directives: directives}
		case directive.MatchString(trimmed):
			directives = append(directives, directive.FindStringSubmatch(trimmed)[1])
		case trimmed != "":
			directives = nil
		}
	}
	return blocks
}

func (b Block) has(name string) bool {
	return slices.ContainsFunc(b.Directives, func(d string) bool { return d == name || strings.HasPrefix(d, name+":") })
}

// Check checks one README. Both paths are relative to nothing but the working
// directory; file lies below root.
func Check(t *testing.T, root, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range Links(root, file, string(text)) {
		t.Error(problem)
	}
	for _, b := range Blocks(string(text)) {
		where := fmt.Sprintf("%s:%d", file, b.Line)
		switch b.Language {
		case "go":
			if err := CheckGo(root, b); err != nil {
				t.Errorf("%s: %v", where, err)
			}
		case "console":
			if b.has("not run") {
				continue
			}
			t.Run(fmt.Sprintf("line %d", b.Line), func(t *testing.T) {
				if err := CheckConsole(t.Context(), root, b); err != nil {
					t.Errorf("%s: %v", where, err)
				}
			})
		case "sh", "bash", "shell":
			t.Errorf("%s: write commands in a console block, each behind $", where)
		}
		for _, d := range b.Directives {
			name, argument, _ := strings.Cut(d, ":")
			switch {
			case name == "not run" && strings.TrimSpace(argument) == "":
				t.Errorf("%s: not run, but why?", where)
			case !slices.Contains([]string{"not run", "fails", "unordered", "vary"}, name):
				t.Errorf("%s: unknown directive %q", where, d)
			}
		}
	}
}

// CheckGo compares a Go block with the file that it names.
func CheckGo(root string, b Block) error {
	head, body, _ := strings.Cut(b.Text, "\n")
	fields := strings.Fields(strings.TrimPrefix(head, "//"))
	if !strings.HasPrefix(head, "// ") || len(fields) < 1 || len(fields) > 2 || !strings.HasSuffix(fields[0], ".go") {
		return fmt.Errorf("a Go block begins with the file that it shows: // path/file.go [declaration]")
	}
	path := fields[0]
	if rest, ok := strings.CutSuffix(path, "/answer/answer.go"); ok {
		path = rest + "/testdata/stub/answer.go" // the learner may have written the other already
	}
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return err
	}
	if len(fields) == 2 {
		want, err := declaration(text, fields[1])
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if want != strings.TrimSpace(body) {
			return fmt.Errorf("%s in %s is different now:\n%s", fields[1], path, want)
		}
		return nil
	}
	if !strings.Contains(flat(string(text)), flat(body)) {
		return fmt.Errorf("these lines do not stand in %s one after the other", path)
	}
	return nil
}

// flat removes the indentation, so that a part of a function can be shown as if
// it were not inside one.
func flat(text string) string {
	var b strings.Builder
	b.WriteString("\n")
	for line := range strings.Lines(strings.Trim(text, "\n") + "\n") {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}

// declaration returns the source of a function, method (Type.Name) or type.
func declaration(source []byte, name string) (string, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", source, parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	for _, d := range file.Decls {
		found := ""
		switch d := d.(type) {
		case *ast.FuncDecl:
			found = d.Name.Name
			if d.Recv != nil {
				receiver := d.Recv.List[0].Type
				if star, ok := receiver.(*ast.StarExpr); ok {
					receiver = star.X
				}
				if id, ok := receiver.(*ast.Ident); ok {
					found = id.Name + "." + found
				}
			}
		case *ast.GenDecl:
			if spec, ok := d.Specs[0].(*ast.TypeSpec); ok {
				found = spec.Name.Name
			}
		}
		if found == name {
			return string(source[set.Position(d.Pos()).Offset:set.Position(d.End()).Offset]), nil
		}
	}
	return "", fmt.Errorf("there is no declaration of %s", name)
}

// patience is a hang detector.
const patience = 3 * time.Minute

// CheckConsole runs the commands of a console block and compares what they print.
func CheckConsole(ctx context.Context, root string, b Block) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if !strings.HasPrefix(b.Text, "$ ") {
		return fmt.Errorf("a console block begins with a command behind $")
	}
	for part := range strings.SplitSeq("\n"+strings.TrimSuffix(b.Text, "\n"), "\n$ ") {
		command, want, _ := strings.Cut(part, "\n")
		if command == "" {
			continue
		}
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, "sh", "-c", command)
		cmd.Dir = root
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.WaitDelay = time.Second
		err := cmd.Run()
		if failed := err != nil; failed != b.has("fails") {
			return fmt.Errorf("$ %s\n%v\n%s", command, err, out.String())
		}
		want, err = b.normal(want)
		if err != nil {
			return err
		}
		got, err := b.normal(out.String())
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("$ %s\nprints\n%s\nand the README says\n%s", command, got, want)
		}
	}
	return nil
}

var varying = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`\b(pid|about) \d+`), "$1 N"},
	{regexp.MustCompile(`\b\d+(\.\d+)? ?(ns|µs|ms|s)\b`), "TIME"},
	{regexp.MustCompile(`[ \t]+`), " "},
}

// normal replaces what may differ.
func (b Block) normal(output string) (string, error) {
	for _, d := range b.Directives {
		if expression, ok := strings.CutPrefix(d, "vary:"); ok {
			re, err := regexp.Compile(strings.TrimSpace(expression))
			if err != nil {
				return "", err
			}
			output = re.ReplaceAllString(output, "VARIES")
		}
	}
	for _, v := range varying {
		output = v.re.ReplaceAllString(output, v.to)
	}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	if b.has("unordered") {
		slices.Sort(lines)
	}
	return strings.Join(lines, "\n"), nil
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+\s+(.*)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	inCode  = regexp.MustCompile("`[^`\n]*`")
	notWord = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// Links returns a line for each link of the text that leads nowhere. Links to
// other places on the net are not followed.
func Links(root, file, text string) []string {
	var problems []string
	prose := inCode.ReplaceAllString(fenced.ReplaceAllString(text, ""), "") // f[T](x) is no link
	for _, m := range link.FindAllStringSubmatch(prose, -1) {
		target := m[1]
		if strings.HasPrefix(target, "https://") || strings.HasPrefix(target, "http://127.0.0.1") {
			continue
		}
		path, anchor, _ := strings.Cut(target, "#")
		at := file
		if path != "" {
			at = filepath.Join(filepath.Dir(file), path)
		}
		info, err := os.Stat(at)
		if err != nil || filepath.IsAbs(path) {
			problems = append(problems, fmt.Sprintf("%s: the link %s leads nowhere", file, target))
			continue
		}
		if inside, err := filepath.Rel(root, at); err != nil || strings.HasPrefix(inside, "..") {
			problems = append(problems, fmt.Sprintf("%s: the link %s leads out of the course", file, target))
		}
		if anchor != "" && !info.IsDir() && !hasAnchor(at, anchor) {
			problems = append(problems, fmt.Sprintf("%s: %s has no heading for #%s", file, at, anchor))
		}
	}
	return problems
}

// hasAnchor knows how GitHub makes an anchor of a heading.
func hasAnchor(file, anchor string) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
		name := notWord.ReplaceAllString(strings.ToLower(m[1]), "")
		if strings.ReplaceAll(strings.TrimSpace(name), " ", "-") == anchor {
			return true
		}
	}
	return false
}
