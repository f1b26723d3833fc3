internal import MMCore

/// The ids of one kind of object, derived from the index and convertible back to it.
struct ObjectIDs: Sendable {
    private let mixing: Mixing
    private let key: UInt32
    private static let multiplier: UInt32 = 0x9E37_79B1
    private static let inverse: UInt32 = {
        var inverse: UInt32 = 1
        // Each step of Newton's iteration doubles the number of correct bits.
        for _ in 0..<5 { inverse = inverse &* (2 &- multiplier &* inverse) }
        return inverse
    }()

    init(_ mixing: Mixing) {
        self.mixing = mixing
        key = UInt32(truncatingIfNeeded: mixing.number(0, 0xFEED))
    }

    /// Returns the id as a GUID.
    func guid(_ index: Int) -> String {
        let (high, low) = halves(index)
        return Guid.text(high, low)
    }

    /// Appends the id as a GUID.
    func appendGuid(_ index: Int, to bytes: inout [UInt8]) {
        let (high, low) = halves(index)
        Guid.append(high, low, to: &bytes)
    }

    /// Returns the index of a GUID, if it is one of these ids.
    func index(ofGuid text: String) -> Int? {
        guard GUID.isValid(text), let front = UInt32(text.prefix(8), radix: 16) else { return nil }
        let index = unscrambled(front)
        return guid(index) == text.lowercased() ? index : nil
    }

    /// Returns the id in the form of mail and files: a prefix and letters.
    func opaque(_ index: Int, prefix: String, suffix: String = "") -> String {
        let (high, low) = halves(index)
        var bytes = Array(prefix.utf8)
        Guid.appendHex(high >> 32, digits: 8, to: &bytes)
        Guid.appendHex(low, digits: 16, to: &bytes)
        bytes.append(contentsOf: suffix.utf8)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Returns the index of an opaque id, if it is one of these ids.
    func index(ofOpaque text: String, prefix: String, suffix: String = "") -> Int? {
        guard text.hasPrefix(prefix), text.utf8.count == prefix.utf8.count + 24 + suffix.utf8.count,
            let front = UInt32(text.dropFirst(prefix.count).prefix(8), radix: 16)
        else { return nil }
        let index = unscrambled(front)
        return opaque(index, prefix: prefix, suffix: suffix) == text ? index : nil
    }

    private func unscrambled(_ front: UInt32) -> Int { Int((front ^ key) &* Self.inverse) }

    private func halves(_ index: Int) -> (UInt64, UInt64) {
        let front = UInt32(truncatingIfNeeded: index) &* Self.multiplier ^ key
        return (UInt64(front) << 32 | mixing.number(index, 1) >> 32, mixing.number(index, 2))
    }
}
