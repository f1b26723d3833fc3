internal import COpenSSL
internal import MMCore

/// The key with which the sandbox signs tokens that others read, made when it is first needed.
final class SigningKey: Sendable {
    /// The library's object, which is freed with its owner here.
    ///
    /// `@unchecked Sendable`: it is only read once it is made; each signature has its own context.
    private final class Handle: @unchecked Sendable {
        let raw: UnsafeMutableRawPointer

        init?() {
            guard mm_openssl_load() == nil, let raw = mm_credential_create() else { return nil }
            self.raw = raw
        }

        deinit { mm_credential_free(raw) }
    }

    /// What it is called.
    static let name = "sandbox-signing"
    private let handle = Mutex<Handle?>(nil)

    private func made() -> Handle? {
        handle.withLock { handle in
            if handle == nil { handle = Handle() }
            return handle
        }
    }

    /// The public half (RFC 7517); `nil` where the machine has no OpenSSL.
    var published: JSONValue? {
        guard let handle = made() else { return nil }
        var point = [UInt8](repeating: 0, count: 64)
        guard mm_credential_point(handle.raw, &point, 64) == 64 else { return nil }
        return [
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": .string(Self.name),
            "x": .string(Base64.text(Array(point[..<32]), alphabet: .url)),
            "y": .string(Base64.text(Array(point[32...]), alphabet: .url)),
        ]
    }

    /// The signature of a text.
    func signature(of text: String) -> [UInt8]? {
        guard let handle = made() else { return nil }
        let bytes = Array(text.utf8)
        var room = [UInt8](repeating: 0, count: 64)
        guard mm_credential_sign(handle.raw, bytes, Int32(bytes.count), &room, 64) == 64 else { return nil }
        return room
    }

    /// Whether a signature of a text is this key's.
    func verifies(_ signature: [UInt8], of text: String) -> Bool {
        guard let handle = made() else { return false }
        let bytes = Array(text.utf8)
        return mm_credential_verify(
            handle.raw, bytes, Int32(bytes.count), signature, Int32(signature.count)) == 1
    }
}
