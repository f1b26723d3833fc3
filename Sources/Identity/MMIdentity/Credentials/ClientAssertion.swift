internal import MMCore

/// The proof that an app holds the private key of its certificate (RFC 7523; "Microsoft identity platform application
/// authentication certificate credentials").
enum ClientAssertion {
    /// The assertion type, as the token endpoint names it.
    static let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    /// The lifetime in seconds: long enough for a clock that is slightly off, too short to be worth stealing.
    private static let life: Int64 = 600

    /// Returns a signed assertion, to be used for one request.
    /// - Parameters:
    ///   - certificate: the certificate that signs it.
    ///   - clientID: the id of the app.
    ///   - audience: the token endpoint that it is for.
    ///   - now: the current time.
    static func signed(
        by certificate: SigningCertificate, clientID: String, audience: String, now: Timestamp
    ) throws(MMError) -> Secret {
        let header: JSONObject = [
            "alg": .string(certificate.algorithm), "typ": "JWT",
            "x5t#S256": .string(Base64.text(certificate.digest, alphabet: .url)),
        ]
        let claims: JSONObject = [
            "aud": .string(audience), "iss": .string(clientID), "sub": .string(clientID),
            "jti": .string(RandomBytes.uuid()), "iat": .int(now.seconds), "nbf": .int(now.seconds),
            "exp": .int(now.seconds + life),
        ]
        let body = part(header) + "." + part(claims)
        return Secret(body + "." + Base64.text(try certificate.signature(of: body), alphabet: .url))
    }

    private static func part(_ object: JSONObject) -> String {
        Base64.text(JSONWriter.bytes(.object(object)), alphabet: .url)
    }
}
