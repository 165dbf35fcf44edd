package process

import "reflect"

// SetImage makes New start another program instead of this one.
func SetImage(path string) (restore func()) {
	_, _ = buildID() // of this program, before another is in its place
	old := image
	image = func() string { return path }
	return func() { image = old }
}

// ParseArguments reads a command line.
func ParseArguments[In any](args []string) (In, error) {
	v, _, err := parseArguments(reflect.TypeFor[In](), args)
	return v.Interface().(In), err
}
