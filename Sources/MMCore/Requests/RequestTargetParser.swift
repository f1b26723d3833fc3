/// Parses an endpoint in URL order: origin, then fragment, query and path.
struct RequestTargetParser {
    private static let longest = 16 << 10

    let service: RequestService
    let allowedHosts: [String]
    let normalization: RequestTarget.PathNormalization

    func parse(_ text: String) throws(MMError) -> RequestTarget {
        var rest = trimmed(text)
        guard !rest.isEmpty else {
            throw refused("The endpoint is empty.", "Give a path such as /me or /users?$top=5.")
        }
        guard rest.utf8.count <= Self.longest else {
            throw refused(
                "The endpoint is longer than \(Self.longest) bytes.", "Split long filters into several requests.")
        }
        try checkCharacters(rest)
        let origin = try takeOrigin(&rest)
        if let hash = rest.firstIndex(of: "#") {
            if normalization == .refuse {
                throw refused(
                    "The endpoint contains a fragment (#…), which is never sent.",
                    "Write %23 for a # in a name, or leave out the fragment.")
            }
            rest = rest[..<hash]
        }
        let question = rest.firstIndex(of: "?")
        let queryItems = try question.map { (position) throws(MMError) in
            try parseQuery(rest[rest.index(after: position)...])
        }
        var segments = try parsePath(question.map { rest[..<$0] } ?? rest)
        var version: String?
        if service == .graph {
            version = "v1.0"
            if let first = segments.first?.lowercased(), first == "v1.0" || first == "beta" {
                version = first
                segments.removeFirst()
            }
        }
        return RequestTarget(
            service: service, writtenOrigin: origin, version: version, segments: segments, queryItems: queryItems ?? [])
    }

    /// Drops the whitespace, quotes and angle brackets that people copy along. A closing `'` is kept unless one opened
    /// the text, because it may end a key or a filter, as in `users('x')` and `$filter=name eq 'x'`.
    private func trimmed(_ text: String) -> Substring {
        func dropBlanks(_ rest: inout Substring) {
            while let first = rest.first, first.isWhitespace { rest.removeFirst() }
            while let last = rest.last, last.isWhitespace { rest.removeLast() }
        }
        let closers: [Character: Character] = ["\"": "\"", "'": "'", "`": "`", "<": ">"]
        var rest = text[...]
        dropBlanks(&rest)
        while let first = rest.first, let closer = closers[first] {
            rest.removeFirst()
            if rest.last == closer { rest.removeLast() }
            dropBlanks(&rest)
        }
        return rest
    }

