import MMCore
import MMGuard
import Testing

@Suite("Places that a shell text doesn't say")
struct ShellPlaceTests {
    private func verdict(_ line: String, directory: String? = "/home/me/work", walls: Bool = false) -> Verdict {
        let context = ShellContext(
            isRemote: !walls, home: "/home/me", directory: directory, workspace: walls ? "/home/me/work" : nil)
        return GuardEngine.standard.judge(shell: line, in: context, policy: .standard)
    }

    @Test(
        "may be any on a host: what changes something there is asked about",
        arguments: [
            "f() { cp a \"$1\"; }; f /etc/x", "f() { touch \"$@\"; }; f /etc/x", "f() { cd \"$1\"; touch y; }; f /etc",
            "read p <<< /etc/x; cp a \"$p\"", "read -r a b <<< 'x /etc/x'; cp a \"$b\"",
            "while read p; do cp a $p; done",
            "echo /etc/x | while read p; do cp a \"$p\"; done", "cat <<< /etc/x | { read p; cp a $p; }",
            "a=(/etc/x); cp b \"${a[0]}\"", "a=(b /etc/x); cp \"${a[@]}\"", "p=(); p+=(/etc/x); cp a \"${p[@]}\"",
            "mapfile -t a <<< /etc/x; cp b \"${a[0]}\"", "printf -v p /etc/x; cp a \"$p\"", "getopts a p; cp a $p",
            "declare -n r=p; p=/etc/x; cp a \"$r\"", "p=/etc/x; q=p; cp a \"${!q}\"", "declare p=/etc/x; cp a $p",
            "set -- /etc/x; cp a \"$1\"", "set -- a /etc/x; cp \"$@\"", "for x; do cp a \"$x\"; done", "cp a \"$X\"",
            "cp a \"$(echo /etc/x)\"", "cp a `cat l`", "cp a \"x`cat l`\"", "p=$(echo /etc/x); cp a \"$p\"",
            "cp a \"${x:-/etc/passwd}\"", "cp a ${HOME%%home*}etc/x", "cp a $'\\x2fetc/x'", "cp a $\"/etc/x\"",
            "cp a /tmp/$x", "cp a x-$x", "cp a \"/tmp/${x##*/}/etc/y\"", "cp a \"$(basename \"$x\")/etc/x\"",
            "cp evil ~bin/ls", "touch ~-/x", "echo x > \"$p\"", ": > \"$p\"", "exec > \"$p\"", "echo x >& $p",
            "cat > \"$p\" <<X\ny\nX", "tee -a \"$p\" < a", "dd if=a of=$p", "mkdir -p \"$d\"", "chmod 644 \"$p\"",
            "ln -sf a \"$p\"", "mv a \"$p\"", "cp -t \"$d\" a", "curl -so \"$p\" https://e.example/x",
            "curl -so$p https://e.example/x", "tar xf a.tar -C \"$d\"", "tar -C$d -xf a.tar", "sed -i s/a/b/ \"$p\"",
            "sed -i \"s/a/$b/\" f", "env touch \"$x\"", "timeout 5 cp a \"$x\"", "env -C \"$d\" touch y",
            "find \"$d\" -name x -exec touch {} +", "find . -name x -exec cp a \"$d\" \\;", "sort -o \"$p\" a",
        ])
    func unknown(line: String) {
        #expect(verdict(line).decision == .ask)
        #expect(verdict(line, directory: nil).decision == .ask)
        #expect(!verdict(line, walls: true).findings.contains { $0.reason.contains("doesn't say where") })
    }

