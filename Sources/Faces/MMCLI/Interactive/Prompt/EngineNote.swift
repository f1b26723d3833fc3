import MMCore

/// Which engine ran the commands of a prompt: told with the first command, and again when another one takes over.
final class EngineNote: Sendable {
    private let last = Mutex<String?>(nil)

    /// Whether a note says something that the prompt's person hasn't read yet.
    func isNews(_ note: String) -> Bool {
        guard note.hasPrefix("engine: ") else { return true }
        return last.withLock { last in
            defer { last = note }
            return last != note
        }
    }
}