    private func checkCharacters(_ text: Substring) throws(MMError) {
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7f {
                throw refused(
                    "The endpoint contains a control character.", "Write it on one line, without tabs or line ends.")
            }
            if byte == UInt8(ascii: "\\") {
                throw refused("The endpoint contains a backslash.", "Separate segments with a slash (/).")
            }
        }
    }

    // MARK: Origin

    private func takeOrigin(_ rest: inout Substring) throws(MMError) -> String? {
        let end = rest.firstIndex(where: { $0 == "/" || $0 == "?" || $0 == "#" }) ?? rest.endIndex
        if let scheme = schemeLength(rest[..<end]),
            rest[rest.index(rest.startIndex, offsetBy: scheme + 1)...].hasPrefix("//")
        {
            let name = rest.prefix(scheme).lowercased()
            var after = rest.dropFirst(scheme + 3)
            let hostEnd = after.firstIndex(where: { $0 == "/" || $0 == "?" || $0 == "#" }) ?? after.endIndex
            let origin = try checkAuthority(String(after[..<hostEnd]), scheme: name)
            after = after[hostEnd...]
            rest = after
            return origin
        }
        // People paste graph.microsoft.com/v1.0/me without a scheme.
        var head = rest
        if normalization == .clean { while head.first == "/" { head.removeFirst() } }
        let headEnd = head.firstIndex(where: { $0 == "/" || $0 == "?" || $0 == "#" }) ?? head.endIndex
        if let origin = admittedOrigin(String(head[..<headEnd]), scheme: "https") {
            rest = head[headEnd...]
            return origin
        }
        if rest[..<end].contains("@"), rest[..<end].contains(":"), admittedHostSuffix(rest[..<end]) {
            throw refused(
                "The endpoint contains user information before the host.", "Leave out everything before the @.")
        }
        return nil
    }

    private func schemeLength(_ head: Substring) -> Int? {
        guard let colon = head.firstIndex(of: ":"), let first = head.first, first.isASCII, first.isLetter else {
            return nil
        }
        let scheme = head[..<colon]
        guard scheme.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+" || $0 == "-" || $0 == ".") })
        else { return nil }
        return scheme.count
    }

    private func checkAuthority(_ authority: String, scheme: String) throws(MMError) -> String {
        if authority.contains("@") {
            throw refused(
                "The endpoint contains user information before the host.", "Leave out everything before the @.")
        }
        if let origin = admittedOrigin(authority, scheme: scheme) { return origin }
        if scheme != "https" {
            throw refused(
                "The endpoint uses \(scheme):, only https: is sent.",
                "Use only the path, such as /me, or https://.")
        }
        throw refused(
            "The endpoint's host \(shown(authority)) is not the \(service.rawValue) host of this connection.",
            "Allowed: \(allowedHosts.joined(separator: ", ")). Use only the path, such as /me.")
    }

    private func admittedHostSuffix(_ head: Substring) -> Bool {
        guard let at = head.lastIndex(of: "@") else { return false }
        return admittedOrigin(String(head[head.index(after: at)...]), scheme: "https") != nil
    }

    /// Returns the origin of an allowed authority, compared without case, default port and trailing dot.
    private func admittedOrigin(_ authority: String, scheme: String) -> String? {
        guard !authority.isEmpty, authority.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        for entry in allowedHosts {
            let parts = entry.lowercased().split(separator: "/", omittingEmptySubsequences: true)
            guard let last = parts.last else { continue }
            if parts.count == 1 {
                if scheme == "https", plain(authority, port: ":443") == plain(String(last), port: ":443") {
                    return "https://" + last
                }
            } else if parts[0] == "\(scheme):" {
                let port = scheme == "https" ? ":443" : ":80"
                guard plain(authority, port: port) == plain(String(last), port: port) else { continue }
                if scheme == "https" || (scheme == "http" && isLoopback(String(last))) { return "\(scheme)://" + last }
            }
        }
        return nil
    }

    private func plain(_ authority: String, port: String) -> String {
        var host = authority.lowercased()
        if host.hasSuffix(port) { host.removeLast(port.count) }
        if host.hasSuffix(".") { host.removeLast() }
        return host
    }

    private func isLoopback(_ authority: String) -> Bool {
        if authority.hasPrefix("[::1]") { return true }
        let host = authority.split(separator: ":").first ?? ""
        return host == "127.0.0.1" || host == "localhost"
    }

    // MARK: Query

    private func parseQuery(_ query: Substring) throws(MMError) -> [QueryItem] {
        var items: [QueryItem] = []
        for part in QueryText.options(of: query) {
            let name = try decoded(part.prefix { $0 != "=" }, "query")
            let value = try QueryText.value(of: part).map { (text) throws(MMError) in try decoded(text, "query") }
            items.append(QueryItem(name, value))
        }
        return items
    }

    // MARK: Path

    private func parsePath(_ path: Substring) throws(MMError) -> [String] {
        var result: [String] = []
        var isCleaned = false
        var pieces = split(path)
        if pieces.first?.isEmpty == true { pieces.removeFirst() }
        if pieces.last?.isEmpty == true { pieces.removeLast() }
        for piece in pieces {
            let segment = try decoded(piece, "path")
            switch segment {
            case "":
                isCleaned = true
            case ".":
                isCleaned = true
            case "..":
                isCleaned = true
                if !result.isEmpty { result.removeLast() }
            default:
                // A slash that appears only after decoding could still carry dot segments past a lenient server.
                let unquoted = segment.contains("(") ? segment.prefix { $0 != "'" } : segment[...]
                if unquoted.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) {
                    throw refused(
                        "The endpoint contains an encoded dot segment (%2F).",
                        "Write the path without . and .. segments.")
                }
                result.append(segment)
            }
        }
        if isCleaned, normalization == .refuse {
            let clean = result.map { "/" + PercentCoding.encode($0, isPlain: PercentCoding.isSegmentByte) }.joined()
            throw refused(
                "The endpoint's path contains dot segments or doubled slashes.",
                "Write it as \(clean.isEmpty ? "/" : clean)")
        }
        return result
    }

    /// Splits at slashes, but not inside quotes within parentheses: `users('a/b')` is one segment.
    private func split(_ path: Substring) -> [Substring] {
        var pieces: [Substring] = []
        var start = path.startIndex
        var depth = 0
        var isQuoted = false
        for position in path.indices {
            switch path[position] {
            case "'" where depth > 0: isQuoted.toggle()
            case "(" where !isQuoted: depth += 1
            case ")" where !isQuoted: depth = max(0, depth - 1)
            case "/" where !(isQuoted && closesLater(path[position...])):
                pieces.append(path[start..<position])
                start = path.index(after: position)
                depth = 0
                isQuoted = false
            default: break
            }
        }
        pieces.append(path[start...])
        return pieces
    }

    /// Returns whether the open quote ends in `')` or `',` later on, so that an unbalanced quote doesn't swallow the
    /// rest of a path.
    private func closesLater(_ rest: Substring) -> Bool {
        var previous: Character?
        for character in rest {
            if previous == "'", character == ")" || character == "," { return true }
            previous = character
        }
        return false
    }

    private func decoded(_ piece: Substring, _ place: String) throws(MMError) -> String {
        guard let text = PercentCoding.decode(piece.utf8) else {
            throw refused(
                "The endpoint's \(place) is not UTF-8 after its % escapes are resolved.", "Escape UTF-8 bytes.")
        }
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar == "\u{2028}"
                || scalar == "\u{2029}"
            {
                throw refused("The endpoint's \(place) contains an encoded control character.", "Leave it out.")
            }
            if scalar == "\\", place == "path" {
                throw refused(
                    "The endpoint's path contains an encoded backslash.", "Separate segments with a slash (/).")
            }
        }
        return text
    }

    private func shown(_ text: String) -> String {
        text.count <= 80 ? text : text.prefix(80) + "…"
    }

    private func refused(_ message: String, _ hint: String) -> MMError {
        MMError(.invalidInput, message, hint: hint, details: ["field": "endpoint"])
    }
}
