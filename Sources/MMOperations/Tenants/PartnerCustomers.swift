import MMCore
import MMGraph
import MMIdentity

/// The customers that a partner's connection administers for, each as a connection of this process: pinned to the customer's
/// tenant id, signed in with the partner's sign-in, with the guard and limits of the partner's entry.
struct PartnerCustomers: Sendable {
    let partner: Connection
    let services: OperationServices

    /// A customer.
    struct Customer: Sendable, Hashable {
        let tenant: String
        let name: String
    }

    /// Asks for the relationships, and makes each customer's tenant reachable.
    /// - Returns: the connections, with names such as `Partner:Fabrikam`.
    /// - Throws: as a request of the partner's.
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

    /// Makes a customer's tenant reachable under a name.
    func imply(_ name: String, tenant: String) throws(MMError) {
        guard GUID.isValid(tenant) else {
            throw MMError(.remoteFailed, "The customer \(name) has no valid tenant id.", hint: "Ask again.")
        }
        let connection = try partner.with(
            [
                "tenant": .null, "tenantId": .string(tenant.lowercased()), "sharepoint_host": .null, "pin": .null,
                "homeAccountId": .null, "description": .string("Customer of \(partner.name)"),
            ], name: name)
        services.registry.imply(connection)
        try services.identity.imply(customer: connection, of: partner)
    }

    /// The customers with a relationship that is active and whose end is still to come, each once.
    private func active(until deadline: Deadline) async throws(MMError) -> [Customer] {
        let client = try GraphClient(identity: services.identity, connection: partner, service: .graph)
        let target = try client.target("/tenantRelationships/delegatedAdminRelationships", query: [])
        var pages = client.pages(
            try GraphRequest(method: "GET", target: target), limits: PageLimits(), deadline: deadline
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

    /// What a customer calls itself, in one line: its own administrators choose it.
    private static func name(_ relationship: JSONValue) -> String? {
        guard let text = relationship["customer"]?["displayName"]?.string else { return nil }
        let plain = text.unicodeScalars.filter {
            $0.value >= 0x20 && $0.value != 0x7F && !(0x80..<0xA0).contains($0.value)
        }
        return plain.isEmpty ? nil : String(String.UnicodeScalarView(plain.prefix(200)))
    }
}
