// Package scenetest holds what a lesson's README shows: it runs the lesson's
// program as a user does, and compares what it prints.
package scenetest

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
)

// The test binary is also the program: with this variable set it runs main.
const asProgram = "LESSON_AS_PROGRAM"

// Main is for TestMain. It runs main if this process is to be the program, or
// one of its second processes (then roleVariable is set), and the tests
// otherwise.
func Main(m *testing.M, main func(), roleVariable string) {
	if os.Getenv(asProgram) != "" || os.Getenv(roleVariable) != "" {
		main()
		return
	}
	leaktest.Main(m)
}

// Command returns the command that runs the program.
func Command(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// Run runs the program to its end.
func Run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	cmd := Command(t, args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	_ = cmd.Run()
	leaktest.ReapOrphans() // some scenes kill a parent
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// Scene wants a scene, played with these flags, to print what the regular
// expression says, nothing to stderr, and to succeed.
func Scene(t *testing.T, want string, args ...string) {
	t.Helper()
	stdout, stderr, code := Run(t, args...)
	require.Empty(t, stderr)
	require.Zero(t, code)
	require.Regexp(t, regexp.MustCompile(`\A`+want+`\z`), stdout)
}

// BadArguments wants one line on stderr and exit status 2 for arguments that are
// wrong, and the names of all scenes where one would help.
func BadArguments(t *testing.T, scenes ...string) {
	t.Helper()
	for _, args := range [][]string{{"nosuch"}, {scenes[0], "nosuch"}, {"-x"}, {"--scene=" + scenes[0]}, {""}} {
		stdout, stderr, code := Run(t, args...)
		require.Equal(t, 2, code, "%q", args)
		require.Empty(t, stdout, "%q", args)
		require.Equal(t, 1, strings.Count(stderr, "\n"), "%q: %s", args, stderr)
	}
	_, stderr, _ := Run(t, "nosuch")
	require.Contains(t, stderr, `there is no scene "nosuch"; the scenes are: `+strings.Join(scenes, ", "))
	stdout, stderr, code := Run(t, "-h")
	require.Zero(t, code)
	require.Empty(t, stderr)
	for _, scene := range scenes {
		require.Contains(t, stdout, scene)
	}
}

// Roles wants the second processes, started by hand, to say what is wrong.
func Roles(t *testing.T, roleVariable string, want map[string]string) {
	t.Helper()
	for role, says := range want {
		cmd := Command(t)
		cmd.Env = append(cmd.Env, roleVariable+"="+role)
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), says)
		require.Contains(t, string(out), role)
	}
}
