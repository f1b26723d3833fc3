package import MMCore

/// A successful response of the token endpoint (RFC 6749, section 5.1, with Entra ID's additions).
package struct TokenAnswer: Sendable {
    /// The access token.
    package let accessToken: Secret
    /// A new refresh token, which replaces the old one immediately.
    package let refreshToken: Secret?
    /// The id_token, which identifies the person who signed in.
    package let idToken: Secret?
    /// The home account.
    package let clientInfo: AccountClientInfo?
    /// The granted scopes; the requested ones when the response doesn't name them.
    package let scopes: [String]
    /// The lifetime of the access token in seconds.
    package let expiresIn: Int
    /// How many seconds the token may be used during an outage of the sign-in service.
    package let extendedExpiresIn: Int
    /// The number of seconds after which a refresh is advised.
    package let refreshIn: Int?
    /// The family of apps that share refresh tokens, as received.
    package let familyID: String?

    /// Parses the body of a response.
    /// - Parameters:
    ///   - body: the JSON of a 200 response.
    ///   - requested: the requested scopes.
    /// - Throws: `.remoteFailed` when it isn't a token endpoint's response.
    package init(_ body: [UInt8], requested: [String]) throws(MMError) {
        let limits = JSONLimits(bytes: 1 << 20, depth: 32)
        guard let object = (try? JSONParser.parse(body, limits: limits))?.object else {
            throw Self.odd("its answer is not the JSON that a token endpoint gives")
        }
        guard let token = object["access_token"]?.string, !token.isEmpty else {
            throw Self.odd("its answer has no access token")
        }
        guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Self.odd("its access token holds characters that no header can carry")
        }
        let type = object["token_type"]?.string ?? "Bearer"
        guard type.lowercased() == "bearer" else {
            throw Self.odd("it gave a token of type \(type.prefix(20)), not Bearer")
        }
        accessToken = Secret(token)
        refreshToken = object["refresh_token"]?.string.flatMap { $0.isEmpty ? nil : Secret($0) }
        idToken = object["id_token"]?.string.flatMap { $0.isEmpty ? nil : Secret($0) }
        clientInfo = object["client_info"]?.string.flatMap(AccountClientInfo.init(encoded:))
        let granted = object["scope"]?.string?.split(separator: " ").map(String.init) ?? []
        scopes = granted.isEmpty ? requested : granted
        let life = Self.seconds(object["expires_in"]) ?? 600
        expiresIn = life
        extendedExpiresIn = Self.seconds(object["ext_expires_in"]) ?? life
        refreshIn = Self.seconds(object["refresh_in"])
        familyID = object["foci"]?.string
    }

    /// Parses the response of a machine's identity service, which gives the token's expiry instead of its lifetime.
    /// - Parameter scope: the requested scope.
    /// - Throws: `.remoteFailed` when it isn't such a response.
    init(managedIdentity body: [UInt8], scope: String, now: Timestamp) throws(MMError) {
        let limits = JSONLimits(bytes: 1 << 20, depth: 32)
        var object = (try? JSONParser.parse(body, limits: limits))?.object ?? [:]
        let end = object["expires_on"]
        if let end = end?.int.map(Int64.init) ?? end?.string.flatMap({ Int64($0) }) {
            object["expires_in"] = .int(max(0, end - now.seconds))
            object["ext_expires_in"] = nil
        }
        object["refresh_token"] = nil
        try self.init(JSONWriter.bytes(.object(object)), requested: [scope])
    }

    /// Returns a number of seconds, which may arrive as a number or as text.
    private static func seconds(_ value: JSONValue?) -> Int? {
        guard let number = value?.int ?? value?.string.flatMap({ Int($0) }), number >= 0 else { return nil }
        return min(number, 10 * 365 * 86_400)
    }

    private static func odd(_ what: String) -> MMError {
        MMError(
            .remoteFailed, "The sign-in service's answer can't be used: \(what).",
            hint: "A proxy or a captive portal may be between mm and the service. Check the network.")
    }
}

/// The home account of a signed-in person: the object and tenant where the account lives, also for guests.
package struct AccountClientInfo: Sendable, Hashable {
    /// The object id in the home tenant.
    package let uid: String
    /// The home tenant's id.
    package let utid: String

    /// The account as `uid.utid`, which token caches call the home account id.
    package var homeAccountID: String { "\(uid).\(utid)" }

    /// Decodes the `client_info` of an answer: base64url of `{"uid":…,"utid":…}`.
    package init?(encoded: String) {
        guard let bytes = Base64.bytes(encoded, alphabet: .url),
            let object = (try? JSONParser.parse(bytes, limits: JSONLimits(bytes: 4096, depth: 4)))?.object,
            let uid = object["uid"]?.string, let utid = object["utid"]?.string, !uid.isEmpty, !utid.isEmpty
        else { return nil }
        self.uid = uid
        self.utid = utid
    }
}
