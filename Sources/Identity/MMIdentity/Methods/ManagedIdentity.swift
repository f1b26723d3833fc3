/// One of the identities that Azure assigned to this machine ("Managed identities for Azure resources").
public enum ManagedIdentity: Sendable, Hashable {
    /// The system-assigned identity.
    case system
    /// A user-assigned identity, by its client id.
    case clientID(String)
    /// A user-assigned identity, by the object id of its service principal.
    case objectID(String)
    /// A user-assigned identity, by its resource id (`/subscriptions/…`).
    case resourceID(String)
}
