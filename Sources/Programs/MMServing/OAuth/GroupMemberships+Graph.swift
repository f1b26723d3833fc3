import MMCore
import MMIdentity
import MMOperations

extension GroupMemberships {
    /// Creates memberships that are looked up in Microsoft Graph.
    /// - Parameter issuer: the service whose tokens are admitted.
    convenience init(of groups: CallerGroups, issuer: String) {
        self.init { (token, asked) async throws(CallerRefusal) in
            guard let tenantID = token.text("tid"), let objectID = token.text("oid") else {
                throw CallerRefusal(.forbidden, Self.unseen("The token does not identify an account of a directory."))
            }
            let account = CallerGroups.Account(
                issuer: issuer, tenantID: tenantID, objectID: objectID, token: token.encoded)
            do throws(MMError) {
                return try await groups.memberships(of: account, among: asked)
            } catch {
                switch error.code {
                case .signInNeeded:
                    var refusal = CallerRefusal(.invalid, Self.unseen(error.message))
                    refusal.claims = error.details["claims"]?.string
                    throw refusal
                case .unavailable: throw CallerRefusal(.unavailable, Self.unseen(error.message))
                default: throw CallerRefusal(.forbidden, Self.unseen(error.message))
                }
            }
        }
    }
}
