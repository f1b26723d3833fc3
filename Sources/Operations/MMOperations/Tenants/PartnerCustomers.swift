import MMCore
import MMDesk
import MMIdentity

/// The customers of a partner's connection, each as a connection of this process: with the customer's tenant id, the
/// partner's sign-in, and the guard and limits of the partner's entry.
struct PartnerCustomers: Sendable {
    let partner: Connection
    let registry: ConnectionRegistry
    let identity: IdentityService

    /// A customer.
    struct Customer: Sendable, Hashable {
        let tenant: String
        let name: String
    }

    init(partner: Connection, registry: ConnectionRegistry, identity: IdentityService) {
        self.partner = partner
        self.registry = registry
        self.identity = identity
    }

    init(of partner: Connection, _ services: OperationServices) {
        self.init(partner: partner, registry: services.registry, identity: services.identity)
    }

    /// Creates the connection of a customer that a call or a plan names, such as `Partner:Fabrikam`.
    /// - Throws: `notFound` where the partner has no such customer; the errors of the partner's requests.
    static func reach(
        _ name: String, for server: String?, until deadline: Deadline, in registry: ConnectionRegistry,
        as identity: IdentityService
    ) async throws(MMError) {
        let snapshot = try registry.snapshot()
        guard !snapshot.names.contains(name), !name.contains("*"), !name.contains(",") || name.contains(", "),
            let own = RegistrySnapshot.partner(of: name, among: snapshot.names)
        else { return }
        let customers = PartnerCustomers(
            partner: try snapshot.connection(named: own, for: server), registry: registry, identity: identity)
        // A known customer's connection is updated to the partner's present entry.
        if let tenant = snapshot.implied(named: name)?.tenantId { return try customers.imply(name, tenant: tenant) }
        let found = try await customers.expand(until: deadline).map(\.name)
        guard !found.contains(name), !name.contains(",") else { return }
        let near = NearestNames.sorted(found, by: name).prefix(5).map { "'\($0)'" }.joined(separator: ", ")
        throw MMError(
            .notFound,
            "\(own) has no customer '\(name.dropFirst(own.count + 1).prefix(100))' with active delegated "
                + "administration.",
            hint: near.isEmpty ? "Pending or ended relationships give no access." : "Similar names: \(near).")
    }

    /// Reads the relationships, and creates a connection for each customer's tenant.
    /// - Returns: the connections, with names such as `Partner:Fabrikam`.
    /// - Throws: the errors of the partner's requests.
    func expand(until deadline: Deadline) async throws(MMError) -> [SetFolder.Member] {
        var members: [SetFolder.Member] = []
        let customers = try await active(until: deadline)
        for customer in customers {
            let hasNamesake = customers.contains { $0.name == customer.name && $0.tenant != customer.tenant }
            let name = "\(partner.name):\(customer.name)" + (hasNamesake ? " (\(customer.tenant))" : "")
            try imply(name, tenant: customer.tenant)
            members.append(.init(name: name, tenant: customer.tenant, partner: partner.name))
        }
        return members
    }

    /// Creates the connection of a customer's tenant under a name.
    func imply(_ name: String, tenant: String) throws(MMError) {
        guard GUID.isValid(tenant) else {
            throw MMError(.remoteFailed, "The customer \(name) has no valid tenant ID.", hint: "Ask again.")
        }
        let connection = try partner.with(
            [
                "tenant": .null, "tenantId": .string(tenant.lowercased()), "sharepoint_host": .null, "pin": .null,
                "homeAccountId": .null, "description": .string("Customer of \(partner.name)"),
            ], name: name)
        registry.imply(connection)
        try identity.imply(customer: connection, of: partner)
    }

    /// Returns the customers with an active relationship that hasn't ended, each once.
    private func active(until deadline: Deadline) async throws(MMError) -> [Customer] {
        let client = try GuardedClient(identity: identity, connection: partner, service: .graph)
        let target = try client.target("/tenantRelationships/delegatedAdminRelationships", query: [])
        var pages = try client.readPages(
            try GraphRequest(method: "GET", target: target), deadline: deadline
        ).makeAsyncIterator()
        var found: [Customer] = []
        var seen: Set<String> = []
        while let page = try await pages.next() {
            for item in page.items {
                guard let value = try? JSONParser.parse(item), value["status"]?.string == "active",
                    let ends = value["endDateTime"]?.string.flatMap({ Timestamp(iso8601: $0) }), ends > .now,
                    let tenant = value["customer"]?["tenantId"]?.string, seen.insert(tenant.lowercased()).inserted
                else { continue }
                found.append(Customer(tenant: tenant.lowercased(), name: Self.name(value) ?? tenant))
            }
        }
        return found
    }

    /// Returns a customer's display name without control characters, since its own administrators choose it.
    private static func name(_ relationship: JSONValue) -> String? {
        guard let text = relationship["customer"]?["displayName"]?.string else { return nil }
        let plain = text.unicodeScalars.filter {
            $0.value >= 0x20 && $0.value != 0x7F && !(0x80..<0xA0).contains($0.value)
        }
        return plain.isEmpty ? nil : String(String.UnicodeScalarView(plain.prefix(200)))
    }
}