    @Test(
        "are not known from what a text may not have run, or may have changed since",
        arguments: [
            "false && p=/tmp; cp a $p/etc/x", "false || { false; } && p=/tmp; cp a $p/etc/x", "(p=/tmp); cp a $p/etc/x",
            "if false; then p=/tmp; fi; cp a $p/etc/x", "p=/tmp & cp a $p/etc/x", "p=/tmp | cat; cp a $p/etc/x",
            "f() { p=/tmp; }; cp a $p/etc/x", "p=/tmp; unset p; cp a $p/etc/x", "p=/tmp; read p < l; cp a $p",
            "p=/tmp; command read p < l; cp a $p", "p=/tmp; builtin printf -v p %s /etc/x; cp a $p",
            "p=x; f() { cp a $p; }; p=/etc/x; f", "p=x; while :; do cp a $p; p=/etc/x; done",
            "if false; then for p in /tmp; do :; done; fi; cp a $p/etc/x",
            "if false; then for p in /tmp; { :; }; fi; cp a $p/etc/x", "for p in /tmp; do :; done; cp a $p/etc/x",
            "select p in /tmp; do cp a $p/etc/x; done <<< 9", "p=/tmp; eval \"p=/etc\"; cp a $p/x",
            "p=/tmp/x; trap 'p=/etc/x' DEBUG; cp a $p", "p=/tmp; q=$p/$r; cp a $q", "p=x; p+=$r; cp a /tmp/$p",
            "p=.; q=.; cp a /tmp/$p$q/etc/x", "for a in /tmp/; do for b in ../etc/x; do cp f $a$b; done; done",
            "p=/tmp/a; cp a ${p%tmp/a}etc/x", "p=xetc; cp a ${p#x}/../etc/y",
            "f() { p=/etc/x; }; p=/tmp/x; f; cp a $p", "f() { read p; }; p=/tmp/x; f <<< /etc/x; cp a $p",
            "f() p=/tmp/x; cp a $p/etc/x", "coproc p=/tmp/x; cp a $p/etc/x", "p=/tmp; p=/etc/x :; cp a $p",
            "ls; p=; : ${p:=/etc/x}; cp a $p", "ls; p=/tmp/x; select p in /etc/x; do break; done; cp a $p",
            "p=/tmp/x; printf -vp %s /etc/x; cp a $p", "p=/tmp/x; read -rap <<< /etc/x; cp a $p",
            "p=/tmp/x; n=p; read $n <<< /etc/x; cp a $p", "p=/tmp/x; n=p; printf -v $n /etc/x; cp a $p",
            "p=/tmp/x; n=p; export $n=/etc/x; cp a $p", "p=/tmp/x; o=v; printf -$o p /etc/x; cp a $p",
            "declare -l p; p=../../../ETC/x; cp a $p", "declare -n p=q; p=/tmp; q=/etc/x; cp a $p",
            "readonly p=/etc/x\np=/tmp/x\ncp a $p", "p=a/b/c/d; ((p=0)); touch $p/../../../../etc/x",
            "q=/etc; p=$q/x; q=/tmp; cp a $p", "p=$q/x; q=/tmp; cp a $p", "p=/tmp; p=/etc q=$p/x; cp a $q",
            "cd /etc; p=$PWD/x; cd /tmp; cp a $p", "cd /etc; p=$(pwd)/x; cd /tmp; cp a $p", "x=~bin/ls; cp a $x",
            "x=~bin; cp a $x/ls", "touch $HOME/../../etc/x$RANDOM", "IFS=:; p=x:/etc/y; cp a $p",
            "ls; p=/tmp/x; p=(/etc/x); cp a $p",
            "touch $(date +%F')'/'..'/'..'/'..'/'..'/etc/x)", "touch `date +%F')'/'..'/'..'/'..'/'..'/etc/x`",
            "cp a ${x:-/etc/cron.d/##*/}",
            "for x in $x $x $x $x $x $x $x $x $x $x $x $x; do cp a $x; done",
            "date() { echo /etc/x; }; cp a $(date)", "cp a $(date +/etc/x)", "cp a $(date +%D)",
            "cp a \"$(mktemp -p /etc)\"", "cp a \"$(mktemp -d x)/etc/y\"", "cp a \"$(mktemp -d -p /tmp/x)/etc/y\"",
            "TMPDIR=/tmp/none; cp a \"$(mktemp -d)/etc/y\"", "touch $(date +..)/$(date +..)/$(date +..)/$(date +etc)/x",
            "cd /; touch $(date +etc)/x", "cd /; touch $(date +%Z)/x", "cd /; touch etc$(date -d x +%F)/y",
            "cd /; touch etc$RANDOM/x", "cd /; touch $(seq -f etc%g 1)/x", "cd /; cp a \"$(basename etc)\"",
            "cd /; cp a \"${x##*/}\"", "p=x; cd /; cp -r a etc${p%x}",
        ])
    func uncertain(line: String) {
        #expect(verdict(line).decision == .ask)
    }

