package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/04-fork-order/texture"
	"example.com/multiprocessing/07-pool-map/pool"
)

// A server answers requests with what its mode computes.
type server struct {
	mode mode
	cfg  Config
	log  *slog.Logger
	stats
}

const (
	bodyLimit    = 16 << 10         // bytes
	requestLimit = 30 * time.Second // for one texture, with the time in the queue
)

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /Xy", s.answer)
	mux.HandleFunc("POST /Xy", s.answer)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, map[string]bool{"ok": true}) })
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, s.report()) })
	return mux
}

// An Xy is a request. Plain asks for the rows alone.
type Xy struct {
	X     int    `json:"x"`
	Y     int    `json:"y"`
	Seed  uint64 `json:"seed"`
	Plain bool   `json:"plain"`
}

// A fault is what is wrong with a request.
type fault struct {
	status int
	Error  string `json:"error"`
	Field  string `json:"field,omitempty"`
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	id := s.begin()
	start := time.Now()
	log := s.log.With("object", fmt.Sprint("request-", id))
	log.Info("created", "by", whoAsks(r), "what", r.Method+" "+r.URL.RequestURI())
	status := http.StatusOK
	defer func() {
		s.end(status, time.Since(start))
		log.Info("destroyed", "status", status)
	}()
	xy, bad := read(w, r)
	if bad == nil {
		ctx, cancel := context.WithTimeout(r.Context(), requestLimit) // it ends, too, if the client hangs up
		rows, err := s.mode.texture(ctx, texture.Size{X: xy.X, Y: xy.Y, Seed: xy.Seed})
		cancel()
		if err == nil {
			respond(w, rows, xy.Plain)
			return
		}
		bad = explain(err)
	}
	if status = bad.status; status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	write(w, status, bad)
}

// read reads the request, from the query or from the body.
func read(w http.ResponseWriter, r *http.Request) (xy Xy, bad *fault) {
	if r.Method == http.MethodGet {
		if xy, bad = fromQuery(r.URL.Query()); bad != nil {
			return xy, bad
		}
	} else {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return xy, &fault{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", bodyLimit), ""}
		}
		if err != nil {
			return xy, &fault{http.StatusBadRequest, "the body has not come: " + err.Error(), ""}
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(&xy); err != nil {
			f := &fault{http.StatusBadRequest, "the body is no request: " + err.Error(), ""}
			if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
				f.Field = e.Field
			}
			return xy, f
		}
		if _, err := d.Token(); err != io.EOF {
			return xy, &fault{http.StatusBadRequest, "the body has something behind the request", ""}
		}
	}
	// Not x*y: that may overflow, and then it is small.
	switch {
	case xy.X < 1 || xy.X > texture.MaxCells:
		return xy, &fault{http.StatusBadRequest, fmt.Sprintf("x must be from 1 to %d", texture.MaxCells), "x"}
	case xy.Y < 1 || xy.Y > texture.MaxCells/xy.X:
		return xy, &fault{http.StatusBadRequest, fmt.Sprintf("y must be at least 1, and x times y at most %d", texture.MaxCells), "y"}
	}
	return xy, nil
}

func fromQuery(query url.Values) (xy Xy, bad *fault) {
	for name, values := range query {
		var err error
		switch name {
		case "x":
			xy.X, err = strconv.Atoi(values[0])
		case "y":
			xy.Y, err = strconv.Atoi(values[0])
		case "seed":
			xy.Seed, err = strconv.ParseUint(values[0], 10, 64)
		case "plain":
			xy.Plain, err = strconv.ParseBool(values[0])
		default:
			return xy, &fault{http.StatusBadRequest, fmt.Sprintf("there is no %q; there are x, y, seed and plain", name), name}
		}
		if err != nil || len(values) > 1 {
			return xy, &fault{http.StatusBadRequest, fmt.Sprintf("%s=%q is not one value of its kind", name, values[0]), name}
		}
	}
	return xy, nil
}

// explain says what an error of the mode means for the client.
func explain(err error) *fault {
	switch {
	case errors.Is(err, pool.ErrFull):
		return &fault{http.StatusServiceUnavailable, err.Error(), ""}
	case errors.Is(err, errStopping), errors.Is(err, pool.ErrClosed), errors.Is(err, pool.ErrTerminated), errors.Is(err, pipe.ErrClosed):
		return &fault{http.StatusServiceUnavailable, errStopping.Error(), ""}
	case errors.Is(err, pipe.ErrTimeout):
		return &fault{http.StatusGatewayTimeout, err.Error(), ""}
	default: // the process that was at it has died, or could not be started
		return &fault{http.StatusBadGateway, err.Error(), ""}
	}
}

// signature is the type of a texture, as the full output names it.
var signature = strconv.Quote(process.Signature(reflect.TypeFor[[][]float64]()))

// respond sends the rows in the full form of lesson 04, {"value":[type, value, pointers]}, or
// plain.
func respond(w http.ResponseWriter, rows json.RawMessage, plain bool) {
	w.Header().Set("Content-Type", "application/json")
	if plain {
		_, _ = w.Write(append(rows, '\n')) // if the client is gone, nobody is left to be told
		return
	}
	b := make([]byte, 0, len(rows)+len(signature)+32)
	b = append(append(append(b, `{"value":[`...), signature...), ',')
	_, _ = w.Write(append(append(b, rows...), ",[]]}\n"...))
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
