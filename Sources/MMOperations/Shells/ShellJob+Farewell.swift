import MMShell

extension ShellJob {
    /// What is kept of a stream, without the word with which an interactive shell takes its leave: nobody wrote it.
    func spoken(_ stream: ShellCommand.Stream) -> Output {
        var output = output(stream)
        guard stream == .stderr, let end, end.cause == .shellEnded, output.omitted == 0 else { return output }
        var bytes = output.head + output.tail
        for word in ["exit\n", "logout\n"] where bytes.suffix(word.utf8.count).elementsEqual(word.utf8) {
            let rest = bytes.dropLast(word.utf8.count)
            // A line of its own, or all there is.
            guard rest.isEmpty || rest.last == 0x0A else { continue }
            bytes = Array(rest)
            break
        }
        output.total -= output.head.count + output.tail.count - bytes.count
        output.head = bytes
        output.tail = []
        return output
    }
}
