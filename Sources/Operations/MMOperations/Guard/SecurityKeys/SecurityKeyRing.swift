import CFIDO2
package import MMCore
import MMSystem

/// A user's registered security keys. A touch proves that a person was present for this very request, since the key
/// signs the request's digest and nothing else.
///
/// Names and public keys are stored in a 0600 file of the state folder; the private keys never leave the hardware.
package struct SecurityKeyRing: Sendable {
    private let path: String
    private let device: any SecurityKeyDevice

    /// Creates the ring of a user.
    /// - Parameters:
    ///   - paths: the paths of the user's state folder.
    ///   - device: the security key in use.
    package init(paths: StatePaths, device: any SecurityKeyDevice = PluggedSecurityKey()) {
        path = paths.securityKeys
        self.device = device
    }

    /// Returns the names of the registered keys.
    package func names() throws(MMError) -> [String] { try keys().map(\.name) }

    /// Registers the key that is plugged in.
    /// - Parameter name: the key's new name.
    /// - Throws: `conflict` for a name that another key has.
    package func add(_ name: String) async throws(MMError) {
        try check(name)
        let device = device
        let pair = try await BlockingWork.run { () throws(MMError) in try device.register(RandomBytes.make(32)) }
        try await add(
            SecurityKey(
                name: name, owner: ThisProcess.login, id: pair.id, publicKey: pair.point,
                party: PluggedSecurityKey.party))
    }

    /// Registers a given key.
    /// - Throws: `conflict` for a name that another key has, and for a key that is already registered.
    package func add(_ key: SecurityKey) async throws(MMError) {
        try await change { (keys) throws(MMError) in
            try check(key.name, among: keys)
            guard !keys.contains(where: { $0.id == key.id && $0.party == key.party }) else {
                throw MMError(.conflict, "This key is registered already.", hint: "mm key list shows the keys.")
            }
            keys.append(key)
        }
    }

    /// Throws for an invalid name or one that another key has.
    package func check(_ name: String) throws(MMError) { try check(name, among: try keys()) }

    private func check(_ name: String, among keys: [SecurityKey]) throws(MMError) {
        guard !name.isEmpty, name.utf8.count <= 64, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw MMError(
                .invalidInput, "A key's name needs 1 to 64 letters, digits or signs, without spaces.",
                hint: "For example: mm key add desk")
        }
        guard !keys.contains(where: { $0.name == name }) else {
            throw MMError(
                .conflict, "A key named \(name) already exists.",
                hint: "Use another name, or first remove that key: mm key remove \(ShellWord.quoted(name))")
        }
    }

    /// Checks that a registered passkey has signed a challenge on a page, and stores its counter.
    /// - Parameters:
    ///   - data: the data that the page sent.
    ///   - challenge: the challenge to be signed.
    ///   - origin: the page's origin.
    ///   - party: the host of the origin.
    /// - Returns: the key.
    /// - Throws: `forbidden` with the check that failed.
    package func verify(
        _ data: PasskeyData, challenge: [UInt8], origin: String, party: String
    ) async throws(MMError) -> SecurityKey {
        try await change { (keys) throws(MMError) in
            guard let index = keys.firstIndex(where: { $0.id == data.id && $0.party == party && $0.isPasskey }) else {
                throw PasskeyData.refused("it is not registered here, or was removed")
            }
            let count = try data.verify(challenge: challenge, origin: origin, by: keys[index])
            // A counter that stays zero means that the key doesn't count. Otherwise a counter that doesn't grow
            // indicates a copy of the key.
            guard count > keys[index].count || (count == 0 && keys[index].count == 0) else {
                throw PasskeyData.refused("its signature counter decreased, so it may have been copied")
            }
            keys[index].count = count
            return keys[index]
        }
    }

    /// Removes a key.
    /// - Throws: `notFound` for an unknown name.
    package func remove(_ name: String) async throws(MMError) {
        try await change { (keys) throws(MMError) in
            guard keys.contains(where: { $0.name == name }) else {
                throw MMError(.notFound, "No key is named \(name).", hint: "mm key list shows the names.")
            }
            keys.removeAll { $0.name == name }
        }
    }

    /// Requires a touch of a registered key for a subject.
    /// - Parameter subject: the digest of the request, or the words of the action.
    /// - Throws: `forbidden` when no key is registered or plugged in, when it isn't touched, or when it signs anything
    ///   else.
    package func prove(_ subject: String) async throws(MMError) {
        let keys = try keys().filter { !$0.isPasskey }
        guard !keys.isEmpty else {
            throw MMError(
                .forbidden, "Confirming this needs a security key, and none is registered.",
                hint: "Register one in a terminal: mm key add NAME.")
        }
        // The random part prevents an earlier signature for the same request from being reused.
        var hash = SHA256()
        hash.update("mm confirmation by key 1\n\(subject)\n".utf8)
        hash.update(RandomBytes.make(32))
        let challenge = hash.finish()
        let device = device
        let touch = try await BlockingWork.run { () throws(MMError) in
            try device.sign(challenge, with: keys.map(\.id))
        }
        guard let key = keys.first(where: { $0.id == touch.id }),
            try PluggedSecurityKey.verifies(touch, of: challenge, by: key.publicKey)
        else {
            throw MMError(
                .forbidden, "The security key's signature is for another request or from a key that is not registered.",
                hint: "Nothing was sent or run.")
        }
    }

    private func change<Result>(
        _ body: (inout [SecurityKey]) throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        let lock = try await FileLock(awaiting: path)
        var keys = try keys()
        let before = keys
        let result = try body(&keys)
        if keys != before {
            try ProtectedFile.replace(path, with: JSONWriter.bytes(["keys": .array(keys.map(\.json))]))
        }
        _ = consume lock
        return result
    }

    /// Returns the registered keys.
    package func keys() throws(MMError) -> [SecurityKey] {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else { return [] }
        let rows = (try? JSONParser.parse(bytes))?["keys"]?.array
        let keys = rows?.compactMap(SecurityKey.init(json:))
        guard let rows, let keys, keys.count == rows.count else {
            throw MMError(
                .conflict, "The file of the security keys can't be read: \(path).",
                hint: "Remove it and register the keys again: mm key add NAME.")
        }
        return keys
    }
}

