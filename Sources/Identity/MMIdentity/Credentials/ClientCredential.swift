internal import MMCore

/// What an app authenticates with when no person signs in.
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
            _ = try source.read("the client secret", of: connection, environment: surroundings.environment)
        case .certificate(let files): _ = try await files.read(for: connection)
        case .federated(let token): try token.check(of: connection, in: surroundings)
        }
    }

    /// Adds the credential to a form for the token endpoint.
    func sign(
        _ form: inout FormFields, for target: SignInTarget, in surroundings: CredentialContext, deadline: Deadline
    ) async throws(MMError) {
        switch self {
        case .secret(let source):
            form["client_secret"] = try source.read(
                "the client secret", of: target.connection, environment: surroundings.environment
            ).reveal()
        case .certificate(let files):
            let certificate = try await files.read(for: target.connection)
            let now = surroundings.clock.now
            guard certificate.endsAt == 0 || certificate.endsAt > now.seconds else {
                throw MMError(
                    .invalidInput,
                    "The certificate of \(target.connection) expired on "
                        + "\(Timestamp(seconds: certificate.endsAt).iso8601).",
                    hint:
                        "Make a new one, upload it to the app registration, and put it into \(files.certificatePath).",
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
