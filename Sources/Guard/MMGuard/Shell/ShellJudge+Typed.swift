import ShellSyntax

/// A line that is typed into a program that runs.
public struct TypedText: Sendable, Hashable {
    /// The line, as far as it is known.
    var text: String
    /// The program that reads it, where the system tells.
    var program: String?
    /// The command that was started.
    var command: String
    /// Whether the program waits for it at a prompt.
    var isAnswer: Bool
    /// Whether keys were pressed that put something else there: history, completion.
    var isUnknown: Bool

    /// A line.
    public init(_ text: String, program: String?, command: String, isAnswer: Bool, isUnknown: Bool = false) {
        self.text = text
        self.program = program
        self.command = command
        self.isAnswer = isAnswer
        self.isUnknown = isUnknown
    }
}

/// What is typed into a program that runs: at the prompt of a shell or an interpreter it is a command of it.
extension ShellJudge {
    /// Programs behind which a shell may read.
    private static let doors: Set<String> = [
        "ssh", "mosh", "telnet", "su", "sudo", "doas", "screen", "tmux", "docker", "podman", "kubectl", "oc", "nerdctl",
        "script",
        "expect", "machinectl", "nsenter", "chroot", "unshare", "lxc", "wsl", "login", "busybox", "toybox", "env",
        "exec", "xargs",
    ]
    private static let pagers: Set<String> = [
        "less", "more", "man", "zless", "most", "journalctl", "git", "systemctl", "pager",
    ]

    /// What is found in a typed line.
    func findings(typed line: TypedText) -> [GuardFinding] {
        let text = line.text
        var programs = line.program.map { [ShellMemory.name($0)] } ?? []
        if programs.isEmpty, let script = try? ShellScript.parse(line.command, as: .whole) {
            programs = script.commands.map(\.program).filter { !$0.isEmpty }
        }
        if programs.isEmpty { programs = ["sh"] }
        // Whichever program reads it: a command that a shell would take it for is the worst that it may be.
        var found = findings(in: text).filter(Self.weighs)
        var isPrompt = false
        for name in Set(programs).sorted() {
            if ShellPrograms.shells.contains(name) || Self.doors.contains(name) {
                isPrompt = true
                found += findings(in: text).filter { $0.rule != ShellRule.unreadable.rawValue }
            } else if Self.isInterpreter(name) {
                isPrompt = true
                found += findings(inScript: text, of: name, 0)
            } else if let row = CarriedText.table[name] {
                isPrompt = isPrompt || row.input != nil
                found += carried(ShellScript.Word(text), row.input ?? .editor, program: name, 0)
            } else {
                found += editor(text, 0).filter(Self.weighs)
            }
        }
        if line.isUnknown, isPrompt {
            found.append(finding(.dynamic, subject: "typed: \(text)", more: ": keys changed the line"))
        }
        let turnsPages =
            Self.pagers.isSuperset(of: programs)
            && text.utf8.allSatisfy { "qQ fbgGjkdunNhyY/?0123456789".utf8.contains($0) }
        let answers = line.isAnswer && !isPrompt && !line.isUnknown && Self.pagers.isDisjoint(with: programs)
        return found + [finding(turnsPages || answers ? .reads : .writes, subject: "typed: \(text)")]
    }
}
