import COpenSSL
package import MMCore

/// Encrypts what holds secrets before it goes to Redis, with a key that all nodes have.
package struct ClusterSeal: Sendable {
    private let key: [UInt8]
    private static let overhead = 28

    /// The seal of a file's key.
    /// - Throws: `notFound`, `invalidInput` for a short key, `unavailable` without OpenSSL.
    package init(keyFile path: String) throws(MMError) {
        let remedy = "Make one, the same on all nodes: (umask 077; openssl rand -base64 32 > FILE)"
        guard var secret = try ProtectedFile.read(path, limit: 4096) else {
            throw MMError(.notFound, "There is no file \(path), which MM_CLUSTER_KEY_FILE names.", hint: remedy)
        }
        while secret.last == 0x0A || secret.last == 0x0D { secret.removeLast() }
        guard secret.count >= 32 else {
            throw MMError(.invalidInput, "The key in \(path) (MM_CLUSTER_KEY_FILE) is too short.", hint: remedy)
        }
        if let reason = mm_openssl_load() {
            throw MMError(
                .unavailable, "OpenSSL can't be opened: \(String(cString: reason))", hint: "apt-get install libssl3")
        }
        key = HMAC.sha256("mm cluster 1".utf8, key: secret)
    }

    /// Bytes that all nodes have and nobody else, for one purpose.
    package func derived(_ purpose: String) -> [UInt8] { HMAC.sha256(purpose.utf8, key: key) }

    /// Encrypts bytes, bound to the name under which they are kept.
    package func sealed(_ plain: [UInt8], name: String) -> [UInt8]? {
        var room = [UInt8](repeating: 0, count: plain.count + Self.overhead)
        let bound = Array(name.utf8)
        let count = mm_seal(key, bound, Int32(bound.count), plain, Int32(plain.count), &room, Int32(room.count))
        return count > 0 ? Array(room.prefix(Int(count))) : nil
    }

    /// The reverse; `nil` where anything doesn't belong together.
    package func plain(_ sealed: [UInt8], name: String) -> [UInt8]? {
        guard sealed.count >= Self.overhead else { return nil }
        var room = [UInt8](repeating: 0, count: sealed.count)
        let bound = Array(name.utf8)
        let count = mm_unseal(key, bound, Int32(bound.count), sealed, Int32(sealed.count), &room, Int32(room.count))
        return count >= 0 ? Array(room.prefix(Int(count))) : nil
    }
}
