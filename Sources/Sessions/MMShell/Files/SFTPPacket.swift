import MMCore

/// Packets of the SSH File Transfer Protocol, version 3 (draft-ietf-secsh-filexfer-02, the one that OpenSSH speaks).
enum SFTPPacket {
    /// What a packet is (section 3).
    enum Kind: UInt8 {
        case start = 1
        case version = 2
        case open = 3
        case close = 4
        case read = 5
        case write = 6
        case fileState = 8
        case setFileState = 10
        case remove = 13
        case makeFolder = 14
        case realPath = 16
        case state = 17
        case rename = 18
        case status = 101
        case handle = 102
        case data = 103
        case names = 104
        case attributes = 105
        case extended = 200
    }

    /// What a file is opened for (section 6.3).
    struct Flags: OptionSet {
        let rawValue: UInt32
        static let read = Flags(rawValue: 1)
        static let write = Flags(rawValue: 2)
        static let append = Flags(rawValue: 4)
        static let create = Flags(rawValue: 8)
        static let exclusive = Flags(rawValue: 0x20)
    }

    /// What is known of a file (section 5).
    struct Attributes: Sendable, Hashable {
        var size: UInt64?
        var permissions: UInt32?

        var isFolder: Bool { permissions.map { $0 & 0o170000 == 0o040000 } ?? false }
        var isFile: Bool { permissions.map { $0 & 0o170000 == 0o100000 } ?? true }
    }

    /// An answer.
    enum Reply: Sendable {
        case status(UInt32, String)
        case handle([UInt8])
        case data([UInt8])
        case name([UInt8])
        case attributes(Attributes)
        case version(UInt32)
    }

    /// The end of a file, as a status.
    static let endOfFile: UInt32 = 1

    /// Puts a packet together.
    struct Writer {
        private(set) var bytes: [UInt8]

        init(_ kind: Kind) { bytes = [kind.rawValue] }

        mutating func number(_ value: UInt32) {
            withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        }

        mutating func large(_ value: UInt64) {
            withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        }

        mutating func text(_ value: some Collection<UInt8>) {
            number(UInt32(value.count))
            bytes.append(contentsOf: value)
        }

        mutating func attributes(permissions: UInt32?) {
            number(permissions == nil ? 0 : 4)
            if let permissions { number(permissions) }
        }

        /// With its length before it.
        var packet: [UInt8] {
            var packet: [UInt8] = []
            append(to: &packet)
            return packet
        }

        /// Puts it behind others, with its length before it.
        func append(to packets: inout [UInt8]) {
            withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { packets.append(contentsOf: $0) }
            packets.append(contentsOf: bytes)
        }
    }

    /// Takes a packet apart. Whatever is missing makes it none.
    struct Reader {
        private let bytes: ArraySlice<UInt8>
        private var position: Int

        init(_ bytes: ArraySlice<UInt8>) {
            self.bytes = bytes
            position = bytes.startIndex
        }

        mutating func byte() -> UInt8? {
            guard position < bytes.endIndex else { return nil }
            defer { position += 1 }
            return bytes[position]
        }

        mutating func number() -> UInt32? {
            guard bytes.endIndex - position >= 4 else { return nil }
            defer { position += 4 }
            return bytes[position..<(position + 4)].reduce(0) { $0 << 8 | UInt32($1) }
        }

        mutating func large() -> UInt64? {
            guard let high = number(), let low = number() else { return nil }
            return UInt64(high) << 32 | UInt64(low)
        }

        mutating func text() -> [UInt8]? {
            guard let count = number(), bytes.endIndex - position >= Int(count) else { return nil }
            defer { position += Int(count) }
            return Array(bytes[position..<(position + Int(count))])
        }

        mutating func attributes() -> Attributes? {
            guard let flags = number() else { return nil }
            var found = Attributes()
            if flags & 1 != 0 {
                guard let size = large() else { return nil }
                found.size = size
            }
            if flags & 2 != 0 { guard number() != nil, number() != nil else { return nil } }
            if flags & 4 != 0 {
                guard let permissions = number() else { return nil }
                found.permissions = permissions
            }
            return found
        }
    }

    /// Reads an answer.
    /// - Returns: nil for what is none.
    static func reply(_ bytes: ArraySlice<UInt8>) -> (id: UInt32, reply: Reply)? {
        var reader = Reader(bytes)
        guard let kind = reader.byte().flatMap({ Kind(rawValue: $0) }), let id = reader.number() else { return nil }
        switch kind {
        case .version: return (0, .version(id))
        case .status:
            guard let code = reader.number() else { return nil }
            return (id, .status(code, String(decoding: reader.text() ?? [], as: UTF8.self)))
        case .handle: return reader.text().map { (id, .handle($0)) }
        case .data: return reader.text().map { (id, .data($0)) }
        case .names:
            guard let count = reader.number(), count > 0 else { return nil }
            return reader.text().map { (id, .name($0)) }
        case .attributes: return reader.attributes().map { (id, .attributes($0)) }
        default: return nil
        }
    }
}
