internal import MMCore

/// Reads a batch that is written as parts of a message (OData's `multipart/mixed`): each part is a request.
///
/// Strict: one boundary, whole lines, whole parts. Whatever a lenient server could cut in another way is no batch.
struct MultipartBatch: Sendable {
    /// A request within.
    struct Part: Sendable, Hashable {
        let method: String
        let url: String
        let headers: [WireRequest.Field]
        let body: [UInt8]
    }

    private static let mostParts = 1_000

    /// The requests of a body; nil when it can't be read.
    static func read(_ bytes: [UInt8], contentTypes: [String]) -> [Part]? {
        guard contentTypes.count == 1 else { return nil }
        return read(bytes[...], contentType: contentTypes[0], isChangeSet: false)
    }

    private static func read(_ bytes: ArraySlice<UInt8>, contentType: String, isChangeSet: Bool) -> [Part]? {
        let kind = contentType.prefix { $0 != ";" }.asciiLowercased.filter { $0 != " " }
        guard kind == "multipart/mixed", let boundary = WireBody.parameter("boundary", of: contentType),
            (1...70).contains(boundary.utf8.count), let bodies = split(bytes, boundary: boundary)
        else { return nil }
        var parts: [Part] = []
        for body in bodies {
            guard let (headers, content) = head(body) else { return nil }
            let types = headers.filter { $0.name.asciiLowercased == "content-type" }.map(\.value)
            guard types.count == 1, let type = types.first,
                headers.allSatisfy(
                    { ["binary", "8bit", "7bit"].contains($0.value.asciiLowercased) },
                    named: "content-transfer-encoding")
            else { return nil }
            if !isChangeSet, type.asciiLowercased.hasPrefix("multipart/mixed") {
                guard let inner = read(content, contentType: type, isChangeSet: true) else { return nil }
                parts += inner
            } else {
                guard type.prefix(while: { $0 != ";" }).asciiLowercased.filter({ $0 != " " }) == "application/http",
                    let part = request(content)
                else { return nil }
                parts.append(part)
            }
            guard parts.count <= mostParts else { return nil }
        }
        return parts
    }

    /// What stands between the boundaries; nil when they don't fit.
    private static func split(_ bytes: ArraySlice<UInt8>, boundary: String) -> [ArraySlice<UInt8>]? {
        let mark = Array("--\(boundary)".utf8)
        var parts: [ArraySlice<UInt8>] = []
        var start: Int?
        var position = bytes.startIndex
        var isClosed = false
        while position < bytes.endIndex {
            let end = bytes[position...].firstIndex(of: 0x0a).map { $0 + 1 } ?? bytes.endIndex
            var line = bytes[position..<end]
            while let last = line.last, last == 0x0a || last == 0x0d { line.removeLast() }
            if line.starts(with: mark) {
                let rest = line.dropFirst(mark.count)
                guard rest.isEmpty || rest.elementsEqual("--".utf8), !isClosed else { return nil }
                if let start { parts.append(bytes[start..<position]) } else if !rest.isEmpty { return nil }
                start = end
                isClosed = !rest.isEmpty
            } else if start == nil || isClosed, !line.allSatisfy({ $0 == 0x20 }) {
                return nil
            }
            position = end
        }
        return isClosed ? parts : nil
    }

    /// Header fields and what comes behind the empty line.
    private static func head(_ bytes: ArraySlice<UInt8>) -> ([WireRequest.Field], ArraySlice<UInt8>)? {
        var fields: [WireRequest.Field] = []
        var position = bytes.startIndex
        while let end = bytes[position...].firstIndex(of: 0x0a) {
            var line = bytes[position..<end]
            if line.last == 0x0d { line.removeLast() }
            position = end + 1
            if line.isEmpty { return (fields, bytes[position...]) }
            guard fields.count < 100, let text = String(validating: line, as: UTF8.self), !text.utf8.contains(0x0d),
                let colon = text.firstIndex(of: ":"), colon != text.startIndex,
                text[..<colon].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
            else { return nil }
            let value = text[text.index(after: colon)...]
            fields.append(WireRequest.Field(String(text[..<colon]), String(value.drop { $0 == " " || $0 == "\t" })))
        }
        return nil
    }

    private static func request(_ bytes: ArraySlice<UInt8>) -> Part? {
        guard let end = bytes.firstIndex(of: 0x0a) else { return nil }
        var line = bytes[..<end]
        if line.last == 0x0d { line.removeLast() }
        guard let text = String(validating: line, as: UTF8.self) else { return nil }
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1."), let (fields, body) = head(bytes[(end + 1)...]) else {
            return nil
        }
        var content = body
        while let last = content.last, last == 0x0a || last == 0x0d { content.removeLast() }
        // What stands behind a read may be a request of its own to a server that cuts elsewhere.
        guard content.isEmpty || RequestMethod(written: String(words[0])) != .get else { return nil }
        return Part(method: String(words[0]), url: String(words[1]), headers: fields, body: Array(content))
    }
}

extension [WireRequest.Field] {
    /// Whether every field of a name, given in lower case, is as it should be.
    fileprivate func allSatisfy(_ holds: (WireRequest.Field) -> Bool, named name: String) -> Bool {
        filter { $0.name.asciiLowercased == name }.allSatisfy(holds)
    }
}
