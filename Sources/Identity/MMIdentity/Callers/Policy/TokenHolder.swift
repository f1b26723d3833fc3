package import MMCore

/// Whose an access token is.
package struct TokenHolder: Sendable, Hashable {
    /// The service that issued the token.
    package let issuer: String
    /// Who it is there.
    package let subject: String
    /// The tenant, in Entra ID.
    package let tenantID: String?
    /// The account in that tenant.
    package let objectID: String?
    /// A name to show; the account's owner or others may be able to change it, so that it decides nothing.
    package let name: String?
    /// When the token ends.
    package let endsAt: Timestamp
    /// When it was issued, where it says so.
    package var issuedAt: Timestamp?

    /// What tells this account from every other one: it lasts as long as the account, through every app and token.
    package var id: String {
        if let tenantID, let objectID { return "\(tenantID)/\(objectID)" }
        let name = "\(issuer) \(subject)"
        // Names go through headers and file names: a long one is known by its digest.
        return name.utf8.count <= 300 ? name : "sha256 " + Hex.text(SHA256.digest(name.utf8))
    }
}
