import ShellSyntax

/// What a command may do to the shell that runs it, judged by its text. In doubt it may do everything.
struct CommandEffects: Sendable, Hashable {
    /// Whether exported variables may be others afterwards.
    var mayExport = true
    /// Whether functions or aliases may be made: then no word is known to mean what it says.
    var mayRedefine = true
    /// Whether a program may be started, or something read: then the descriptors of the session have to be put away.
    var mayStartPrograms = true

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
        // Longer ones are not worth the reading. What this grammar accepts holds no expansion, assignment or function.
        guard known, text.utf8.count <= 1000, let script = try? ShellScript.parse(text) else { return }
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
}
