import CFIDO2
package import MMCore

/// The security key in a port of this machine, by libfido2.
package struct PluggedSecurityKey: SecurityKeyDevice {
    /// Whom keys sign for: a key keeps what it signs here apart from what it signs for pages of the web.
    package static let party = "mm.confirmation"

    /// Whether the library that speaks with keys is installed.
    package static var isSupported: Bool { mm_fido_is_there() == 1 }

    /// The key that is plugged in when it is asked.
    package init() {}

    package func register(_ challenge: [UInt8]) throws(MMError) -> SecurityKeyPair {
        var made = mm_fido_credential()
        try Self.ask { mm_fido_register(Self.party, challenge, &made, $0, $1) }
        return SecurityKeyPair(
            id: Self.bytes(made.id, made.id_length), point: Self.bytes(made.point, mm_fido_point))
    }

    package func sign(_ challenge: [UInt8], with pairs: [[UInt8]]) throws(MMError) -> SecurityKeyTouch {
        var made = mm_fido_assertion()
        let lengths = pairs.map(\.count)
        try Self.ask {
            mm_fido_assert(Self.party, challenge, pairs.flatMap(\.self), lengths, lengths.count, &made, $0, $1)
        }
        return SecurityKeyTouch(
            id: Self.bytes(made.id, made.id_length), data: Self.bytes(made.data, made.data_length),
            signature: Self.bytes(made.signature, made.signature_length))
    }

    /// Whether a touched key has signed this challenge with the pair of this public key.
    static func verifies(_ touch: SecurityKeyTouch, of challenge: [UInt8], by point: [UInt8]) throws(MMError) -> Bool {
        let room = mm_fido_room
        guard touch.data.count <= room, touch.signature.count <= room, point.count == mm_fido_point,
            challenge.count == mm_fido_hash
        else { return false }
        var made = mm_fido_assertion()
        withUnsafeMutableBytes(of: &made.data) { $0.copyBytes(from: touch.data) }
        made.data_length = touch.data.count
        withUnsafeMutableBytes(of: &made.signature) { $0.copyBytes(from: touch.signature) }
        made.signature_length = touch.signature.count
        let result = mm_fido_verify(party, challenge, &made, point)
        guard result >= 0 else { throw noLibrary }
        return result == 1
    }

    private static func ask(_ work: (UnsafeMutablePointer<CChar>, Int) -> Int32) throws(MMError) {
        var why = [CChar](repeating: 0, count: 256)
        let result = why.withUnsafeMutableBufferPointer { room in
            room.baseAddress.map { work($0, room.count) } ?? Int32(mm_fido_failed)
        }
        switch Int(result) {
        case mm_fido_done: return
        case mm_fido_no_library: throw noLibrary
        case mm_fido_no_key:
            throw MMError(
                .forbidden, "No security key is plugged in, or this user may not use it.",
                hint: "Plug it in and ask again; over SSH it has to be a key of the machine that mm runs on.")
        default:
            let words = String(decoding: why.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw MMError(
                .forbidden, "The security key did not sign (\(words)).",
                hint: "Nothing was sent or run. Ask again, and touch a key that `mm key list` names.")
        }
    }

    static var noLibrary: MMError {
        MMError(
            .forbidden, "Security keys need libfido2.so.1, which is not installed.",
            hint: "Install it: sudo apt-get install libfido2-1.")
    }

    private static func bytes<Tuple>(_ array: Tuple, _ count: Int) -> [UInt8] {
        withUnsafeBytes(of: array) { [UInt8]($0.prefix(count)) }
    }
}
