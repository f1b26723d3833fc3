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
        if let script = try? ShellScript.parse(String(Self.withoutAssignments(text[...]))) {
            endsWithItsProgram = script.commands.dropLast().allSatisfy {
                Self.quiet.contains($0.name) && $0.joint != .pipe
            }
        }
        guard known, let script = try? ShellScript.parse(text) else { return }
        for command in script.commands where !Self.setting.contains(command.name) {
            // Any other program leaves the shell as it is.
            if ShellPolicy.never.contains(command.name) || command.name == "printf" { return }
        }
        mayRedefine = false
        mayExport = script.commands.contains { Self.setting.contains($0.name) }
        mayStartPrograms = script.commands.contains { command in
            !Self.quiet.contains(command.name) || command.joint == .pipe
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

    /// Whether words outside of quotes set a trap on SIGINT. What stands in quotes is for another shell, which inherits no
    /// trap that it could go on after.
    private static func trapsInterrupts(_ text: String) -> Bool {
        guard ByteSearch.find(Array("trap".utf8), in: Array(text.lowercased().utf8)) != nil else { return false }
        var quote: UInt8?
        var isEscaped = false
        var bare: [UInt8] = []
        for byte in text.utf8 {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "'") {
                isEscaped = true
            } else if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
                bare.append(UInt8(ascii: "q"))
            } else {
                bare.append(byte)
            }
        }
        let words = String(decoding: bare, as: UTF8.self).split { !$0.isLetter && !$0.isNumber && $0 != "$" }
        if words.contains(where: { $0.hasPrefix("TRAPINT") }) { return true }
        guard let place = words.firstIndex(of: "trap") else { return false }
        return words[place...].contains { ["INT", "SIGINT", "2"].contains($0.uppercased()) || $0.hasPrefix("$") }
    }
}