    @Test(
        "are those of a folder that isn't known, behind `cd`",
        arguments: [
            "cd /e?c; touch x", "cd \"$(echo /etc)\"; touch x", "d=$(echo /etc); cd $d; touch x", "cd $1; touch x",
            "cd -; touch x", "popd; touch x", "cd \"$x\" || exit; touch y", "cd \"$x\"; echo y > z",
            "builtin cd /etc; touch x", "command cd /etc; touch x", "cd() { builtin cd /etc; }; cd /tmp; touch x",
            "f() { cd /etc; }; cd /tmp; f; touch x", "u() { cd ..; }; u; u; u; touch etc/x",
            "for d in .. .. .. etc; do cd $d; done; touch x", "for i in 1 2 3; do cd ..; done; touch etc/x",
            "pushd /etc; pushd /tmp; pushd +1; touch x", "pushd /etc; pushd /tmp; popd +0; touch x",
            "cd /etc; false && cd /tmp; touch x", "cd /etc; cd /nowhere; touch x", "cd /etc; (cd /tmp); touch x",
            "(for i in 1 2 3; do cd ..; done; touch etc/x)", "f() ( cd ..; touch etc/x; f )",
            "(cd ../../../etc; touch x)",
        ])
    func folders(line: String) {
        #expect(verdict(line).decision == .ask)
    }

    @Test(
        "stay unknown for the later texts of a session",
        arguments: [
            ("readonly p=/etc/x", "p=/tmp/x\ncp a $p"), ("declare -l p", "p=../../../ETC/x; cp a $p"),
            ("f() { cd /etc; }", "cd /tmp; f; touch x"), ("IFS=:", "p=x:/etc/y; cp a $p"),
        ])
    func later(first: String, then: String) {
        var memory = ShellMemory()
        for (line, isAsked) in [(first, false), (then, true)] {
            let verdict = GuardEngine.standard.judge(
                shell: line, in: ShellContext(isRemote: true, directory: "/home/me/work"), policy: .standard,
                remembering: &memory)
            #expect((verdict.decision == .ask) == isAsked, "\(line): \(verdict.rule)")
        }
    }

    @Test(
        "lie in the home folder of a host, wherever that is, unless their path leads out of it",
        arguments: [
            ("touch ~/../../etc/x", true), ("touch $HOME/../../etc/x", true),
            ("cd /etc/nginx; cp nginx.conf ~/", false),
            ("cd /etc/nginx; cp nginx.conf $HOME/nginx-$(date +%F).conf", false),
        ])
    func homes(line: String, isAsked: Bool) {
        let context = ShellContext(isRemote: true, directory: "/home/me/work")
        let verdict = GuardEngine.standard.judge(shell: line, in: context, policy: .standard)
        #expect((verdict.decision == .ask) == isAsked, "\(verdict.rule): \(verdict.reason)")
    }

    @Test(
        "are moved by the variables that name them for the shell and its programs",
        arguments: [
            ("HOME=/etc; touch ~/x", true), ("export HOME=/etc", true), ("HOME=$x", true), ("PWD=/etc", true),
            ("CDPATH=/tmp:/; cd etc; touch x", true), ("TMPDIR=/etc/profile.d; mktemp --suffix=.sh", true),
            ("RANDOM=/etc/x", true), ("HOME=/root", false), ("TMPDIR=/tmp/x; mktemp", false), ("SECONDS=0", false),
        ])
    func moved(line: String, isAsked: Bool) {
        #expect((verdict(line).decision == .ask) == isAsked)
    }

