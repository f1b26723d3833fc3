import Glibc
import MMCore
import MMOperations
import MMShell
import MMSystem

/// This terminal, given to a session: what is typed goes there as it is, and what comes from there is shown as it is.
struct SessionTerminal {
    /// How long a person may stay.
    static let stay = Duration.seconds(90 * 86_400)

    private let streams: CommandStreams
    private let keyboard: Keyboard

    /// A terminal that isn't given away yet: questions are still asked in it.
    /// - Throws: `.unavailable` without a terminal.
    init(_ streams: CommandStreams) throws(MMError) {
        self.streams = streams
        keyboard = try Keyboard()
    }

    /// The arguments of a call that is told what this terminal is.
    func arguments(_ given: JSONObject, environment: [String: String]) -> JSONObject {
        var arguments = given
        let size = Keyboard.size
        arguments["rows"] = .int(Int64(size.rows))
        arguments["columns"] = .int(Int64(size.columns))
        if let type = environment["TERM"] { arguments["term"] = .string(type) }
        return arguments
    }

    /// A call that takes its input from here for as long as the person stays.
    func context(_ given: CallContext) -> CallContext {
        var context = given
        context.input = keyboard
        context.timeLimit = Self.stay
        context.backgroundAfter = nil
        return context
    }

    /// Shows an answer until it ends or the person leaves.
    /// - Returns: the exit code.
    func show(_ answer: OperationAnswer) async throws(MMError) -> Int32 {
        guard let stream = answer.body.stream else {
            keyboard.end()
            throw MMError(.internalError, "The terminal did not open.")
        }
        let outcome = await Result { () async throws(MMError) in try await pass(stream) }
        keyboard.end()
        try outcome.get()
        let end = stream.end()
        for note in answer.notes + end.notes { streams.note(streams.styled(note, .quiet)) }
        return end.exitStatus ?? 0
    }

    private func pass(_ stream: ItemStream) async throws(MMError) {
        let mode = try RawMode(STDIN_FILENO)
        keyboard.begin()
        // Told once the keys go to the session: what is typed before is lost.
        streams.note(streams.styled("Ctrl-] d leaves it running.", .quiet))
        while let batch = try await stream.next() {
            for row in batch { try streams.pass(try CommandPiece(row: row).bytes) }
        }
        _ = consume mode
    }
}
