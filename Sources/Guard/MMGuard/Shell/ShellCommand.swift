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

    /// What stands behind a file's name that is one of the command's own descriptors, or another command's output; `nil` for every
    /// other name.
    func input(named file: ShellScript.Word) -> ShellScript.Input? {
        if file.value == "<()" { return .output }
        if file.value == "/dev/stdin" { return inputs[0] ?? .output }
        for folder in ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"] where file.value.hasPrefix(folder) {
            return Int(file.value.dropFirst(folder.count)).flatMap { inputs[$0] } ?? .output
        }
        return nil
    }
}
