internal import MMCore

extension IdentityService {
    /// Completes a target whose tenant is named by its domain with the tenant's id, where the cache holds tokens of
    /// another program: MSAL stores them under the id.
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
            // The service's answer is the same for everyone, so it is asked for once.
            target.foundTenantID = try await entra(target).tenantID(of: target.authority, deadline: deadline)
        } catch {
            log.from("identity").scoped(target.connection).debug("\(error.message)")
        }
        tenantIDs[key] = target.foundTenantID
        return target
    }
}
