internal import MMCore

/// The check of a client assertion: form, names and times (RFC 7523). The signature is believed, since the sandbox holds
/// no certificates.
enum PresentedAssertion {
    private static let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    /// - Throws: `TokenFault` naming what is wrong.
    static func check(
        _ assertion: String, type: String?, app: RegisteredApp, now: Int64, audiences: [String]
    ) throws(TokenFault) {
        guard type == Self.type else { throw .missing("client_assertion_type") }
        let parts = assertion.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = json(parts[0]), let claims = json(parts[1]), !parts[2].isEmpty else {
            throw fault(50_027, "Invalid JWT token. The client assertion is not well formed.")
        }
        guard let algorithm = header["alg"]?.string, ["PS256", "RS256", "PS384", "ES256"].contains(algorithm) else {
            throw fault(700_027, "The client assertion is not signed with a supported algorithm.")
        }
        guard let expires = claims["exp"]?.int else { throw fault(50_027, "Client assertion contains no 'exp' claim.") }
        let starts = claims["nbf"]?.int ?? claims["iat"]?.int ?? 0
        guard now < Int64(expires) + 300, now > Int64(starts) - 300 else {
            throw fault(700_024, "Client assertion is not within its valid time range.")
        }
        let issuer = claims["iss"]?.string ?? ""
        let subject = claims["sub"]?.string ?? ""
        let audience = claims["aud"]?.string ?? ""
        if issuer.lowercased() == app.id {
            guard subject.lowercased() == app.id else {
                throw fault(700_021, "Client assertion application identifier doesn't match 'client_id' parameter.")
            }
            guard header["x5t"] != nil || header["x5t#S256"] != nil else {
                throw fault(
                    700_027,
                    "The client assertion names no certificate: 'x5t' or 'x5t#S256' is missing from its header.")
            }
            guard audiences.contains(audience) else {
                throw fault(700_023, "Client assertion audience claim does not match Realm issuer.")
            }
            return
        }
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
