/// `[ipaddress]'10.0.0.1'`: an IPv4 address in its usual form. .NET also reads addresses of fewer or octal numbers, and
/// IPv6.
enum NetworkAddress {
    static let typeName = "System.Net.IPAddress"

    /// Returns the address of a text; `nil` if the text certainly is none.
    static func read(_ text: String) throws(Interrupt) -> PSValue? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isOther =
            text.utf8.contains(UInt8(ascii: ":")) || parts.contains { $0.utf8.count > 1 && $0.utf8.first == 0x30 }
        // .NET reads a text without letters even if it has fewer than four numbers.
        guard !isOther, parts.count == 4 || !text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }) else {
            throw .handOver("an address in an unusual form")
        }
        guard parts.count == 4, parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return nil
        }
        let bytes = parts.compactMap { UInt8($0) }
        guard bytes.count == 4 else { return nil }
        return PSObject([("IPAddressToString", .string(text))], typeName: typeName, isCustom: false).map { .object($0) }
    }

    /// Returns the address of a value in a cast; `nil` if the cast fails.
    static func converted(_ value: PSValue) throws(Interrupt) -> PSValue? {
        switch value {
        case .null: return .null
        case .object(let object) where object.typeName == typeName: return value
        case .string(let text): return try read(text)
        default: throw .handOver("an unusual address")
        }
    }

    /// Evaluates `[ipaddress]::Parse(text)`.
    static func made(of value: PSValue) throws(Interrupt) -> PSValue {
        guard let address = try converted(value), !address.isNull else { throw .handOver("an unusual address") }
        return address
    }

    /// Calls a method of an address; `nil` for any other object.
    static func call(_ target: PSObject, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard target.typeName == typeName, arguments.isEmpty else { return nil }
        switch method {
        case "tostring": return target["IPAddressToString"]
        case "getaddressbytes":
            let text = target["IPAddressToString"]?.text ?? ""
            return .array(text.split(separator: ".").compactMap { UInt8($0) }.map { .byte($0) })
        default: return nil
        }
    }
}
