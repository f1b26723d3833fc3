internal import MMCore

extension IdentityService {
    /// Adds the tenant's id to a target that names its tenant by domain, where the cache holds tokens of another
    /// program: MSAL stores them under the id.
    func completed(_ target: SignInTarget, until deadline: Deadline) async throws(MMError) -> SignInTarget {
        guard target.authority.tenantID == nil else { return target }
        let key = "\(target.authority.cloud.login)/\(target.authority.tenant)"
        var target = target
        if let known = tenantIDs[key] {
            target.foundTenantID = known
            return target
        }
        let snapshot = try await files(target).snapshot(target)
        guard snapshot.check.pin == nil, snapshot.view.hasUnknownRealm, try snapshot.account() == nil else {
            return target
        }
        do throws(MMError) {
            // The answer is the same for every connection, so the service is asked once.
            target.foundTenantID = try await entra(target).tenantID(of: target.authority, deadline: deadline)
        } catch {
            log.from("identity").scoped(target.connection).debug("\(error.message)")
        }
        tenantIDs[key] = target.foundTenantID
        return target
    }
}
