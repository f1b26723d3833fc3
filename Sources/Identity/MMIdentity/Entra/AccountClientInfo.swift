internal import MMCore

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
