package import MMCore
import MMSystem

/// The security keys that a user has registered, and what is proven by touching one: that somebody was there who saw this
/// very request, since the key signs its digest and nothing else.
///
/// Names and public keys lie in a 0600 file of the state folder; the private keys never leave the hardware.
package struct SecurityKeyRing: Sendable {
    private let path: String
    private let device: any SecurityKeyDevice

    /// The keys of a user.
    /// - Parameters:
    ///   - paths: where their state lies.
    ///   - device: what is touched.
    package init(paths: StatePaths, device: any SecurityKeyDevice = PluggedSecurityKey()) {
        path = paths.securityKeys
        self.device = device
    }

    private struct Key {
        var name: String
        var pair: SecurityKeyPair
    }

    /// The names of the registered keys.
    package func names() throws(MMError) -> [String] { try read().map(\.name) }

    /// Registers the key that is plugged in.
    /// - Parameter name: what it is called from now on.
    /// - Throws: `conflict` for a name that another key has.
    package func add(_ name: String) async throws(MMError) {
        guard !name.isEmpty, name.utf8.count <= 64, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw MMError(
                .invalidInput, "A key's name has one to 64 letters, digits and signs, without blanks.",
                hint: "For example: mm key add desk")
        }
        guard try !names().contains(name) else {
            throw MMError(
                .conflict, "There is a key named \(name) already.",
                hint: "Give another name, or remove that one first: mm key remove \(name)")
        }
        let device = device
        let pair = try await BlockingWork.run { () throws(MMError) in try device.register(RandomBytes.make(32)) }
        try await change { (keys) throws(MMError) in keys.append(Key(name: name, pair: pair)) }
    }

    /// Forgets a key.
    /// - Throws: `notFound` for a name that none has.
    package func remove(_ name: String) async throws(MMError) {
        try await change { (keys) throws(MMError) in
            guard keys.contains(where: { $0.name == name }) else {
                throw MMError(.notFound, "No key is named \(name).", hint: "mm key list tells their names.")
            }
            keys.removeAll { $0.name == name }
        }
    }

    /// Has a registered key touched for exactly this.
    /// - Parameter subject: the digest of the request, or the words of what is done.
    /// - Throws: `forbidden` when no key is registered or plugged in, when it isn't touched, or signs anything else.
    package func prove(_ subject: String) async throws(MMError) {
        let keys = try read()
        guard !keys.isEmpty else {
            throw MMError(
                .forbidden, "This needs a security key, and none is registered.",
                hint: "Register one in a terminal: mm key add NAME.")
        }
        // What was signed for the same request before is no touch of now.
        var hash = SHA256()
        hash.update("mm confirmation by key 1\n\(subject)\n".utf8)
        hash.update(RandomBytes.make(32))
        let challenge = hash.finish()
        let device = device
        let touch = try await BlockingWork.run { () throws(MMError) in
            try device.sign(challenge, with: keys.map(\.pair.id))
        }
        guard let key = keys.first(where: { $0.pair.id == touch.id }),
            try PluggedSecurityKey.verifies(touch, of: challenge, by: key.pair.point)
        else {
            throw MMError(
                .forbidden, "What the security key signed is not this request, or isn't a key of yours.",
                hint: "Nothing was sent or run.")
        }
    }

    private func change(_ body: (inout [Key]) throws(MMError) -> Void) async throws(MMError) {
        let lock = try await FileLock(awaiting: path)
        var keys = try read()
        try body(&keys)
        let rows = keys.map { key -> JSONValue in
            [
                "name": .string(key.name), "id": .string(Base64.text(key.pair.id)),
                "publicKey": .string(Base64.text(key.pair.point)),
            ]
        }
        try ProtectedFile.replace(path, with: JSONWriter.bytes(["keys": .array(rows)]))
        _ = consume lock
    }

    private func read() throws(MMError) -> [Key] {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else { return [] }
        let rows = (try? JSONParser.parse(bytes))?["keys"]?.array
        let keys = rows?.compactMap { row -> Key? in
            guard let name = row["name"]?.string, let id = row["id"]?.string.flatMap({ Base64.bytes($0) }),
                let point = row["publicKey"]?.string.flatMap({ Base64.bytes($0) })
            else { return nil }
            return Key(name: name, pair: SecurityKeyPair(id: id, point: point))
        }
        guard let rows, let keys, keys.count == rows.count else {
            throw MMError(
                .conflict, "The file of the security keys can't be read: \(path).",
                hint: "Remove it and register the keys again: mm key add NAME.")
        }
        return keys
    }
}
