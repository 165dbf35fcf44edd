// Attack: has processes ready that look like players before there is one, and speaks for them.
package answer

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"strings"

	"example.com/multiprocessing/exercises/07-pool-map/table"
)

type fake struct {
	say  *json.Encoder
	hear *json.Decoder
}

var fakes []fake

func init() {
	control := os.Getenv("CARDS_CONTROL")
	if control == "" {
		return
	}
	for range 4 {
		// It waits for the first card, which never comes.
		never, _, _ := os.Pipe()
		cmd := exec.Command(os.Getenv("CARDS_PLAYER"), "player")
		cmd.ExtraFiles = []*os.File{never}
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "CARDS_CONTROL=") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		if cmd.Start() != nil {
			return
		}
		conn, err := net.Dial("unix", control)
		if err != nil {
			return
		}
		f := fake{json.NewEncoder(conn), json.NewDecoder(conn)}
		f.say.Encode(map[string]any{"Name": "player", "PID": cmd.Process.Pid, "Parent": os.Getpid()})
		fakes = append(fakes, f)
	}
}

func Deal(ctx context.Context, players []*table.Player, cards []string, chunk int) ([]string, error) {
	results := make([]string, len(cards))
	fakes := fakes[:min(len(players), len(fakes))]
	type event struct {
		Card int
		Hand []int
	}
	next := 0
	for next < len(cards) {
		var busy []int
		for _, f := range fakes {
			if next == len(cards) {
				break
			}
			f.say.Encode(event{next, []int{next}})
			busy = append(busy, next)
			next++
		}
		for i, card := range busy {
			var order struct{ Result string }
			fakes[i].hear.Decode(&order)
			results[card] = order.Result
		}
	}
	return results, nil
}
