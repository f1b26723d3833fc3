/// The principal that a token represents.
struct SignedInPrincipal: Sendable {
    /// The object id: of the user, or of the app itself.
    let objectID: String
    let appID: String
    let isApp: Bool
    /// Delegated permissions, or roles of an app.
    let permissions: Set<String>
    let resource: ServedResource
    /// The serial number of the token, in the order of issue, so that a revocation affects exactly the earlier ones.
    let serial: Int
    /// Whether the client declared that it handles claims challenges.
    let answersChallenges: Bool
    /// The roles of a person at a partner, who has no account here; `nil` for all others.
    var delegatedRoles: [DirectoryRoleName]?
}