/// A plugged-in security key: creates key pairs, and signs with them when it is touched. Calls block until then.
package protocol SecurityKeyDevice: Sendable {
    /// Has the security key create a key pair.
    /// - Parameter challenge: 32 bytes.
    func register(_ challenge: [UInt8]) throws(MMError) -> SecurityKeyPair

    /// Has the security key sign a challenge.
    /// - Parameters:
    ///   - challenge: 32 bytes.
    ///   - pairs: the ids of the key pairs that it may sign with.
    func sign(_ challenge: [UInt8], with pairs: [[UInt8]]) throws(MMError) -> SecurityKeyTouch
}

/// A key pair that a security key has created: its id and public key.
package struct SecurityKeyPair: Sendable, Hashable {
    /// The pair's id, given by the security key.
    package let id: [UInt8]
    /// The public key, a point of P-256: x, then y, 32 bytes each.
    package let point: [UInt8]
}

/// The answer of a touched security key: the id of the pair, its own data (WebAuthn's authenticator data), and the
/// signature over that data and the challenge.
package struct SecurityKeyTouch: Sendable, Hashable {
    /// The id of the pair that signed.
    package let id: [UInt8]
    /// The authenticator data, with the relying party and the flag for a touch.
    package let data: [UInt8]
    /// The signature: ECDSA with SHA-256, in DER.
    package let signature: [UInt8]
}

