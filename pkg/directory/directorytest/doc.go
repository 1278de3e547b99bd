// Package directorytest runs real directory servers (OpenLDAP's slapd) for tests.
//
// It leaves what is in the directory to its callers, apart from a few password policies and the entry that searches:
// see [Server.Add] and [Server.AddUser].
//
// The one thing to know before changing it: a missing slapd fails the test. A suite that skips proves nothing.
//
// Decisions:
//
//   - The program runs as a copy in the server's own directory: Ubuntu's AppArmor lets /usr/sbin/slapd read nothing but
//     its own /etc/ldap and /var/lib/ldap, and knows it by its path.
//   - The overlay retcode lets an entry make the server answer what another product would (see [Answering]). It changes
//     other answers too, as that for a bind of nobody, and is there only if asked for.
package directorytest
