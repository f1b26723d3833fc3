internal import MMCore

/// The body of a request at the wire, read as the service will read it.
struct WireBody: Sendable {
    /// What the guard's rules look at.
    let content: RequestBody
    /// Whether it holds something that rules would look at, and can't be read.
    let isHidden: Bool
    /// The whole text, where it is plain UTF-8.
    let text: [UInt8]?

    private static let plainCharsets: Set<String> = ["utf-8", "utf8", "us-ascii"]

    init(_ request: WireRequest) {
        let types = request.values("content-type").map(\.asciiLowercased)
        let saysJSON = types.contains { $0.contains("json") }
        let bytes = request.body.seen
        let isEncoded = request.values("content-encoding").contains { !["", "identity"].contains($0.asciiLowercased) }
        let charsets = types.compactMap { Self.parameter("charset", of: $0) }
        let isForeign = types.count > 1 || !charsets.allSatisfy(Self.plainCharsets.contains)
        guard case .whole = request.body, !isEncoded, !isForeign else {
            content = bytes.isEmpty && request.body == .none ? .none : .opaque
            isHidden = content == .opaque && (saysJSON || isEncoded || isForeign || Self.looksLikeText(bytes))
            text = nil
            return
        }
        content = RequestBody(bytes: bytes)
        isHidden = content == .opaque && (saysJSON || Self.looksLikeText(bytes))
        text = bytes
    }

    /// The value of a parameter of a content type, in lower case and without quotes.
    static func parameter(_ name: String, of type: String) -> String? {
        for part in type.split(separator: ";").dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].trimmedOfSpacesAndTabs.asciiLowercased == name else { continue }
            let value = pair[1].trimmedOfSpacesAndTabs
            return value.hasPrefix("\"") && value.hasSuffix("\"") && value.utf8.count > 1
                ? String(value.dropFirst().dropLast()) : value
        }
        return nil
    }

    /// Whether bytes begin as JSON or XML does, in UTF-8 or UTF-16: a service may read them as such whatever their type says.
    private static func looksLikeText(_ bytes: [UInt8]) -> Bool {
        let first = bytes.prefix(64).first {
            !" \t\r\n\u{0}".utf8.contains($0) && ![0xef, 0xbb, 0xbf, 0xfe, 0xff].contains($0)
        }
        return first.map { "{[<".utf8.contains($0) } ?? false
    }
}
