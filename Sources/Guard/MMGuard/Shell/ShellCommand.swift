import ShellSyntax

extension ShellScript.Command {
    /// The program's name without its folder.
    var program: String {
        let last = ShellMemory.name(name)
        return last.isEmpty ? name : last
    }

    /// Returns a command that consists of some of these words: the one that a wrapper such as `env` starts.
    func inner(_ range: Range<Int>) -> ShellScript.Command? {
        guard !range.isEmpty else { return nil }
        var command = self
        command.words = Array(words[range])
        command.assignments = []
        command.redirections = []
        return command
    }

    /// Returns the command that begins with the word at an index; `nil` if there is none.
    func inner(from start: Int) -> ShellScript.Command? { start < words.count ? inner(start..<words.count) : nil }

    /// The files from which it reads.
    var inputFiles: [String] { redirections.filter { $0.kind == .input && $0.opensFile }.map(\.target.value) }

    /// Returns the input that a file name stands for, if it names one of the command's own descriptors or another
    /// command's output; `nil` for every other name.
    func input(named file: ShellScript.Word) -> ShellScript.Input? {
        if file.value == "<()" { return .output }
        if file.value == "/dev/stdin" { return inputs[0] ?? .output }
        for folder in ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"] where file.value.hasPrefix(folder) {
            return Int(file.value.dropFirst(folder.count)).flatMap { inputs[$0] } ?? .output
        }
        return nil
    }
}
