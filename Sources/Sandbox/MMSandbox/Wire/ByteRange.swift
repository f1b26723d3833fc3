internal import MMHTTP

/// The part of a content that a request asks for with one range of bytes (RFC 9110, section 14.1.2).
enum ByteRange: Equatable {
    /// Everything, as without a range or with one that can't be read.
    case whole
    case part(ClosedRange<Int>)
    /// No byte of the content.
    case outside

    /// Reads a header such as `bytes=0-499`, `bytes=500-` or `bytes=-500`.
    /// - Parameters:
    ///   - header: the value of the header.
    ///   - count: the size of the content.
    init(_ header: String?, of count: Int) {
        self = .whole
        guard let header, header.hasPrefix("bytes=") else { return }
        let ends = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return }
        switch (Int(ends[0]), Int(ends[1])) {
        case (let first?, let last?) where first <= last: self = Self.bytes(from: first, to: last, of: count)
        case (let first?, nil) where ends[1].isEmpty: self = Self.bytes(from: first, to: count - 1, of: count)
        case (nil, let last?) where ends[0].isEmpty:
            self = last == 0 ? .outside : Self.bytes(from: max(0, count - last), to: count - 1, of: count)
        default: return
        }
    }

    private static func bytes(from first: Int, to last: Int, of count: Int) -> ByteRange {
        first < count ? .part(first...min(last, count - 1)) : .outside
    }

    /// Makes an answer one with the content, or with this part of it.
    func fill(_ answer: inout HTTPServerResponse, from content: [UInt8]) {
        answer.headers.set("Accept-Ranges", "bytes")
        switch self {
        case .whole: answer.body = .bytes(content)
        case .part(let range):
            answer.status = 206
            answer.headers.set("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound)/\(content.count)")
            answer.body = .bytes(Array(content[range]))
        case .outside:
            answer.status = 416
            answer.headers.set("Content-Range", "bytes */\(content.count)")
        }
    }
}
