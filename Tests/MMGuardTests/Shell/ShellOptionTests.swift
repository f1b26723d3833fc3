import MMGuard
import Testing

@Suite("Options that a shell text doesn't say")
struct ShellOptionTests {
    private func verdict(_ line: String) -> Verdict {
        let context = ShellContext(isRemote: true, home: "/home/me", directory: "/home/me/work")
        return GuardEngine.standard.judge(shell: line, in: context, policy: .standard)
    }

    @Test(
        "may be any on a host, of a program that does more than look with some of them",
        arguments: [
            "find . \"$x\"", "find . $x", "find \"$d\" -name a", "find . -name a \"$x\"", "find . -$x",
            "x=-delete; find . \"$x\"", "for x in -delete; do find . $x; done", "find . \"${p##*/}\"",
            "find . \"$(basename \"$p\")\"", "fd a \"$x\"", "git log \"$x\"", "git log $x", "git -C \"$d\" diff $x",
            "git show -$x", "git -c \"$x\" log", "git -c a.$x=b log", "git \"-$x\" log",
            "tar \"$x\"", "tar tf a.tar \"$x\"", "tar tf a.tar -H \"$x\"", "tar -tf a.tar $x",
            "tar czf /tmp/a.tgz \"$x\"", "curl $u", "curl -s \"$u\"", "curl -o /dev/null \"$u\"", "wget -qO- \"$u\"",
            "sort -$x a", "sort -n$x a", "journalctl \"$x\"", "sysctl \"$x\"", "sysctl -n \"$x\"", "ethtool \"$x\"",
            "rpm -q \"$x\"", "iptables -L \"$x\"", "openssl x509 -noout $x", "while read x; do rpm -q $x; done < l",
            "for x in *; do sort \"$x\"; done", "kubectl get \"$x\"", "jaq . \"$x\"", "find . \"$(which q)-delete\"",
            "find . $(which ls; echo -delete)", "find $(realpath \"a -delete\")", "sort \"$(which q)\"-o/etc/x a",
            "which() { echo -delete; }; find . \"$(which a)\"", "find . \"$(realpath --relative-to=. ./-delete)\"",
            "find . $(mktemp -u -- -deleteXXX)", "find $(readlink -f $x)", "sed -n 1p \"$f\" a", "sed 1p \"$e\" a",
            "awk -F: \"$x\" a", "awk $x '{print}' a",
            "gawk --assig a=1 \"$x\" a", "mawk -W interactive \"$x\" a",
        ])
    func unknown(line: String) { #expect(verdict(line).decision == .ask) }

    @Test(
        "are none behind known text, behind `--`, in the value of another option, and for programs that only look",
        arguments: [
            "find \"./$d\" -name '*.log'", "find /srv -name \"$x\"", "find . -newer \"$x\" -user \"$u\"",
            "git log -- \"$f\"", "git -C \"$d\" status", "git -c color.ui=\"$x\" log",
            "c=color.ui; git -c $c=never log", "git show \"v$x\"", "tar tf \"$x\"", "tar -tzf \"$x\"",
            "tar --list --file \"$x\"", "curl -s \"https://a.example/$u\"", "sort -k \"$k\" a", "sort -k$k a",
            "sort -- \"$x\"", "journalctl -u \"$u\"", "journalctl -n$n", "sysctl \"net.$x\"", "ethtool eth0",
            "for d in eth0 eth1; do ethtool $d; done", "d=eth0; ethtool \"$d\"", "rpm -q $(pgrep -o a)",
            "kubectl get pods -n \"$n\"", "jq \"$p\" \"$f\"", "cat \"$f\"", "grep \"$p\" \"$f\"", "ls \"$d\"", "ls $d",
            "id \"$u\"", "dig \"$h\"", "ps -p \"$x\"", "ip addr show \"$d\"", "systemctl status \"$s\"",
            "awk -F\"$s\" '{print $1}' a", "awk -v x=\"$y\" '{print x}' a", "awk 1 \"$f\"", "sort \"$(realpath a)\"",
            "find \"$(readlink -f ~/a)/b\" -name x", "file -b $(readlink -f $(which a))", "sort \"$(mktemp)\"",
        ])
    func known(line: String) {
        let verdict = verdict(line)
        #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)")
    }

    @Test(
        "of builtins set variables, by which later commands load code or reach another place",
        arguments: [
            ("print -v LD_PRELOAD /tmp/x", true), ("print -v PATH /tmp/x", true), ("set -A LD_PRELOAD /tmp/x", true),
            ("set +A PATH /tmp/x", true), ("set -A path /tmp/x", true), ("set -e -A path /tmp/x", true),
            ("print -r -v PATH /tmp/x", true), ("print -rvPATH /tmp/x", true), ("print -$x PATH /tmp/x", true),
            ("printf -vPATH %s /tmp/x", true),
            ("print -P -- '$(rm -r /srv)'", true), ("p=/tmp/x; print -r -v p /etc/x; cp a $p", true),
            ("p=/tmp/x; set -A p /etc/x; cp a $p", true), ("t=$(mktemp -d); printf -vt %s /srv; rm -rf $t", true),
            ("print -v x y", false), ("set -A x y z", false), ("print -l a", false), ("set -e", false),
            ("printf '- value: %s\\n' '$(a)'", false), ("print '$(a)'", false),
        ])
    func builtins(line: String, isAsked: Bool) {
        let verdict = verdict(line)
        #expect((verdict.decision == .ask) == isAsked, "\(verdict.rule): \(verdict.reason)")
    }

    @Test(
        "make a builtin show variables, unless it exports those that it names",
        arguments: [
            ("declare -x Y=7", false), ("typeset -x A=1 B=2", false), ("declare -x A=1 KEY", false),
            ("declare -x", true), ("declare -x -p", true), ("declare -x -p API_KEY", true), ("declare -p LANG", false),
            ("declare -p $x=1", true), ("export -p", true), ("export -p A=1", true), ("readonly -p LANG", true),
            ("typeset -p +A=1", true), ("declare -rx", true), ("typeset -gx", true), ("export --", true),
            ("declare -pA API_KEY", true), ("declare -pA LANG", false), ("typeset -m 'A*'", true),
            ("declare -f", false), ("export -f", false), ("declare -a A", false),
        ])
    func declared(line: String, isShown: Bool) {
        #expect(verdict(line).findings.contains { $0.rule == "shell-secrets" } == isShown)
    }

    @Test(
        "nor does the text say what a script or statement with such a value does",
        arguments: [
            ("sed \"s/a/$b/\" f", true), ("sed -n \"$a,${b}p\" f", true), ("sed -e \"s/a/$b/\" f", true),
            ("awk \"/$p/ {print}\" f", true), ("psql -c \"select $x\"", true), ("n=5; sed -n \"${n}p\" f", false),
            ("for n in 1 2; do sed -n \"${n}p\" f; done", false), ("sed -n '$p' f", false),
            ("sed \"s/a/$(hostname)/\" f", false), ("for t in a b; do psql -c \"select * from $t\"; done", false),
        ])
    func scripts(line: String, isAsked: Bool) {
        let verdict = verdict(line)
        #expect((verdict.decision == .ask) == isAsked, "\(verdict.rule): \(verdict.reason)")
    }
}
