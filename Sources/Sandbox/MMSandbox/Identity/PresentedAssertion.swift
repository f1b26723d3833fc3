internal import COpenSSL
internal import MMCore

/// The check of a client assertion (RFC 7523): form, names and times, and the signature by a certificate of the app.
/// Tokens of other issuers are trusted, since the sandbox can't request those issuers' keys.
///
/// An assertion may be used repeatedly while it is valid, because the vendor's libraries cache it that long.
enum PresentedAssertion {
    private static let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    private static let algorithms = [
        "PS256": MM_SIGNATURE_PS256, "RS256": MM_SIGNATURE_RS256, "ES256": MM_SIGNATURE_ES256,
    ]

    /// Checks an assertion.
    /// - Parameter certificates: the certificates of the app.
    /// - Throws: `TokenFault` naming what is wrong.
    static func check(
        _ assertion: String, type: String?, app: RegisteredApp, certificates: [AppCertificate], now: Int64,
        audiences: [String]
    ) throws(TokenFault) {
        guard type == Self.type else { throw .missing("client_assertion_type") }
        let parts = assertion.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = json(parts[0]), let claims = json(parts[1]), !parts[2].isEmpty else {
            throw fault(50_027, "Invalid JWT token. The client assertion is not well formed.")
        }
        guard let algorithm = header["alg"]?.string.flatMap({ algorithms[$0] }) else {
            throw fault(700_027, "The client assertion is not signed with a supported algorithm.")
        }
        // Times may have a fraction of a second (RFC 7519, section 2), as MSAL for Python writes them.
        guard let expires = claims["exp"]?.double else {
            throw fault(50_027, "Client assertion contains no 'exp' claim.")
        }
        let starts = claims["nbf"]?.double ?? claims["iat"]?.double ?? 0
        guard Double(now) < expires + 300, Double(now) > starts - 300 else {
            throw fault(700_024, "Client assertion is not within its valid time range.")
        }
        let issuer = claims["iss"]?.string ?? ""
        let subject = claims["sub"]?.string ?? ""
        let audience = claims["aud"]?.string ?? ""
        guard issuer.lowercased() == app.id else {
            return try checkFederated(app, issuer: issuer, subject: subject, audience: audience)
        }
        guard subject.lowercased() == app.id else {
            throw fault(700_021, "Client assertion application identifier doesn't match 'client_id' parameter.")
        }
        guard claims["jti"]?.string?.isEmpty == false else {
            throw fault(50_027, "Client assertion contains no 'jti' claim.")
        }
        guard audiences.contains(audience) else {
            throw fault(700_023, "Client assertion audience claim does not match Realm issuer.")
        }
        let certificate = try certificate(that: header, names: certificates, app)
        guard certificate.endsAt > now, certificate.startsAt <= now else {
            let found = "Start=\(ServiceTime.text(certificate.startsAt)), End=\(ServiceTime.text(certificate.endsAt))"
            throw fault(
                700_027,
                "The certificate with identifier used to sign the client assertion is expired on application. "
                    + "[Reason - The key used is expired., Found key '\(found)'.]")
        }
        let signature = Base64.bytes(String(parts[2]), alphabet: .url) ?? []
        guard certificate.verifies(signature, of: "\(parts[0]).\(parts[1])", by: algorithm) else {
            throw fault(700_027, "Client assertion failed signature validation.")
        }
    }

    /// Returns the certificate that a header names by its digest.
    private static func certificate(
        that header: JSONValue, names certificates: [AppCertificate], _ app: RegisteredApp
    ) throws(TokenFault) -> AppCertificate {
        let named = [("x5t#S256", \AppCertificate.digest), ("x5t", \AppCertificate.thumbprint)]
        guard let (name, path) = named.first(where: { header[$0.0] != nil }) else {
            throw fault(
                700_027, "The client assertion names no certificate: 'x5t' or 'x5t#S256' is missing from its header.")
        }
        let wanted = header[name]?.string.flatMap { Base64.bytes($0, alphabet: .url) } ?? []
        guard let found = certificates.first(where: { $0[keyPath: path] == wanted }) else {
            throw fault(
                700_027,
                "The certificate with identifier used to sign the client assertion is not registered on application. "
                    + "[Reason - The key was not found., Thumbprint of key used by client: '\(Hex.text(wanted).uppercased())', "
                    + "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app "
                    + "Id '\(app.id)'.]")
        }
        return found
    }

    /// Checks a token of another issuer that replaces the app's own credential.
    private static func checkFederated(
        _ app: RegisteredApp, issuer: String, subject: String, audience: String
    ) throws(TokenFault) {
        guard let federated = app.federated, issuer == federated.issuer else {
            throw fault(
                700_211,
                "No matching federated identity record found for presented assertion issuer '\(issuer.prefix(200))'.")
        }
        guard subject == federated.subject else {
            throw fault(
                700_213,
                "No matching federated identity record found for presented assertion subject '\(subject.prefix(200))'.")
        }
        guard audience == federated.audience else {
            throw fault(
                700_212,
                "No matching federated identity record found for presented assertion audience '\(audience.prefix(200))'."
            )
        }
    }

    private static func json(_ part: Substring) -> JSONValue? {
        Base64.bytes(String(part), alphabet: .url).flatMap { try? JSONParser.parse($0) }
    }

    private static func fault(_ number: Int, _ message: String) -> TokenFault {
        TokenFault("invalid_client", number, message, status: 401)
    }
}

/// The public half of a certificate that an app has registered.
package final class AppCertificate: @unchecked Sendable {
    // `@unchecked Sendable`: OpenSSL's object is set once and then only read; each check has its own context.
    private let key: UnsafeMutableRawPointer
    /// The SHA-256 digest, as in `x5t#S256`.
    let digest: [UInt8]
    /// The SHA-1 digest, as in `x5t`.
    let thumbprint: [UInt8]
    /// The start of its validity, in seconds since 1970.
    let startsAt: Int64
    /// The end of its validity, in seconds since 1970.
    let endsAt: Int64

    /// Reads a certificate in DER; `nil` for anything else, and on a machine without OpenSSL.
    init?(_ der: [UInt8]) {
        var thumbprint = [UInt8](repeating: 0, count: 20)
        var (start, end): (Int64, Int64) = (0, 0)
        guard let key = mm_certificate_key(der, Int32(clamping: der.count), &thumbprint, &start, &end) else {
            return nil
        }
        self.key = key
        self.thumbprint = thumbprint
        digest = SHA256.digest(der)
        (startsAt, endsAt) = (start, end)
    }

    deinit { mm_public_key_free(key) }

    /// Returns whether a signature of a text was made with this certificate's key.
    /// - Parameter algorithm: an algorithm number of COpenSSL.
    func verifies(_ signature: [UInt8], of text: String, by algorithm: Int) -> Bool {
        let bytes = Array(text.utf8)
        return mm_public_key_verify(
            key, Int32(algorithm), bytes, Int32(bytes.count), signature, Int32(signature.count)) == 1
    }

    /// Returns the certificates in a PEM text, each in DER.
    package static func read(pem: [UInt8]) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var open: String?
        for line in String(decoding: pem, as: UTF8.self).split(whereSeparator: \.isNewline) {
            switch line {
            case "-----BEGIN CERTIFICATE-----": open = ""
            case "-----END CERTIFICATE-----":
                if let text = open, let der = Base64.bytes(text) { found.append(der) }
                open = nil
            default: open? += line.filter { !$0.isWhitespace }
            }
        }
        return found
    }
}
