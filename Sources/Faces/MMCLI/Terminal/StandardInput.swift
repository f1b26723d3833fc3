package import MMCore

/// Standard input as one text, for `-` on a command line.
package enum StandardInput {
    /// Reads standard input to its end.
    /// - Throws: `MMError.invalidInput` when it isn't UTF-8 text or exceeds 64 MiB.
    @Sendable package static func text() throws(MMError) -> String {
        let bytes = try ReadableFile.drain(0, named: "Standard input", limit: 64 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw MMError(.invalidInput, "Standard input is not UTF-8 text.")
        }
        return text
    }
}
