internal import MMCore

/// Clients make up the boundary between the parts of a message anew each time. Here a message gets boundaries of ours in their
/// places, so that the same request is the same request when it is sent again, and every other one is another.
struct MultipartBoundary: Sendable {
    /// How ours begin. A message that holds one already is left as it is.
    private static let own = "mm-boundary-"
    private static let most = 1_000

    private var names: [(theirs: String, ours: String)] = []

    /// A message with our boundaries; nil where it has none, or where readers could cut it in different ways.
    /// - Parameters:
    ///   - bytes: the body.
    ///   - contentType: the value of its header.
    /// - Returns: the value of the header, and the body.
    static func replaced(in bytes: [UInt8], contentType: String) -> (contentType: String, body: [UInt8])? {
        var boundary = MultipartBoundary()
        guard let type = boundary.replaced(in: contentType), let body = boundary.replaced(in: bytes) else { return nil }
        return (type, body)
    }

    /// The value of a header whose boundary is ours; nil where it names none, or more than one.
    private mutating func replaced(in contentType: String) -> String? {
        let lower = contentType.asciiLowercased
        guard lower.hasPrefix("multipart/"), names.count < Self.most, let key = lower.firstRange(of: "boundary="),
            !lower[key.upperBound...].contains("boundary="),
            let value = WireBody.parameter("boundary", of: contentType), (1...70).contains(value.utf8.count)
        else { return nil }
        let rest = contentType.dropFirst(lower[..<key.upperBound].count)
        guard let place = rest.firstRange(of: value) else { return nil }
        // Sets of changes may share a name; only none may have that of the whole.
        let known = names.dropFirst().first { $0.theirs == value }
        // Where one begins as another does, a line may end a part for one reader and not for the next.
        guard known != nil || !names.contains(where: { $0.theirs.hasPrefix(value) || value.hasPrefix($0.theirs) })
        else {
            return nil
        }
        let ours = known?.ours ?? Self.own + String(names.count + 1)
        if known == nil { names.append((value, ours)) }
        return contentType[..<place.lowerBound] + ours + contentType[place.upperBound...]
    }

    private mutating func replaced(in bytes: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var position = bytes.startIndex
        var isWithinHead = false
        var isClosed = false
        while position < bytes.endIndex {
            let end = bytes[position...].firstIndex(of: 0x0a).map { $0 + 1 } ?? bytes.endIndex
            var line = bytes[position..<end]
            position = end
            while let last = line.last, last == 0x0a || last == 0x0d { line.removeLast() }
            let ending = bytes[line.endIndex..<end]
            if line.starts(with: "--".utf8) {
                guard let text = delimiter(line.dropFirst(2)) else { return nil }
                if let (ours, isEnd) = text {
                    result += Array("--\(ours)\(isEnd ? "--" : "")".utf8) + ending
                    isWithinHead = !isEnd
                    if isEnd, ours == names[0].ours { isClosed = true }
                    continue
                }
            }
            if line.isEmpty { isWithinHead = false }
            if isWithinHead, let field = String(validating: line, as: UTF8.self), let type = Self.type(field) {
                guard let value = replaced(in: type) else { return nil }
                result += Array((field.dropLast(type.count) + value).utf8) + ending
                continue
            }
            result += line + ending
        }
        return isClosed ? result : nil
    }

    /// What a line is that begins as a boundary's does, without that beginning: `.some(nil)` for contents, nil where readers
    /// could take it for both.
    private func delimiter(_ line: ArraySlice<UInt8>) -> (ours: String, isEnd: Bool)?? {
        guard !line.starts(with: Self.own.utf8) else { return nil }
        for (theirs, ours) in names where line.starts(with: theirs.utf8) {
            let rest = line.dropFirst(theirs.utf8.count)
            guard rest.isEmpty || rest.elementsEqual("--".utf8) else { return nil }
            return .some((ours, !rest.isEmpty))
        }
        return .some(nil)
    }

    /// The value of a part's own content type, where that is made of parts again.
    private static func type(_ field: String) -> String? {
        guard let colon = field.firstIndex(of: ":"), field[..<colon].asciiLowercased == "content-type" else {
            return nil
        }
        let value = String(field[field.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
        return value.asciiLowercased.hasPrefix("multipart/") ? value : nil
    }
}
