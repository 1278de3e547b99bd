package directorytest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// places are where systems keep slapd, its schemas and its modules: Debian, Fedora, Alpine, Homebrew on ARM and on Intel.
var places = struct{ programs, schemas, modules []string }{
	programs: []string{"/usr/sbin/slapd", "/usr/local/sbin/slapd", "/opt/homebrew/opt/openldap/libexec/slapd", "/usr/local/opt/openldap/libexec/slapd"},
	schemas:  []string{"/etc/ldap/schema", "/etc/openldap/schema", "/opt/homebrew/etc/openldap/schema", "/usr/local/etc/openldap/schema"},
	modules:  []string{"/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap", "/opt/homebrew/opt/openldap/libexec/openldap", "/usr/local/opt/openldap/libexec/openldap"},
}

// prepare fills the server's directory with all that slapd needs.
func (s *Server) prepare() error {
	program, err := find(places.programs)
	if err != nil {
		if program, err = exec.LookPath("slapd"); err != nil {
			return fmt.Errorf("no slapd: install it (apt-get install slapd, brew install openldap): %w", err)
		}
	}
	schemas, err := find(places.schemas)
	if err != nil {
		return fmt.Errorf("no schemas for slapd: %w", err)
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("read slapd: %w", err)
	}
	if err := os.WriteFile(s.file("slapd"), binary, 0o700); err != nil {
		return fmt.Errorf("copy slapd: %w", err)
	}
	if err := os.Mkdir(s.file("data"), 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if err := s.certify(); err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	if err := os.WriteFile(s.file("slapd.conf"), []byte(s.conf(schemas)), 0o600); err != nil {
		return fmt.Errorf("write slapd.conf: %w", err)
	}
	return s.plant()
}

// plant puts in the topmost entry; with the overlay retcode, which looks for its parent, the running server can't.
func (s *Server) plant() error {
	root := "dn: " + Base + "\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n"
	cmd := exec.Command(s.file("slapd"), "-T", "add", "-f", s.file("slapd.conf"))
	cmd.Stdin = strings.NewReader(root)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("slapd -T add: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) file(name string) string { return filepath.Join(s.dir, name) }

// find is the first of the paths that exists.
func find(paths []string) (string, error) {
	for _, path := range paths {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
	}
	return "", fmt.Errorf("none of %s exists", strings.Join(paths, ", "))
}

// conf is the server's slapd.conf: who is not the searching entry may authenticate, and see nothing.
func (s *Server) conf(schemas string) string {
	var b strings.Builder
	for _, schema := range []string{"core", "cosine", "inetorgperson"} {
		fmt.Fprintf(&b, "include %s/%s.schema\n", schemas, schema)
	}
	if modules, err := find(places.modules); err == nil { // else all is built in
		fmt.Fprintf(&b, "modulepath %s\n", modules)
		for _, module := range []string{"back_mdb", "ppolicy", "retcode"} {
			if _, err := os.Stat(filepath.Join(modules, module+".so")); err == nil {
				fmt.Fprintf(&b, "moduleload %s\n", module)
			}
		}
	}
	fmt.Fprintf(&b, "TLSCACertificateFile %s\nTLSCertificateFile %s\nTLSCertificateKeyFile %s\n", s.file("ca.pem"), s.file("cert.pem"), s.file("key.pem"))
	if s.opts.RequireTLS {
		fmt.Fprintln(&b, "security tls=1")
	}
	others := "none"
	if s.opts.Anonymous || s.opts.Answering { // the overlay looks with the rights of who binds
		others = "read"
	}
	fmt.Fprintf(&b, `pidfile %[1]s
threads 4
database mdb
suffix "%[2]s"
rootdn "%[3]s"
rootpw %[4]s
directory %[5]s
maxsize 16777216
dbnosync
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="%[6]s" read by * %[7]s
overlay ppolicy
ppolicy_default "%[8]s"
ppolicy_use_lockout
ppolicy_hash_cleartext
`, s.file("pid"), Base, rootDN, rootPassword, s.file("data"), BindDN, others, PolicyLockout)
	if s.opts.Answering {
		fmt.Fprintf(&b, "overlay retcode\nretcode-parent \"ou=nowhere,%s\"\nretcode-indir\n", Base)
	}
	return b.String()
}
