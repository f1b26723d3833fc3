import MMCore

/// `[mailaddress]'name@domain'`: the parts of an ordinary address.
enum MailAddress {
    static let typeName = "System.Net.Mail.MailAddress"

    /// Parses an address; a text that is neither certainly valid nor certainly invalid is handed over.
    static func made(of value: PSValue) throws(Interrupt) -> PSValue {
        if case .object(let object) = value, object.typeName == typeName { return value }
        guard case .string(let text) = value, let address = read(text) else { throw .handOver("an unusual address") }
        return address
    }

    private static func read(_ text: String) -> PSValue? {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        func isPlain(_ part: Substring) -> Bool {
            !part.isEmpty && part.first != "." && part.last != "." && !part.contains("..")
                && part.utf8.allSatisfy { unit in
                    (0x30...0x39).contains(unit) || (0x61...0x7A).contains(unit | 0x20) || "-_.+".utf8.contains(unit)
                }
        }
        guard parts.count == 2, isPlain(parts[0]), isPlain(parts[1]) else { return nil }
        return PSObject(
            [
                ("DisplayName", .string("")), ("User", .string(String(parts[0]))), ("Host", .string(String(parts[1]))),
                ("Address", .string(text)),
            ], typeName: typeName, isCustom: false
        ).map { .object($0) }
    }
}
