/// Which of the identities that Azure gave to this machine signs in ("Managed identities for Azure resources").
public enum ManagedIdentity: Sendable, Hashable {
    /// The machine's own.
    case system
    /// One of a user's making, by its client id.
    case clientID(String)
    /// One of a user's making, by the object id of its service principal.
    case objectID(String)
    /// One of a user's making, by its resource id (`/subscriptions/…`).
    case resourceID(String)
}
