package main

import "errors"

func system() []finding {
	return []finding{{"a Unix system", errors.New("this is Windows"), "Use WSL, or the devcontainer: lessons 01 to 03 work here, the exercises do not.", true}}
}