/// A registered key: a hardware key plugged into this machine, or a passkey that a page asks for.
package struct SecurityKey: Sendable, Hashable {
    /// The name that the owner gave it.
    package var name: String
    /// The owner's name: several keys of one owner count as one person.
    package var owner: String
    /// The id that the security key gave the pair.
    package var id: [UInt8]
    /// The public key, in libfido2's form for its algorithm.
    package var publicKey: [UInt8]
    /// The COSE number of the algorithm: -7 ES256, -8 EdDSA, -257 RS256.
    package var algorithm = -7
    /// The relying party id: this program's, or the host name of the page.
    package var party: String
    /// The number of signatures, if the key counts them.
    package var count: UInt32 = 0

    /// Whether a page asks for it, rather than the terminal.
    package var isPasskey: Bool { party != PluggedSecurityKey.party }

    /// The means of an approval with this key.
    package var means: String { "\(isPasskey ? "passkey" : "key") \(name)" }
}

extension SecurityKey {
    /// The JSON form in the file.
    var json: JSONValue {
        [
            "name": .string(name), "owner": .string(owner), "id": .string(Base64.text(id)),
            "publicKey": .string(Base64.text(publicKey)), "algorithm": .int(Int64(algorithm)), "party": .string(party),
            "count": .int(Int64(count)),
        ]
    }

    /// Reads a stored key; `nil` if the value isn't one. Entries of earlier versions are hardware keys of the login.
    init?(json: JSONValue) {
        guard let name = json["name"]?.string, let id = json["id"]?.string.flatMap({ Base64.bytes($0) }),
            let publicKey = json["publicKey"]?.string.flatMap({ Base64.bytes($0) })
        else { return nil }
        self.init(
            name: name, owner: json["owner"]?.string ?? ThisProcess.login, id: id, publicKey: publicKey,
            algorithm: json["algorithm"]?.int ?? -7, party: json["party"]?.string ?? PluggedSecurityKey.party,
            count: json["count"]?.int.flatMap(UInt32.init(exactly:)) ?? 0)
    }
}

/// The security key plugged into this machine, used through libfido2.
package struct PluggedSecurityKey: SecurityKeyDevice {
    /// The relying party id: keys for this program are separate from those for web pages.
    package static let party = "mm.confirmation"

    /// Whether libfido2 is installed.
    package static var isSupported: Bool { mm_fido_is_there() == 1 }

    /// Creates access to the key that is plugged in when it is used.
    package init() {}

    package func register(_ challenge: [UInt8]) throws(MMError) -> SecurityKeyPair {
        var made = mm_fido_credential()
        try Self.ask { mm_fido_register(Self.party, challenge, &made, $0, $1) }
        return SecurityKeyPair(
            id: Self.bytes(&made.id, made.id_length), point: Self.bytes(&made.point, mm_fido_point))
    }

    package func sign(_ challenge: [UInt8], with pairs: [[UInt8]]) throws(MMError) -> SecurityKeyTouch {
        var made = mm_fido_assertion()
        let lengths = pairs.map(\.count)
        try Self.ask {
            mm_fido_assert(Self.party, challenge, pairs.flatMap(\.self), lengths, lengths.count, &made, $0, $1)
        }
        return SecurityKeyTouch(
            id: Self.bytes(&made.id, made.id_length), data: Self.bytes(&made.data, made.data_length),
            signature: Self.bytes(&made.signature, made.signature_length))
    }

    /// Whether a security key has signed this challenge with the pair of this public key.
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
                hint: "Plug it in and try again. Over SSH, plug it into the machine that mm runs on.")
        default:
            let words = String(decoding: why.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw MMError(
                .forbidden, "The security key did not sign (\(words)).",
                hint: "Nothing was sent or run. Try again, and touch a key that `mm key list` shows.")
        }
    }

    static var noLibrary: MMError {
        MMError(
            .forbidden, "Security keys need libfido2.so.1, which is not installed.",
            hint: "Install it: sudo apt-get install libfido2-1.")
    }

    /// Returns the first bytes of a C array, read in place: as a value, the compiler sees such an array as a tuple of a
    /// thousand elements and takes seconds for each use.
    static func bytes<Elements>(_ array: inout Elements, _ count: Int) -> [UInt8] {
        withUnsafeBytes(of: &array) { [UInt8]($0.prefix(count)) }
    }
}