    @Test(
        "are the machine's own where a path leads out of a folder that isn't known",
        arguments: [
            "touch ../../../etc/x", "mkdir -p ../../../etc/x", "echo x > ../../../etc/x", "tee ./../../etc/x",
            "cp a x/../../../../etc/x",
        ])
    func outside(line: String) {
        #expect(verdict(line, directory: nil).decision == .ask)
        #expect(verdict(line.replacing("etc", with: "x"), directory: nil).decision == .ask)
        #expect(verdict(line, directory: "/tmp/a/b/c/d").decision == .allow)
    }

    @Test(
        "with keys are known by patterns, too, where the folder isn't known", arguments: ["cat .ssh/*", "head .aws/c*"])
    func keys(line: String) {
        #expect(verdict(line, directory: nil).findings.contains { $0.rule == "shell-secrets" })
        #expect(verdict("cat .ssh/*.pub", directory: nil).decision == .allow)
    }

    @Test(
        "are not asked about where the text says them, or a value is only a part of a name",
        arguments: [
            "for f in *.conf; do cp \"$f\" \"$f.bak\"; done", "for f in a.conf b; do cp \"$f\" \"$f.bak\"; done",
            "for f in src/*.js; do mv \"$f\" \"${f%.js}.ts\"; done", "f=notes.txt; cp \"$f\" \"$f.bak\"",
            "d=/tmp/b; mkdir -p \"$d\" && tar czf \"$d/etc-$(date +%F).tgz\" /etc/nginx", "cp a.txt /tmp/x-$RANDOM",
            "tar czf ~/etc-$(hostname)-$(date +%F).tgz /etc/nginx", "tar czf /tmp/x-`date +%F`.tgz /etc/nginx",
            "out=~/r-$(date +%F).txt; df -h > \"$out\"; uptime >> \"$out\"", "for i in 1 2; do touch /tmp/x-$i; done",
            "for i in $(seq 3); do touch /tmp/x-$i; done", "cp a.conf a.conf.$(date +%s)", "echo $$ > /tmp/pid",
            "for u in ann bob; do for d in a b; do mkdir -p ~/work/$u/$d; done; done", "cp -- \"$1\" /tmp/",
            "src=/etc/hosts; dst=/tmp/x; cp \"$src\" \"$dst\"", "cat $f > /tmp/copy", "t=$(mktemp); df > \"$t\"",
            "for f in /var/log/*.log; do cp \"$f\" /tmp/$(basename \"$f\"); done", "cd \"$(mktemp -d)\" && touch x",
            "for f in /var/log/*.log; do wc -l \"$f\" >> /tmp/n.txt; done", "cd $HOME/work && touch x",
            "while read h; do getent hosts \"$h\"; done < hosts > /tmp/out.txt", "cat \"$f\"", "grep -r \"$x\" /etc",
            "q=/tmp; p=$q/x; q=/etc; cp a $p", "d=$PWD/x; touch $d/y", "readonly d=/tmp/x; touch $d/y",
            "declare -r a=b; d=/tmp/x; touch $d/y",
            "i=$((i + 1)); d=/tmp/x; touch $d/y-$i",
            "touch x-$(date +%Y%m%dT%H%M%SZ)", "touch \"x-$(date -d yesterday '+%d.%b %H:%M')\"",
            "t=$(mktemp -d /tmp/x.XXXXXX); cp a \"$t/etc\"", "printf '%s\\n' \"$x\" > /tmp/x; p=/tmp/y; cp a $p",
            "f() { p=/tmp/x; }; p=/tmp/y; f; cp a $p", "(cd .. && touch x)", "(cd ../x; touch y)",
            "ls && (cd ..; touch x)",
            "cd \"$x\" && ls", "p=/tmp/x; f() { uptime; }; f > $p",
            "cd /etc; ls; cd; touch x",
        ])
    func known(line: String) {
        let verdict = verdict(line)
        #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)")
    }
}
