package doctest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/exercises/kit"
)

// How many of each there are: R01-01 to R01-15, and so on. E11 and E15 do not exist.
var shown = map[string]int{"R01": 15, "R02": 13, "R03": 36, "R04": 29, "R05": 13, "R06": 7, "R07": 16, "R08": 15}

// Everything that the course must show is shown somewhere: by a test that exists, a scene that
// exists, or a sentence that is there.
func TestEverythingIsShown(t *testing.T) {
	const root = "../../.."
	source, err := os.ReadFile("testdata/shown.txt")
	require.NoError(t, err)
	want := map[string]bool{}
	for lesson, n := range shown {
		for i := 1; i <= n; i++ {
			want[fmt.Sprintf("%s-%02d", lesson, i)] = true
		}
	}
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 16, 17, 18, 19} {
		want[fmt.Sprintf("E%d", n)] = true
	}
	var page strings.Builder
	page.WriteString("# What the course shows, and where\n\nMade from [`shown.txt`](testdata/shown.txt) with `UPDATE=1 go test ./exercises/kit/doctest`, which also sees to it that each of these places exists.\nR and a number is a behaviour, by lesson; E is a mistake that other tutorials make, and that is made right here.\n\n| | what | where |\n|---|---|---|\n")
	for line := range strings.Lines(string(source)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, " | ", 3)
		require.Len(t, parts, 3, line)
		require.True(t, want[parts[0]], "%s is there twice, or should not be there", parts[0])
		delete(want, parts[0])
		where, err := place(root, parts[2])
		require.NoError(t, err, line)
		fmt.Fprintf(&page, "| %s | %s | %s |\n", parts[0], strings.ReplaceAll(parts[1], "|", `\|`), where)
	}
	require.Empty(t, want, "nobody says where these are shown")
	kit.Golden(t, "BEHAVIOURS.md", page.String())
}

// place checks that a place exists, and returns a link to it.
func place(root, text string) (string, error) {
	words := strings.SplitN(text, " ", 3)
	if len(words) != 3 {
		return "", fmt.Errorf("%q is no place", text)
	}
	dir, name := words[1], words[2]
	up := func(path string) string { return "../../../" + path }
	switch words[0] {
	case "test":
		files, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)") {
				return fmt.Sprintf("[`%s`](%s)", name, up(dir+"/"+filepath.Base(file))), nil
			}
		}
		return "", fmt.Errorf("there is no %s in %s", name, dir)
	case "scene":
		text, err := os.ReadFile(filepath.Join(root, dir, "README.md"))
		if err != nil {
			return "", err
		}
		if !regexp.MustCompile(`(?m)^== ` + name + `: `).Match(text) {
			return "", fmt.Errorf("the README of %s shows no scene %q", dir, name)
		}
		return fmt.Sprintf("`go run ./%s %s`", dir, name), nil
	case "readme":
		text, err := os.ReadFile(filepath.Join(root, dir, "README.md"))
		if err != nil {
			return "", err
		}
		if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), name) {
			return "", fmt.Errorf("the README of %s does not say %q", dir, name)
		}
		return fmt.Sprintf("[the README](%s)", up(dir+"/README.md")), nil
	}
	return "", fmt.Errorf("%q is no place", text)
}
