import MMCore

/// `[uri]'https://…'`: the parts of an ordinary web address.
enum UriParts {
    static let typeName = "System.Uri"

    /// Reads an address; `nil` if its parts aren't certain.
    static func made(_ text: String) -> PSValue? {
        guard let mark = text.firstRange(of: "://"), text.isPlain, !text.contains("\\"), !text.contains(" "),
            !text.contains("/./"), !text.contains("/../"), !text.contains("%"), !text.hasSuffix("/.."),
            !text.hasSuffix("/.")
        else { return nil }
        let scheme = text[..<mark.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else { return nil }
        let rest = text[mark.upperBound...]
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<end].lowercased()
        var behind = rest[end...]
        var fragment = ""
        if let hash = behind.firstIndex(of: "#") {
            fragment = String(behind[hash...])
            behind = behind[..<hash]
        }
        var query = ""
        if let sign = behind.firstIndex(of: "?") {
            query = String(behind[sign...])
            behind = behind[..<sign]
        }
        let path = behind.isEmpty ? "/" : String(behind)
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        let usual: Int32 = scheme == "https" ? 443 : 80
        guard let host = parts.first, !host.isEmpty, parts.count <= 2,
            host.utf8.allSatisfy({
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
            }),
            let port = parts.count == 2 ? Int32(parts[1]) : usual, (1...65_535).contains(port),
            (path + query + fragment).utf8.allSatisfy({ !"<>\"{}|^`[]".utf8.contains($0) })
        else { return nil }
        let place = port == usual ? String(host) : authority
        var segments: [PSValue] = []
        var segment = ""
        for character in path {
            segment.append(character)
            if character == "/" {
                segments.append(.string(segment))
                segment = ""
            }
        }
        if !segment.isEmpty { segments.append(.string(segment)) }
        let whole = "\(scheme)://\(place)\(path)\(query)\(fragment)"
        return PSObject(
            [
                ("AbsolutePath", .string(path)), ("AbsoluteUri", .string(whole)), ("LocalPath", .string(path)),
                ("Authority", .string(place)), ("IsDefaultPort", .bool(port == usual)),
                ("IsFile", .bool(false)), ("IsLoopback", .bool(host == "localhost" || host == "127.0.0.1")),
                ("PathAndQuery", .string(path + query)), ("Segments", .array(segments)), ("IsUnc", .bool(false)),
                ("Host", .string(String(host))), ("Port", .int(port)), ("Query", .string(query)),
                ("Fragment", .string(fragment)), ("Scheme", .string(scheme)), ("OriginalString", .string(text)),
                ("DnsSafeHost", .string(String(host))), ("IsAbsoluteUri", .bool(true)), ("UserEscaped", .bool(false)),
                ("UserInfo", .string("")),
            ], typeName: typeName, isCustom: false
        ).map { .object($0) }
    }
}
