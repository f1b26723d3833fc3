internal import MMCore

/// The credential that an app authenticates with when no person signs in.
public enum ClientCredential: Sendable {
    /// A client secret.
    case secret(SecretSource)
    /// A certificate; each request is signed with its private key, which never leaves this machine.
    case certificate(CertificateFiles)
    /// A token of another issuer that the app registration trusts ("Workload identity federation").
    case federated(FederatedToken)

    /// Checks that the credential is available, as far as this machine's files and variables show.
    func check(of connection: String, in surroundings: CredentialContext) async throws(MMError) {
        switch self {
        case .secret(let source):
            _ = try await source.read("the client secret", of: connection, environment: surroundings.environment)
        case .certificate(let files):
            _ = try await files.read(for: connection, in: surroundings.paths, environment: surroundings.environment)
        case .federated(let token): try await token.check(of: connection, in: surroundings)
        }
    }

    /// Adds the credential to a form for the token endpoint.
    func sign(
        _ form: inout FormFields, for target: SignInTarget, in surroundings: CredentialContext, deadline: Deadline
    ) async throws(MMError) {
        switch self {
        case .secret(let source):
            form["client_secret"] = try await source.read(
                "the client secret", of: target.connection, environment: surroundings.environment
            ).reveal()
        case .certificate(let files):
            let certificate = try await files.read(
                for: target.connection, in: surroundings.paths, environment: surroundings.environment)
            let now = surroundings.clock.now
            guard certificate.endsAt == 0 || certificate.endsAt > now.seconds else {
                throw MMError(
                    .invalidInput,
                    "The certificate of \(target.connection) expired on "
                        + "\(Timestamp(seconds: certificate.endsAt).iso8601).",
                    hint:
                        "Create a new one, upload it to the app registration, and save it as \(files.certificatePath).",
                    details: ["connection": .string(target.connection), "path": .string(files.certificatePath)])
            }
            put(
                try ClientAssertion.signed(
                    by: certificate, clientID: target.clientID, audience: target.authority.tokenEndpoint, now: now),
                into: &form)
        case .federated(let token):
            put(try await token.fetch(for: target, in: surroundings, deadline: deadline), into: &form)
        }
    }

    private func put(_ assertion: Secret, into form: inout FormFields) {
        HeldSecrets.shared.hold(assertion)
        form["client_assertion_type"] = ClientAssertion.kind
        form["client_assertion"] = assertion.reveal()
    }
}

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
