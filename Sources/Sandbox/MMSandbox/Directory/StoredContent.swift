internal import MMCore
internal import MMHTTP

/// The content of a file: its bytes if it is small, otherwise only its size and checksum, so that gigabytes can be
/// uploaded to a tenant that is kept in memory.
struct StoredContent: Sendable {
    /// The maximum number of bytes kept of one file.
    static let most = 64 << 20
    /// The number of bytes after which the positions in the checksum repeat.
    private static let round = 160

    private let most: Int
    private var kept: [UInt8] = []
    /// The size in bytes.
    private(set) var count = 0
    /// The bytes at each position of a round, combined by exclusive or.
    private var laid = [UInt8](repeating: 0, count: StoredContent.round)

    /// Creates empty content.
    /// - Parameter most: the maximum number of bytes to keep.
    init(keeping most: Int = StoredContent.most) { self.most = most }

    /// Creates content from bytes.
    init(_ bytes: [UInt8]) {
        self.init()
        bytes.withUnsafeBytes { append($0) }
    }

    /// The bytes; nil if they weren't kept.
    var bytes: [UInt8]? { kept.count == count ? kept : nil }

    /// The same content with only its size and checksum.
    var withoutBytes: StoredContent {
        var other = self
        other.kept = []
        return other
    }

    /// Appends a piece.
    mutating func append(_ piece: UnsafeRawBufferPointer) {
        // Nothing else may hold the bytes here, or each piece would copy all of them.
        let isWhole = kept.count == count && count + piece.count <= most
        if isWhole { kept.append(contentsOf: piece) } else { kept = [] }
        let words = Self.round / 8
        laid.withUnsafeMutableBytes { laid in
            var at = 0
            while at < piece.count {
                let place = (count + at) % Self.round
                if place == 0, piece.count - at >= Self.round {
                    for word in 0..<words {
                        let sum =
                            laid.load(fromByteOffset: 8 * word, as: UInt64.self)
                            ^ piece.loadUnaligned(fromByteOffset: at + 8 * word, as: UInt64.self)
                        laid.storeBytes(of: sum, toByteOffset: 8 * word, as: UInt64.self)
                    }
                    at += Self.round
                } else {
                    laid[place] ^= piece[at]
                    at += 1
                }
            }
        }
        count += piece.count
    }

    /// Appends other content.
    mutating func append(_ other: StoredContent) {
        if let bytes = other.bytes { return bytes.withUnsafeBytes { append($0) } }
        kept = []
        for place in 0..<Self.round { laid[(count + place) % Self.round] ^= other.laid[place] }
        count += other.count
    }

    /// The checksum that the service returns, computed byte by byte as documented ("Code snippets: QuickXorHash
    /// algorithm").
    var quickXorHash: String {
        var sum = [UInt8](repeating: 0, count: 20)
        for (place, byte) in laid.enumerated() {
            let bit = 11 * place % Self.round
            let spread = UInt16(byte) << UInt16(bit % 8)
            sum[bit / 8] ^= UInt8(truncatingIfNeeded: spread)
            sum[(bit / 8 + 1) % 20] ^= UInt8(truncatingIfNeeded: spread >> 8)
        }
        for place in 0..<8 { sum[12 + place] ^= UInt8(truncatingIfNeeded: count >> (8 * place)) }
        return Base64.text(sum)
    }
}

/// The receiver of an upload's body.
final class UploadReceiver: HTTPBodyReceiver {
    private let taken = Mutex(StoredContent())

    var content: StoredContent { taken.withLock { $0 } }

    func take(_ piece: UnsafeRawBufferPointer) { taken.withLock { $0.append(piece) } }

    /// Returns a receiver for uploads of files and blobs, which may be large.
    static func receiver(_ method: String, _ target: String, _ headers: HTTPHeaders) -> (any HTTPBodyReceiver)? {
        guard method == "PUT", headers["content-length"].flatMap({ Int($0) }).map({ $0 >= 1 << 20 }) ?? true else {
            return nil
        }
        let path = target.prefix { $0 != "?" }.lowercased()
        let isBlob = headers["x-forwarded-host"]?.lowercased().hasSuffix(".blob.core.windows.net") ?? false
        return isBlob || path.hasSuffix("/content") || path == "/_api/v2.0/uploadsession" ? UploadReceiver() : nil
    }
}

extension HTTPServerRequest {
    /// The content of the body, whether it was received in pieces or whole.
    var content: StoredContent { (receiver as? UploadReceiver)?.content ?? StoredContent(body) }
}
