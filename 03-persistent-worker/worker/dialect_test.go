package worker

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		dialect    Dialect
		line, want string // want: the answer, "noise", or "error: …"
	}{
		{Bare, `2`, `2`},
		{Bare, " [1, 2] \r", `[1, 2]`},
		{Bare, `null`, `null`},
		{Bare, `progress: 50 %`, "noise"},
		{Bare, ``, "noise"},
		{Bare, `1 2`, "noise"},
		{Bare, `NaN`, "noise"},
		{Envelope, `{"ok":true,"value":2}`, `2`},
		{Envelope, `{"value":null,"ok":true}`, `null`},
		{Envelope, `{"ok":false,"error":"no","trace":"line 1"}`, "error: no\n\nline 1"},
		{Envelope, `{"ok":false,"error":"no"}`, "error: no"},
		{Envelope, `{"ok":true}`, "noise"},
		{Envelope, `{"ok":false}`, "noise"},
		{Envelope, `{"ok":true,"error":"no"}`, "noise"},
		{Envelope, `{"ok":true,"value":1,"error":"no"}`, "noise"},
		{Envelope, `{"ok":true,"value":1,"more":2}`, "noise"},
		{Envelope, `{"ok":"yes","value":1}`, "noise"},
		{Envelope, `{"ok":true,"value":1} trailing`, "noise"},
		{Envelope, `{"value":1}`, "noise"},
		{Envelope, `2`, "noise"},
		{Envelope, `[{"ok":true,"value":1}]`, "noise"},
		{Flagged, `=> 2`, `2`},
		{Flagged, `50 %=> {"a":1}`, `{"a":1}`},
		{Flagged, `2`, "noise"},
		{Flagged, `=> oops`, `error: behind the flag "=> " there is no JSON: "oops"`},
	} {
		c := Config{Dialect: test.dialect, Flag: "=> "}
		answer, isAnswer, err := c.parse([]byte(test.line + "\n"))
		got := string(answer)
		switch {
		case !isAnswer:
			got = "noise"
		case err != nil:
			got = "error: " + err.Error()
		}
		require.Equal(t, test.want, got, "%q", test.line)
	}
}

// Whatever a program prints: no panic, and an answer is JSON.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`2`, `{"ok":true,"value":2}`, `{"ok":false,"error":"x","trace":"y"}`, `=> 2`, `{"ready":true,"protocol":1}`, "\x00\xff", `{"ok":true,"value":{"ok":true}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		for d := Bare; d <= Flagged; d++ {
			c := Config{Dialect: d, Flag: "=> "}
			answer, isAnswer, err := c.parse([]byte(line))
			if isAnswer && err == nil && !json.Valid(answer) {
				t.Fatalf("dialect %d takes %q for an answer: %q", d, line, answer)
			}
			if !isAnswer && (answer != nil && d != Bare || err != nil) {
				t.Fatalf("dialect %d: noise with an answer %q or an error %v", d, answer, err)
			}
		}
		_, _ = isAnnouncement([]byte(line))
	})
}
