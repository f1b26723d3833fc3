import ShellSyntax

extension ShellScript.Command {
    /// The program's name without its folder.
    var program: String { name.split(separator: "/").last.map(String.init) ?? name }

    /// The same command with some of its words alone: what a wrapper such as `env` starts.
    func inner(_ range: Range<Int>) -> ShellScript.Command? {
        guard !range.isEmpty else { return nil }
        var command = self
        command.words = Array(words[range])
        command.assignments = []
        command.redirections = []
        return command
    }
}
