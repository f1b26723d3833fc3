/// `Tee-Object`: passes its input on, and keeps it in a variable or a file.
final class TeeStage: Stage {
    private let command: BoundCommand
    private let evaluator: Evaluator
    private let host: NativeHost
    /// The file; `nil` for a variable.
    private let path: String?
    private var items: [PSValue] = []

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        guard let host = evaluator.host else { throw .handOver("the command Tee-Object") }
        (self.command, self.evaluator, self.host) = (command, evaluator, host)
        path = command["Variable"] == nil ? try HostCommands.onlyPath(command, in: host) : nil
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        items.append(item)
        do throws(Interrupt) {
            try next(item)
        } catch {
            // What was passed on is kept in a file also where the pipeline ends early, but in no variable.
            if let path { try write(to: path) }
            throw error
        }
    }

    override func finish() throws(Interrupt) {
        if let path {
            if !items.isEmpty { try write(to: path) }
        } else if let name = command["Variable"] {
            try command.refuseUnread()
            try evaluator.set(try PSText.string(name).lowercased(), .collapsed(items))
        }
    }

    private func write(to path: String) throws(Interrupt) {
        let text = try HostCommands.lines(items)
        try host.write(Array(text.utf8), to: path, isAppending: command.isSet("Append"))
    }
}
