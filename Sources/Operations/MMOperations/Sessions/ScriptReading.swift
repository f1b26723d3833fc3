import MMCore
import PowerShellSyntax

/// What a script's text says by itself: its tree, its variables, what the audit log has of it. The same text always says the same.
final class ScriptReading: Sendable {
    let parsed: ParsedScript
    let variables: VariableUse
    let digest: ScriptDigest

    /// Reads a text.
    init(_ text: String) {
        parsed = PowerShellParser.parse(text)
        variables = VariableUse(parsed)
        digest = ScriptDigest(text, parsed)
    }
}

/// The readings of scripts that ran lately: who runs one again doesn't wait until it is read again.
///
/// Only short scripts that read and were let through are kept: others are rare, and may hold what should not stay in memory.
final class ScriptReadings: Sendable {
    private let kept = RecentValues<ExactKey, ScriptReading>(size: 256)
    /// How long a kept script may be, in bytes.
    private static let longest = 4 << 10

    /// The reading of a text, which is kept from before or made now.
    func reading(of text: String) -> ScriptReading {
        guard text.utf8.count <= Self.longest else { return ScriptReading(text) }
        return kept.value(for: ExactKey(text)) ?? ScriptReading(text)
    }

    /// Keeps the reading of a text that was let through and only reads.
    func keep(_ reading: ScriptReading, of text: String) {
        if text.utf8.count <= Self.longest { kept.keep(reading, for: ExactKey(text)) }
    }
}
