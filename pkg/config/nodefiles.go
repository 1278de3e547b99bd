package config

import (
	"fmt"

	"github.com/ropcd/ropcd/pkg/journey"
)

// maxNodeFile bounds a file that a node reads.
const maxNodeFile = 64 << 20

// nodeEnv is what the nodes of a realm get: the caller's, with the files of the configuration's folder. What they read is
// watched like the configuration itself.
func (l *loader) nodeEnv() journey.Env {
	env := l.opts.JourneyEnv
	env.File = func(path string) ([]byte, error) {
		path = l.nodeFile(path)
		data, err := readFile(path, maxNodeFile)
		if err != nil {
			return nil, fmt.Errorf("the file %s %w", path, err)
		}
		return data, nil
	}
	env.Secret = func(path string) (string, error) {
		path = l.nodeFile(path)
		secret, err := ReadSecret(path)
		if err != nil {
			return "", fmt.Errorf("the file %s %w", path, err)
		}
		return secret, nil
	}
	return env
}

func (l *loader) nodeFile(path string) string {
	path = l.resolve(path)
	l.nodeFiles = append(l.nodeFiles, path)
	return path
}
