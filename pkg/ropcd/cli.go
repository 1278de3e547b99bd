package ropcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/config"
)

// cli is what all commands share.
type cli struct {
	options        Options
	stdin          io.Reader
	stdout, stderr io.Writer

	configPath, socket, realm, output string
}

// api is the running server. To find it, no more of the configuration has to be right than the section admin.
func (c *cli) api() (*admin.API, error) {
	socket := c.socket
	if socket == "" {
		var problems config.Problems
		if socket, problems = config.Socket(c.configPath, c.options.loadOptions()); socket == "" {
			return nil, setupError{fmt.Errorf("%s\n(the server's socket can't be read from it; --admin SOCKET does without the file)", problemList(problems))}
		}
	}
	return admin.Dial(socket), nil
}

// inRealm is the realm of a verb that needs one.
func (c *cli) inRealm() (admin.InRealm, error) {
	if c.realm == "" {
		return admin.InRealm{}, setupError{errors.New("--realm is missing (or ROPCD_REALM)")}
	}
	return admin.InRealm{Realm: c.realm}, nil
}

// moreOutput annotates a command that has more forms of output than all have: their names, with a space between.
const moreOutput = "output"

// checkOutput refuses a form that the command does not have, before it does anything.
func (c *cli) checkOutput(cmd *cobra.Command) error {
	forms := append([]string{"table"}, strings.Fields(cmd.Annotations[moreOutput])...)
	forms = append(forms, "json", "jsonl")
	if slices.Contains(forms, c.output) {
		return nil
	}
	last := len(forms) - 1
	return setupError{fmt.Errorf("--output is %s or %s, not %q", strings.Join(forms[:last], ", "), forms[last], c.output)}
}

// ask asks the server for one verb and shows the answer: as JSON, or as show has it for people.
func ask[Out any](ctx context.Context, c *cli, verb string, in any, show func(w io.Writer, out Out)) error {
	out, err := answer[Out](ctx, c, verb, in)
	if err != nil {
		return err
	}
	return c.show(out, func(w io.Writer) { show(w, out) })
}

// answer asks the server for one verb.
func answer[Out any](ctx context.Context, c *cli, verb string, in any) (out Out, err error) {
	server, err := c.api()
	if err != nil {
		return out, err
	}
	return admin.Do[Out](ctx, server, verb, in)
}

// show writes one object.
func (c *cli) show(object any, table func(w io.Writer)) error {
	if c.output == "table" {
		return c.table(table)
	}
	enc := json.NewEncoder(c.stdout)
	enc.SetEscapeHTML(false)
	if c.output == "json" {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(object)
}

// table aligns columns that are separated by tabs.
func (c *cli) table(write func(w io.Writer)) error {
	w := tabwriter.NewWriter(c.stdout, 0, 8, 2, ' ', 0)
	write(w)
	return w.Flush()
}

// list asks the server for a verb that streams, and shows a table, an array, or a line each.
func list[Item any](ctx context.Context, c *cli, verb string, in any, head string, row func(item Item) []any) error {
	server, err := c.api()
	if err != nil {
		return err
	}
	items := admin.List[Item](ctx, server, verb, in)
	if c.output != "table" {
		return showAll(c, items)
	}
	return c.listTable(head, func(yield func([]any, error) bool) {
		for item, err := range items {
			if !yield(row(item), err) {
				return
			}
		}
	})
}

// showAll writes objects as JSON: a line each, or all of them as an array. What came before an error is shown too.
func showAll[Item any](c *cli, items iter.Seq2[Item, error]) error {
	if c.output == "jsonl" {
		return each(items, func(item Item) error { return c.show(item, nil) })
	}
	all := []Item{}
	failed := each(items, func(item Item) error { all = append(all, item); return nil })
	if failed != nil && len(all) == 0 {
		return failed
	}
	return errors.Join(failed, c.show(all, nil))
}

func each[Item any](items iter.Seq2[Item, error], f func(Item) error) error {
	for item, err := range items {
		if err != nil {
			return err
		}
		if err := f(item); err != nil {
			return err
		}
	}
	return nil
}

func (c *cli) listTable(head string, rows iter.Seq2[[]any, error]) error {
	var failed error
	err := c.table(func(w io.Writer) {
		headed := false
		failed = each(rows, func(cells []any) error {
			if !headed {
				headed = true
				fmt.Fprintln(w, strings.ToUpper(head))
			}
			for i, cell := range cells {
				if i > 0 {
					fmt.Fprint(w, "\t")
				}
				fmt.Fprint(w, visible(cell))
			}
			_, err := fmt.Fprintln(w)
			return err
		})
		if failed == nil && !headed {
			fmt.Fprintln(w, strings.ToUpper(head)) // an empty list is one; a failed one is none
		}
	})
	return errors.Join(failed, err)
}

// secretFromStdin reads a secret: from a terminal without echo, else all of standard input, less one newline at its end.
func (c *cli) secretFromStdin(what string) (string, error) {
	f, isFile := c.stdin.(*os.File)
	if isFile && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(c.stderr, "%s: ", what)
		secret, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(c.stderr)
		if err != nil {
			return "", fmt.Errorf("read the %s: %w", what, err)
		}
		return string(secret), nil
	}
	secret, err := io.ReadAll(io.LimitReader(c.stdin, 64<<10))
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", what, err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(secret), "\n"), "\r")
	if text == "" {
		return "", setupError{fmt.Errorf("standard input holds no %s", what)}
	}
	return text, nil
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short}
	onlyHolds(g)
	g.AddCommand(commands...)
	return g
}

// onlyHolds makes a command show its help, and refuse what it does not hold.
func onlyHolds(g *cobra.Command) {
	g.Args = noSuchCommand
	g.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// noSuchCommand refuses the name of a command that is not there.
func noSuchCommand(g *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	g.SuggestionsMinimumDistance = 2 // typing mistakes
	near := g.SuggestionsFor(args[0])
	if len(near) == 0 {
		return fmt.Errorf("there is no command %q", args[0])
	}
	return fmt.Errorf("there is no command %q; did you mean \"%s\"?", args[0], strings.Join(near, `" or "`))
}
