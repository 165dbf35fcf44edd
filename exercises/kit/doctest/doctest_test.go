package doctest

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const root = "../../.."

// TestREADMEs checks every README of the course.
func TestREADMEs(t *testing.T) {
	if testing.Short() {
		t.Skip("not in -short: runs the commands of all READMEs")
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh here to run the commands with")
	}
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		switch {
		case d.Name() == "README.md":
			files = append(files, path)
		case filepath.Ext(path) == ".go":
			// What the commands are built from: go test repeats an old verdict
			// unless it has seen us look at these.
			_, err = os.Stat(path)
		}
		return err
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 4)
	t.Cleanup(leaktest.ReapOrphans) // some scenes kill a parent
	for _, file := range files {
		name, err := filepath.Rel(root, file)
		require.NoError(t, err)
		t.Run(strings.ReplaceAll(name, string(filepath.Separator), "-"), func(t *testing.T) {
			t.Parallel() // the programs of the lessons wait most of the time
			Check(t, root, file)
		})
	}
}

func TestBlocks(t *testing.T) {
	blocks := Blocks("text\n\n<!-- vary: x+ -->\n<!-- unordered -->\n\n```console\n$ echo a\na\n```\n<!-- not run: a server -->\nbut text comes between\n```go\n// f.go\n```\n")
	require.Equal(t, []Block{
		{6, "console", "$ echo a\na\n", []string{"vary: x+", "unordered"}},
		{12, "go", "// f.go\n", nil},
	}, blocks)
}

func TestGoBlocks(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "f.go"), []byte(`package f

// T has a doc comment.
type T struct{ a int }

// F too.
func F() int {
	if true {
		return 1
	}
	return 2
}

func (t *T) M() {}
`), 0o600))
	for block, want := range map[string]string{
		"// f.go F\nfunc F() int {\n\tif true {\n\t\treturn 1\n\t}\n\treturn 2\n}\n": "",
		"// f.go T\ntype T struct{ a int }\n":                                        "",
		"// f.go T.M\nfunc (t *T) M() {}\n":                                          "",
		"// f.go\nif true {\n\treturn 1\n}\n":                                        "",
		"// f.go\nreturn 1\nreturn 2\n":                                              "do not stand in f.go",
		"// f.go F\nfunc F() int { return 1 }\n":                                     "F in f.go is different now",
		"// f.go G\nfunc G() {}\n":                                                   "no declaration of G",
		"// g.go\nx\n":                                                               "g.go",
		"func F() int {\n":                                                           "begins with the file that it shows",
		"// see below\nfunc F() int {\n":                                             "begins with the file that it shows",
	} {
		err := CheckGo(dir, Block{Text: block})
		if want == "" {
			require.NoError(t, err, block)
		} else {
			require.ErrorContains(t, err, want, block)
		}
	}
}

func TestConsoleBlocks(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh here")
	}
	for _, test := range []struct {
		text       string
		directives []string
		want       string
	}{
		{"$ echo hello\nhello\n", nil, ""},
		{"$ echo hello\n$ echo   you\nyou\n", nil, "prints\nhello\nand the README says\n"},
		{"$ echo pid $$, about 7, 12ms and 3.5s\npid 1, about 9, 1ms and 2s\n", nil, ""},
		{"$ echo b; echo a\na\nb\n", []string{"unordered"}, ""},
		{"$ echo b; echo a\na\nb\n", nil, "and the README says"},
		{"$ echo port $$\nport 7\n", []string{`vary: port \d+`}, ""},
		{"$ echo oops >&2; exit 3\noops\n", []string{"fails"}, ""},
		{"$ exit 3\n", nil, "exit status 3"},
		{"$ true\n", []string{"fails"}, "<nil>"},
		{"echo\n", nil, "begins with a command"},
	} {
		err := CheckConsole(t.Context(), t.TempDir(), Block{Text: test.text, Directives: test.directives})
		if test.want == "" {
			require.NoError(t, err, test.text)
		} else {
			require.ErrorContains(t, err, test.want, test.text)
		}
	}
}

func TestLinks(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "README.md")
	text := "# A Title, with `code`!\n[up](#a-title-with-code) [file](there.md) [it](there.md#so-it-is) [net](https://example.com) `f[T](x)` [`code`](there.md)\n```\n[no](link)\n```\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "there.md"), []byte("## So it is\n"), 0o600))
	require.Empty(t, Links(dir, file, text))
	for _, bad := range []string{"[x](gone.md)", "[x](there.md#gone)", "[x](../..)", "[x](/etc/passwd)", "[x](#gone)"} {
		require.Len(t, Links(dir, file, bad), 1, bad)
	}
}
