/// The account that is signed in for a connection.
public struct SignedInAccount: Sendable, Hashable {
    /// The name that the account signs in with: `adele@contoso.example`; empty for an app.
    public let username: String
    /// The account's immutable object id in the tenant.
    package let objectID: String
    /// The tenant that the account acts in.
    package let tenantID: String
    /// The account in its home tenant, `uid.utid`; differs from the other ids for guests.
    package let homeAccountID: String
    /// The id of the app, if it signed in by itself, without a person.
    package let appID: String?

    /// Whether an app signed in by itself.
    package var isApp: Bool { appID != nil }

    /// Whether a person acts in another tenant than their own.
    package var isAway: Bool {
        // The home account id is the person's object id and their home tenant's id, joined by a dot.
        let parts = homeAccountID.split(separator: ".")
        return !isApp && parts.count == 2 && parts[1].lowercased() != tenantID.lowercased()
    }

    /// A name for messages: that of a person's account, or the app with a note that there is no person.
    public var title: String { appID.map { "app \($0), no person" } ?? username }

    package init(
        username: String, objectID: String, tenantID: String, homeAccountID: String, appID: String? = nil
    ) {
        self.username = username
        self.objectID = objectID
        self.tenantID = tenantID
        self.homeAccountID = homeAccountID
        self.appID = appID
    }

    /// Returns whether two sign-in names are equal, ignoring case and Unicode normalisation form, but not whitespace.
    package static func sameName(_ left: String, _ right: String) -> Bool {
        // Swift compares strings by canonical equivalence, so composed and decomposed letters are equal.
        left.lowercased() == right.lowercased()
    }
}
