/// The note of an answer that says what ran a script.
package enum EngineRemark {
    private static let mark = "engine: "

    /// The native engine ran it.
    static let native = mark + "native"

    /// Returns the note that PowerShell ran it, although the native engine was asked first.
    static func pwsh(because reason: String) -> String { mark + "pwsh (\(reason))" }

    /// Returns whether a note says this.
    package static func isOne(_ note: String) -> Bool { note.hasPrefix(mark) }

    /// Leaves the note out of an answer, which has it in front.
    package static func leaveOut(of answer: inout OperationAnswer) {
        if let first = answer.notes.first, isOne(first) { answer.notes.removeFirst() }
    }
}
