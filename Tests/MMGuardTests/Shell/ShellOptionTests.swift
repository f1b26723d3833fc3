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
            "tar --list --file \"$x\"", "curl -s \"https://a.example/$u\"", "sort -k \"$k\" a", "sort -k\"$k\" a",
            "sort -- \"$x\"", "journalctl -u \"$u\"", "journalctl -n\"$n\"", "sysctl \"net.$x\"", "ethtool eth0",
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
        "may follow every value without quotes, and be a name that a pattern or another program gives",
        arguments: [
            "journalctl -u $u", "journalctl -n$n", "find ./$d", "find . -name $x", "find ./\"\"$d", "sort -k$k a",
            "sort ./$f", "date -d @$t", "tar tf $f", "git -C $d log", "git log v$x", "git diff a..$b",
            "awk -v x=$y 1 a",
            "curl -s https://a.example/$u", "d=$(cat l); find ./$d", "for f in $(cat l); do sort ./$f; done",
            "x='a -delete'; find ./$x", "x='a -delete'; find ./\"\"$x", "sort ./$(basename \"$f\")",
            "for d in */; do git -C $d log; done", "sort \"./${a[@]}\"", "sort ./\"$@\"", "sort *", "sort *.txt",
            "sort [a-z]*", "tar cf - *", "tar tf *", "tar czf /tmp/a.tgz *", "sed -n 1p *", "less *", "git diff *",
            "ip $x", "ip *", "ip -n $n addr", "nft list $x", "nft list \"$x\"", "nft list tables \\; flush ruleset",
            "nft list 'tables; flush ruleset'", "parted /dev/$d print", "redis-cli -h $h info", "docker \"$x\" ps",
            "docker exec $c ls", "docker exec -e A=$x web ls",
            "kubectl exec $p -- ls", "IFS=,; x=a,-o/etc/x; sort ./$x", "sudo -u $u ls", "timeout $t ls",
            "nice -n $n ls", "env A=$x ls", "cp $f /tmp/",
            "cp \"$f\" b /tmp/", "mv -$x a /tmp/", "ls | xargs sort", "ls | xargs find", "ls | xargs -I{} sort {}",
            "ls | xargs -I% find % -name x", "ls | xargs git log", "ls | xargs ip", "ls | xargs journalctl -u",
            "find . -name '*.c' | xargs sort", "find . -printf '%f' | xargs -0 sort",
            "find . | xargs -d '\\n' sort", "find . -print0 | xargs -0 -d, sort", "find . -print0 | xargs -0 -a l sort",
            "find . -print0 | xargs -0 --arg-file=l sort", "find . -print0 | parallel -0 sort {/}",
            "yes | find . -ok printf %s -o/etc/x ';' -print0 | xargs -0 sort",
            "kubectl get pods -o name -Ao json | xargs sort", "pidof --sep ' -o/etc/x ' sh | xargs sort",
            "kubectl get pods -o name -o json | xargs -n1 kubectl describe",
            "cat l | xargs -n1 sort",
            "ls | xargs -I{} sh -c 'ls {}'", "ls | parallel sort", "pgrep() { cat l; }; pgrep x | xargs sort",
        ])
    func following(line: String) { #expect(verdict(line).decision == .ask) }

    @Test(
        "follow no value in quotes, no number, and no name behind known text",
        arguments: [
            "journalctl -u \"$u\"", "u=nginx; journalctl -u $u", "for s in a b; do journalctl -u $s; done",
            "find \"./$d\"", "n=5; sort -k$n a", "journalctl -n$((n + 1))", "sort ./*", "sort -- *", "tar tf ./a*",
            "for i in $(seq 3); do sort ./a$i; done", "sort ./a-$(date +%F)", "for f in *.c; do wc -l $f; done",
            "ls $d", "ls *", "cat *", "grep $p *", "wc -l $f", "awk '{print}' *", "docker logs $c", "docker top \"$c\"",
            "ip link show $d", "ip -n \"$n\" addr", "nft list ruleset", "parted \"/dev/$d\" print",
            "redis-cli -h \"$h\" info", "docker exec \"$c\" ls", "docker exec -e \"A=$x\" web ls", "sudo -u \"$u\" ls",
            "timeout \"$t\" ls",
            "cp -- \"$f\" /tmp/", "for f in *.c; do cp \"$f\" /tmp/; done", "ls | xargs cat", "ls | xargs -n1 basename",
            "find . -name '*.c' | xargs wc -l", "find . -print0 | xargs -0 sort", "pgrep x | xargs lsof -p",
            "kubectl get pods -o name | xargs -n1 kubectl describe",
            "docker ps -q | xargs docker inspect -f '{{.Name}}'",
            "find /etc/ssl -name '*.pem' | xargs -n1 openssl x509 -noout -enddate -in",
        ])
    func quoted(line: String) {
        let verdict = verdict(line)
        #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)")
    }

    @Test("are named in the reason, with what keeps a word from being one")
    func reason() {
        for line in ["sort *", "journalctl -u $u", "find ./$d", "ls | xargs git log"] {
            #expect(verdict(line).reason.contains("may be an option; put it in quotes, behind ./ or --"), "\(line)")
        }
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
            ("mapfile -tC 'rm -r /srv;:' -c 1 a < l", true), ("enable -af /tmp/x.so y", true),
            ("hash -rp /tmp/x ls", true),
            ("hash $x", true), ("enable $x", true), ("declare $x", true), ("export \"$x\"", true),
            ("declare \"$x=1\"", true), ("unset \"$x\"", true), ("[ -v \"$x\" ]", true), ("typeset -T PATH p", true),
            ("path=(/tmp/x $path); ls", true), ("path+=(/tmp/x)", true), ("print -z rm -r /srv", true),
            ("ls *(e:'rm -r /srv':)", true), ("ls *(+f)", true), ("hash ls", false), ("unset a b", false),
            ("[ -v x ]", false), ("path=(/usr/bin $path); ls", false), ("paths=(/tmp/x); ls", false),
            ("ls *(N)", false),
            ("declare \"a=$x\"", false), ("export Y=7 Z=$x", false), ("export Y", true),
            ("export KUBECONFIG=/tmp/x", true), ("x=/tmp/y; KUBECONFIG=$x kubectl get pods", true),
            ("print -v x y", false), ("set -A x y z", false), ("print -l a", false),
            ("set -e", false),
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
