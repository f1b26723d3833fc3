import ShellSyntax

/// A line that is typed into a running program.
package struct TypedText: Sendable, Hashable {
    /// The line, as far as it is known.
    var text: String
    /// The program that reads it, if the system reports it.
    var program: String?
    /// The command that started the program.
    var command: String
    /// Whether the program is waiting for it at a prompt.
    var isAnswer: Bool
    /// Whether keys for history or completion were pressed, which put other text into the line.
    var isUnknown: Bool

    /// Creates a line.
    package init(_ text: String, program: String?, command: String, isAnswer: Bool, isUnknown: Bool = false) {
        self.text = text
        self.program = program
        self.command = command
        self.isAnswer = isAnswer
        self.isUnknown = isUnknown
    }
}

/// Lines typed into a running program: at the prompt of a shell or an interpreter they are commands.
extension ShellJudge {
    private static let pagers = ShellWords.list("pagers")

    /// Judges a typed line.
    func findings(typed line: TypedText) -> [GuardFinding] {
        let text = line.text
        var programs = line.program.map { [ShellMemory.name($0)] } ?? []
        if programs.isEmpty, let script = try? ShellScript.parse(line.command, as: .whole) {
            programs = script.commands.map(\.program).filter { !$0.isEmpty }
        }
        if programs.isEmpty { programs = ["sh"] }
        // Whatever program reads the line, the worst case is a shell that runs it as a command.
        var found = findings(in: text).filter(Self.weighs)
        var isPrompt = false
        for name in Set(programs).sorted() {
            let leadsElsewhere = ["host-doors", "container-clients"].contains { ShellWords.contains(name, in: $0) }
            if leadsElsewhere || ShellPrograms.shells.contains(name) || ShellWords.contains(name, in: "doors") {
                isPrompt = true
                let judge = leadsElsewhere ? elsewhere : self
                found += judge.findings(in: text).filter { $0.rule != ShellRule.unreadable.rawValue }
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
