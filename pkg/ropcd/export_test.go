package ropcd

import (
	"io"
	"log/slog"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// DrawQR is open to be looked at without a terminal.
func DrawQR(w io.Writer, text string, columns int, colours bool) error {
	return drawQR(w, text, screen{columns: columns, colours: colours})
}

// TuneMemory tunes as in a container of so many bytes.
func TuneMemory(container uint64) {
	tuneMemoryTo(memlimit.Limit(container), slog.New(slog.DiscardHandler))
}
