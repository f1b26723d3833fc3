import MMCore

/// The form in which the tools of the earlier servers carry a file's content.
enum ContentEncoding {
    /// Text in UTF-8.
    case text
    /// Bytes in base64.
    case base64

    /// Reads the argument `encoding`. Callers write the names with and without hyphens, in any case.
    /// - Parameter standard: the encoding when the call names none.
    /// - Throws: `invalidInput`, naming the known encodings: content that is written in another one would be wrong.
    static func of(_ arguments: ToolArguments, or standard: ContentEncoding) throws(MMError) -> ContentEncoding {
        guard let word = arguments.text("encoding") else { return standard }
        switch word.lowercased().filter({ $0 != "-" && $0 != "_" }) {
        case "utf8": return .text
        case "base64": return .base64
        default: throw MMError(.invalidInput, "unknown encoding '\(word.prefix(40))': use utf-8 or base64")
        }
    }
}

extension ToolArguments {
    /// Returns the permissions that a written file gets; `nil` to leave them as they are.
    /// - Throws: `invalidInput` for anything but permission bits.
    func permissions() throws(MMError) -> UInt32? {
        guard let written = values["permissions"], !written.isNull else { return nil }
        guard let bits = number("permissions"), (0...0o7777).contains(bits) else {
            throw MMError(.invalidInput, "permissions must be a number from 0 to 4095, such as 420 for octal 0644")
        }
        return UInt32(bits)
    }
}
