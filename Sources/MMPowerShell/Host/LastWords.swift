import MMCore

/// The end of what a process wrote to its standard error: it usually says there why it ends.
struct LastWords: Sendable {
    private static let most = 8192
    private var bytes: [UInt8] = []

    /// Takes what was written.
    mutating func add(_ more: some Collection<UInt8>) {
        bytes.append(contentsOf: more.suffix(Self.most))
        if bytes.count > 2 * Self.most { bytes.removeFirst(bytes.count - Self.most) }
    }

    /// The words, without colours, secrets and the frames of a stack; `nil` when there are none.
    var text: String? {
        let lines = TerminalText.plain(String(decoding: bytes.suffix(Self.most), as: UTF8.self))
            .split(whereSeparator: \.isNewline)
            .map { String($0).trimmingBlanks() }
            .filter { !$0.isEmpty && !$0.hasPrefix("at ") }
        guard !lines.isEmpty else { return nil }
        let text = Redactor.standard.text(lines.suffix(6).joined(separator: " / "))
        return text.count > 600 ? "…" + text.suffix(600) : text
    }

    /// Whether they speak of memory.
    var speakOfMemory: Bool { text?.lowercased().contains("out of memory") ?? false }
}
