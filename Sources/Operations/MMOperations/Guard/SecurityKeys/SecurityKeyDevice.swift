package import MMCore

/// A security key that is plugged in: makes pairs of keys, and signs with them when somebody touches it. Calls block until
/// then.
package protocol SecurityKeyDevice: Sendable {
    /// Has the key make a pair of keys.
    /// - Parameter challenge: 32 bytes.
    func register(_ challenge: [UInt8]) throws(MMError) -> SecurityKeyPair

    /// Has the key sign a challenge.
    /// - Parameters:
    ///   - challenge: 32 bytes.
    ///   - pairs: the names of the pairs of keys that it may sign with.
    func sign(_ challenge: [UInt8], with pairs: [[UInt8]]) throws(MMError) -> SecurityKeyTouch
}

/// A pair of keys that a security key has made: what it calls the pair, and the public one.
package struct SecurityKeyPair: Sendable, Hashable {
    /// What the key calls the pair.
    package let id: [UInt8]
    /// A point of P-256: x, then y, 32 bytes each.
    package let point: [UInt8]

    /// A pair.
    package init(id: [UInt8], point: [UInt8]) {
        self.id = id
        self.point = point
    }
}

/// What a touched key says: with which pair it signed, its own data (WebAuthn's authenticator data), and the signature over
/// that data and the challenge.
package struct SecurityKeyTouch: Sendable, Hashable {
    /// The pair.
    package let id: [UInt8]
    /// For whom it signed, and whether it was touched.
    package let data: [UInt8]
    /// ECDSA with SHA-256, in DER.
    package let signature: [UInt8]

    /// A touch.
    package init(id: [UInt8], data: [UInt8], signature: [UInt8]) {
        self.id = id
        self.data = data
        self.signature = signature
    }
}
