import CFIDO2
package import MMCore

/// The data that a browser returns after an authenticator has created or used a passkey (WebAuthn, level 2): the client
/// data, with the challenge and the page's origin, and the authenticator data with its signature over both.
package struct PasskeyData: Sendable {
    /// The credential id.
    package let id: [UInt8]
    /// The client data: JSON that the browser wrote.
    package let clientData: [UInt8]
    /// The authenticator data: relying party, flags, counter, and a new passkey's public key.
    package let authenticatorData: [UInt8]
    /// The signature; empty for a new passkey.
    package let signature: [UInt8]

    /// Reads the data that the page sent.
    /// - Throws: `invalidInput` for values that are missing or not base64url.
    package init(json: JSONObject, isNew: Bool = false) throws(MMError) {
        func bytes(_ name: String) throws(MMError) -> [UInt8] {
            guard let text = json[name]?.string, text.utf8.count <= 8192, let bytes = Base64.bytes(text, alphabet: .url)
            else {
                throw MMError(.invalidInput, "`\(name)` must be base64url.", hint: "Send what the browser returned.")
            }
            return bytes
        }
        id = try bytes("id")
        clientData = try bytes("clientData")
        authenticatorData = try bytes("authenticatorData")
        signature = isNew ? [] : try bytes("signature")
    }

    /// Checks the type, challenge and origin in the client data.
    private func check(_ type: String, _ challenge: [UInt8], _ origin: String) throws(MMError) {
        guard let client = try? JSONParser.parse(clientData, limits: .strict) else {
            throw Self.refused("its client data can't be read")
        }
        guard client["type"]?.string == type else { throw Self.refused("it was made for something else (type)") }
        guard client["challenge"]?.string == Base64.text(challenge, alphabet: .url) else {
            throw Self.refused("it answers another challenge")
        }
        guard client["origin"]?.string == origin, client["crossOrigin"]?.bool != true, client["topOrigin"] == nil else {
            throw Self.refused("it was made on another page (origin)")
        }
    }

    /// Checks the flags of the authenticator data (WebAuthn, section 6.1): user present and user verified.
    private func checkPerson(_ party: String) throws(MMError) {
        guard authenticatorData.count >= 37, Array(authenticatorData[..<32]) == SHA256.digest(Array(party.utf8)) else {
            throw Self.refused("it was made for another site (rpId)")
        }
        guard authenticatorData[32] & 0x01 != 0 else { throw Self.refused("nobody touched it") }
        guard authenticatorData[32] & 0x04 != 0 else {
            throw Self.refused("it did not verify the person (PIN, fingerprint or face)")
        }
    }

    /// The authenticator's signature counter.
    private var count: UInt32 { authenticatorData[33..<37].reduce(0) { $0 << 8 | UInt32($1) } }

    /// Reads a new passkey.
    /// - Parameters:
    ///   - challenge: the challenge of the registration.
    ///   - origin: the page's origin.
    ///   - party: the relying party id: the host of the origin.
    ///   - name: the new passkey's name.
    ///   - owner: the new passkey's owner.
    /// - Throws: `forbidden` with the check that failed.
    package func newKey(
        challenge: [UInt8], origin: String, party: String, name: String, owner: String
    ) throws(MMError) -> SecurityKey {
        try check("webauthn.create", challenge, origin)
        try checkPerson(party)
        var made = mm_fido_passkey()
        let isRead = mm_fido_read_passkey(authenticatorData, authenticatorData.count, &made)
        guard isRead >= 0 else { throw PluggedSecurityKey.noLibrary }
        let own = PluggedSecurityKey.bytes(&made.id, made.id_length)
        guard isRead == 1, own == id else {
            throw Self.refused("it has no public key that can be used (ES256, EdDSA or RS256)")
        }
        return SecurityKey(
            name: name, owner: owner, id: own,
            publicKey: PluggedSecurityKey.bytes(&made.key, made.key_length),
            algorithm: Int(made.algorithm), party: party, count: count)
    }

    /// Checks a passkey's signature.
    /// - Parameters:
    ///   - challenge: the challenge to be signed.
    ///   - origin: the page's origin.
    ///   - key: the registered passkey.
    /// - Returns: the authenticator's signature counter.
    /// - Throws: `forbidden` with the check that failed.
    package func verify(challenge: [UInt8], origin: String, by key: SecurityKey) throws(MMError) -> UInt32 {
        try check("webauthn.get", challenge, origin)
        try checkPerson(key.party)
        let room = mm_fido_room
        guard authenticatorData.count <= room, signature.count <= room, key.publicKey.count <= room else {
            throw Self.refused("it is too long")
        }
        var made = mm_fido_assertion()
        withUnsafeMutableBytes(of: &made.data) { $0.copyBytes(from: authenticatorData) }
        made.data_length = authenticatorData.count
        withUnsafeMutableBytes(of: &made.signature) { $0.copyBytes(from: signature) }
        made.signature_length = signature.count
        var passkey = mm_fido_passkey()
        withUnsafeMutableBytes(of: &passkey.key) { $0.copyBytes(from: key.publicKey) }
        passkey.key_length = key.publicKey.count
        passkey.algorithm = Int32(clamping: key.algorithm)
        let result = mm_fido_verify_passkey(key.party, SHA256.digest(clientData), &made, &passkey)
        guard result >= 0 else { throw PluggedSecurityKey.noLibrary }
        guard result == 1 else { throw Self.refused("its signature is wrong") }
        return count
    }

    static func refused(_ why: String) -> MMError {
        MMError(.forbidden, "The passkey's answer is not valid: \(why).", hint: "Nothing was approved. Try again.")
    }
}
