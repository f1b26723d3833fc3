import MMCore

/// The request headers that a caller may add: those that concern the format, order or conditions of the answer, and
/// none that affect the identity, the destination or the transport.
enum SafeHeaders {
    private static let names: Set<String> = [
        "accept", "accept-language", "client-request-id", "consistencylevel", "if-match", "if-modified-since",
        "if-none-match", "if-unmodified-since", "ocp-client-name", "odata-isolation", "odata-maxversion",
        "odata-version",
        "prefer", "range", "workbook-session-id", "x-anchormailbox", "x-ms-client-request-id",
    ]

    /// Reads headers as they are written on a command line: `Name: value`.
    /// - Throws: `.invalidInput` with the header and the reason for which it isn't sent.
    static func read(_ lines: [String]) throws(MMError) -> [String: String] {
        var headers: [String: String] = [:]
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                throw MMError(
                    .invalidInput, "“\(line.prefix(40))” is not a header.",
                    hint: "Write it as Name: value, such as 'Prefer: outlook.body-content-type=\"text\"'.",
                    details: ["field": "header"])
            }
            let name = line[..<colon].trimmed
            try check(name)
            guard headers.keys.allSatisfy({ $0.lowercased() != name.lowercased() }) else {
                throw MMError(
                    .invalidInput, "The header \(name) is given twice.",
                    hint: "Give it once; separate several values by commas.", details: ["field": "header"])
            }
            headers[name] = line[line.index(after: colon)...].trimmed
        }
        return headers
    }

    /// Throws for a header that no caller may set.
    static func check(_ name: String) throws(MMError) {
        try RequestTarget.checkHeader(name)
        guard !names.contains(name.lowercased()) else { return }
        let remedy: String =
            switch name.lowercased() {
            case "authorization", "proxy-authorization", "cookie":
                "mm sends the connection's own sign-in: set the connection instead."
            case "host": "Set the service with --resource or a full address."
            case "content-type": "The body is JSON; send files with --upload."
            default: "Allowed are \(names.sorted().joined(separator: ", "))."
            }
        throw MMError(
            .invalidInput, "The header \(name.prefix(40)) can't be set.", hint: remedy,
            details: ["field": "header"])
    }
}
