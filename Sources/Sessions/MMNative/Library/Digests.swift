import COpenSSL
import MMCore
import PowerShellSyntax

/// .NET's digests: `[System.Security.Cryptography.SHA256]` and its kin.
enum Digests {
    private static let prefix = "System.Security.Cryptography."

    /// Returns the digest with a name; `nil` for an unknown one, or without OpenSSL.
    static func digest(_ bytes: [UInt8], _ name: String, key: [UInt8] = []) -> [UInt8]? {
        let name = name.uppercased().filter { $0 != "-" }
        if name == "HMACSHA256" { return HMAC.sha256(bytes, key: key) }
        guard ["SHA", "SHA1", "SHA256", "SHA384", "SHA512", "MD5"].contains(name) else { return nil }
        var digest = [UInt8](repeating: 0, count: Int(MM_DIGEST))
        let count = mm_digest(name == "SHA" ? "SHA1" : name, bytes, bytes.count, &digest)
        return count < 0 ? nil : Array(digest.prefix(Int(count)))
    }

    private static func name(of type: PSType, _ arguments: [PSValue]) -> String? {
        switch type {
        case .digest: arguments.first?.text ?? "SHA256"
        case .sha256, .sha1, .sha384, .sha512, .md5: type.rawValue.uppercased()
        case .keyedsha256: "HMACSHA256"
        default: nil
        }
    }

    /// Calls a static method; `nil` for other types and methods.
    static func call(_ type: PSType, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard let name = name(of: type, arguments) else { return nil }
        switch (method, arguments.count) {
        case ("create", 0...1), ("new", 0...1):
            guard let size = digest([], name)?.count else { return nil }
            let isKeyed = type == .keyedsha256 && arguments.count == 1
            let secret: [PSValue] = try isKeyed ? LibraryTypes.bytes(arguments[0]).map { .byte($0) } : []
            return PSObject(
                [("HashSize", .int(Int32(size * 8))), ("Key", .array(secret))],
                typeName: prefix + name.uppercased().filter { $0 != "-" }, isCustom: false
            ).map { .object($0) }
        case ("hashdata", 1): return digest(try LibraryTypes.bytes(arguments[0]), name).map(Self.array)
        default: return nil
        }
    }

    /// Calls a method of a digest; `nil` for any other object or method.
    static func call(_ target: PSObject, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard target.typeName.hasPrefix(prefix) else { return nil }
        switch (method, arguments.count) {
        case ("computehash", 1):
            let key = try LibraryTypes.bytes(target["Key"] ?? .array([]))
            let bytes = try LibraryTypes.bytes(arguments[0])
            return digest(bytes, String(target.typeName.dropFirst(prefix.utf8.count)), key: key).map(array)
        case ("dispose", 0), ("clear", 0): return .nothing
        default: return nil
        }
    }

    private static func array(_ bytes: [UInt8]) -> PSValue { .array(bytes.map { .byte($0) }) }
}
