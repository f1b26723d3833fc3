package import MMShell

/// What an interactive shell writes to standard error by itself when it ends: `exit` or `logout`.
enum ShellExitBanner {
    private static let words = ["exit\n", "logout\n"].map { Array($0.utf8) }

    /// The output, and the banner behind it where there is one: a line of its own, or all there is.
    static func split(_ bytes: [UInt8]) -> (said: [UInt8], banner: [UInt8]) {
        for word in words where bytes.suffix(word.count).elementsEqual(word) {
            let rest = bytes.dropLast(word.count)
            if rest.isEmpty || rest.last == 0x0A { return (Array(rest), word) }
        }
        return (bytes, [])
    }
}

extension ShellJob {
    /// What is kept of a stream, without the banner.
    package func strippingExitBanner(_ stream: ShellCommand.Stream) -> Output {
        var output = output(stream)
        guard stream == .stderr, let end, end.cause == .shellEnded, output.omitted == 0 else { return output }
        let (said, banner) = ShellExitBanner.split(output.head + output.tail)
        output.total -= banner.count
        output.head = said
        output.tail = []
        return output
    }
}

extension ShellEnd {
    /// The exit status for a terminal that ran the command: its own, that of timeout(1), or a failure.
    var exitStatus: Int32 {
        switch cause {
        case .finished, .shellEnded: exitCode
        case .deadline: 124
        case .cancelled, .flood, .closed, .lost: 1
        }
    }
}
