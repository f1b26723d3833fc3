import MMCore

/// `[mailaddress]'name@domain'`: the parts of an ordinary address.
enum MailAddress {
    static let typeName = "System.Net.Mail.MailAddress"
    /// The message about a text that is no address.
    static let malformed = "The specified string is not in the form required for an e-mail address."

    /// Returns the address of a value in a cast; `nil` if the cast fails. A text that is neither certainly valid nor
    /// certainly invalid is handed over.
    static func converted(_ value: PSValue) throws(Interrupt) -> PSValue? {
        if case .object(let object) = value, object.typeName == typeName { return value }
        guard case .string(let text) = value else { throw .handOver("an unusual address") }
        guard text.isEmpty || text.contains("@") else { return nil }
        guard let address = read(text) else { throw .handOver("an unusual address") }
        return address
    }

    /// Evaluates `[mailaddress]::new(text)`.
    static func made(of value: PSValue) throws(Interrupt) -> PSValue {
        if case .string("") = value {
            let message = "The value cannot be an empty string. (Parameter 'address')"
            let fault = Readings.Fault(exception: "ArgumentException", message: message, isCertain: false)
            throw Readings.failure(".ctor", 1, fault)
        }
        guard let address = try converted(value) else { throw Readings.failure(".ctor", 1, malformed) }
        return address
    }

    private static func read(_ text: String) -> PSValue? {
        guard text.last == ">" else { return read(text, name: "") }
        guard let open = text.firstIndex(of: "<") else { return nil }
        var name = text[..<open].drop { $0 == " " }
        while name.last == " " { name.removeLast() }
        if name.count > 1, name.first == "\"", name.last == "\"" { name = name.dropFirst().dropLast() }
        guard name.allSatisfy({ $0.isLetter || $0.isNumber || " -_.'".contains($0) }) else { return nil }
        return read(String(text[open...].dropFirst().dropLast()), name: String(name))
    }

    private static func read(_ address: String, name: String) -> PSValue? {
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        func isPlain(_ part: Substring) -> Bool {
            !part.isEmpty && part.first != "." && part.last != "." && !part.contains("..")
                && part.utf8.allSatisfy { unit in
                    (0x30...0x39).contains(unit) || (0x61...0x7A).contains(unit | 0x20) || "-_.+".utf8.contains(unit)
                }
        }
        guard parts.count == 2, isPlain(parts[0]), isPlain(parts[1]) else { return nil }
        return PSObject(
            [
                ("DisplayName", .string(name)), ("User", .string(String(parts[0]))),
                ("Host", .string(String(parts[1]))), ("Address", .string(address)),
            ], typeName: typeName, isCustom: false
        ).map { .object($0) }
    }
}
