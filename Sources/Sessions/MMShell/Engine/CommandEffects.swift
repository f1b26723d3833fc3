import MMCore
import ShellSyntax

/// What a command may do to the shell that runs it, judged by its text. In doubt it may do everything.
struct CommandEffects: Sendable, Hashable {
    /// Whether exported variables may be others afterwards.
    var mayExport = true
    /// Whether functions or aliases may be made: then no word is known to mean what it says.
    var mayRedefine = true
    /// Whether a program may be started, or something read: then the descriptors of the session have to be put away.
    var mayStartPrograms = true
    /// Whether nothing is left to run when the program that runs has ended: only the last command starts one.
    var endsWithItsProgram = false
    /// Whether the shell itself may be told what to do on SIGINT, beside giving up its list.
    var mayTrapInterrupts = true

    /// Those of a text that nobody has read.
    static let everything = CommandEffects(of: "", known: false)

    /// Builtins that change variables and nothing else that matters here.
    private static let setting: Set<String> = ["cd", "pushd", "popd", "export", "unset", "readonly", "umask", "ulimit"]

    /// Builtins of every shell that start nothing and read nothing.
    private static let quiet: Set<String> = [
        "cd", "pwd", "echo", "true", "false", ":", "test", "[", "umask", "export", "unset", "readonly",
    ]

    /// Judges a text.
    /// - Parameter known: false when words may have been given another meaning before.
    init(of text: String, known: Bool) {
        mayTrapInterrupts = Self.trapsInterrupts(text)
        // Longer ones are not worth the reading. What this grammar accepts holds no expansion, assignment or function.
        guard text.utf8.count <= 1000 else { return }
        let plain = try? ShellScript.parse(text)
        if let script = plain ?? (try? ShellScript.parse(String(Self.withoutAssignments(text[...])))) {
            endsWithItsProgram = script.commands.dropLast().allSatisfy {
                Self.quiet.contains($0.name) && $0.controlOperator != .pipe
            }
        }
        guard known, let script = plain else { return }
        for command in script.commands where !Self.setting.contains(command.name) {
            // Any other program leaves the shell as it is.
            if ShellPolicy.never.contains(command.name) || command.name == "printf" { return }
        }
        mayRedefine = false
        mayExport = script.commands.contains { Self.setting.contains($0.name) }
        mayStartPrograms = script.commands.contains { command in
            !Self.quiet.contains(command.name) || command.controlOperator == .pipe
                || command.redirections.contains { $0.kind == .duplicate }
        }
    }

    /// The text without plain assignments at its beginning, which start nothing.
    private static func withoutAssignments(_ text: Substring) -> Substring {
        guard let end = text.firstIndex(of: ";"), let equals = text[..<end].firstIndex(of: "=") else { return text }
        func isPlain(_ part: Substring) -> Bool {
            part.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F }
        }
        let name = text[..<equals].drop { $0 == " " }
        guard !name.isEmpty, isPlain(name), isPlain(text[text.index(after: equals)..<end]) else { return text }
        return withoutAssignments(text[text.index(after: end)...])
    }

    /// Whether a command sets a trap on SIGINT. What stands in quotes is for another shell, which inherits no trap that it
    /// could go on after.
    private static func trapsInterrupts(_ text: String) -> Bool {
        guard ByteSearch.find(Array("trap".utf8), in: Array(text.lowercased().utf8)) != nil else { return false }
        guard let script = try? ShellScript.parse(text, as: .whole) else { return true }
        func isTrapFunction(_ word: String) -> Bool { word.contains("TRAPINT") }
        if script.functions.contains(where: isTrapFunction) { return true }
        return script.commands.contains { command in
            if (command.words + command.assignments).contains(where: { isTrapFunction($0.value) }) { return true }
            guard let place = command.words.firstIndex(where: { $0.value == "trap" }) else { return false }
            var operands = command.words[place...].dropFirst().filter { !$0.value.hasPrefix("-") }
            // The first one is what the trap does.
            if operands.count > 1 { operands.removeFirst() }
            return operands.contains { !$0.isFixed || ["INT", "SIGINT", "2"].contains($0.value.uppercased()) }
        }
    }
}
