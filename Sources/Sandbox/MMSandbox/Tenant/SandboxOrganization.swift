/// What one tenant of a sandbox is called: the sandbox's own, and each customer that it administers for.
package struct SandboxOrganization: Sendable, Hashable {
    /// The id of the tenant.
    package let id: String
    /// The default domain.
    package let domain: String
    /// The domain that the tenant was made with.
    package let initialDomain: String
    /// The name of the organisation.
    package let name: String

    /// The sandbox's own tenant, the same in every sandbox.
    package static let own = SandboxOrganization(
        id: TenantIdentity.id, domain: TenantIdentity.domain, initialDomain: TenantIdentity.initialDomain,
        name: TenantIdentity.name)

    /// A customer.
    /// - Parameter number: which one, from 1.
    package static func customer(_ number: Int) -> SandboxOrganization {
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return SandboxOrganization(
            id: "5a4db0c5-7e11-4c02-9d0e-c05700000000".dropLast(padded.count) + padded,
            domain: "customer-\(number).example", initialDomain: "customer\(number).onmicrosoft.com",
            name: "Customer \(number)")
    }

    /// Whether a path segment of an authority names this tenant.
    func isNamed(by segment: String) -> Bool {
        let segment = segment.lowercased()
        return [id, domain, initialDomain].contains(segment)
            || self == .own && ["organizations", "common"].contains(segment)
    }
}
