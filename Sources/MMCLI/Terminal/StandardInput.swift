package import MMCore

/// Standard input as one text, for `-` on a command line.
package enum StandardInput {
    /// Everything up to its end.
    /// - Throws: `MMError.invalidInput` when it is no UTF-8 text or over 64 MiB.
    @Sendable package static func text() throws(MMError) -> String {
        let bytes = try ReadableFile.drain(0, named: "Standard input", limit: 64 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw MMError(.invalidInput, "Standard input is no UTF-8 text.")
        }
        return text
    }
}
