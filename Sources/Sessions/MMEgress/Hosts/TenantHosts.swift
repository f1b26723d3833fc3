import MMCore
import MMIdentity

/// The names of this tenant at services where anybody can rent one: those that the tenant's own answers have named to the
/// session, and those that a person has said yes to.
package final class TenantHosts: Sendable {
    private static let most = 10_000
    /// More than any page of a list.
    static let maxAnswerBytes = 8 << 20
    private let names = Mutex<Set<String>>([])
    private let storage: [String]
    private let vault: String?

    /// No names yet.
    init(cloud: [CloudHost] = []) {
        storage = cloud.filter { $0.service == .storage }.map(\.name)
        vault = cloud.first { $0.service == .resource(.keyVault) && $0.isRentable }?.name
    }

    /// Whether a name is known.
    func contains(_ host: String) -> Bool { names.withLock { $0.contains(host) } }

    /// A person has admitted a host.
    func admit(_ host: String) {
        names.withLock { names in
            if names.count < Self.most { names.insert(host.lowercased()) }
        }
    }

    /// Whether an answer of this service may name hosts of the tenant: a list of resources or environments.
    static func mayName(_ place: EgressPlace, method: String, target: String) -> Bool {
        guard method == "GET" else { return false }
        let path = target.prefix { $0 != "?" }.lowercased()
        return place.services.contains { service in
            switch service {
            case .resource(.arm):
                path.hasSuffix("/resources") || path.contains("/microsoft.storage/storageaccounts")
                    || path.contains("/microsoft.keyvault/vaults")
            case .resource(.bap), .resource(.powerApps), .resource(.powerPlatform): path.contains("/environments")
            case .dataverse: place.host.hasPrefix("globaldisco.") && path.contains("/instances")
            default: false
            }
        }
    }

    /// Takes the names from an answer of a service to the tenant's own token: by the type and id of each resource, which the
    /// service alone writes, never from what somebody could put into one.
    func learn(from body: [UInt8]) {
        let limits = JSONLimits(bytes: Self.maxAnswerBytes, depth: 64)
        guard let object = (try? JSONParser.parse(body, limits: limits))?.object else { return }
        for item in object["value"]?.array ?? [.object(object)] {
            guard let item = item.object else { continue }
            for host in resource(item) + environment(item) { admit(host) }
        }
    }

    /// The hosts of a resource of Azure: `…/providers/TYPE/NAME`, with that type and name.
    private func resource(_ item: JSONObject) -> [String] {
        guard let id = item["id"]?.string?.lowercased(), let type = item["type"]?.string?.lowercased(),
            let name = item["name"]?.string?.lowercased(), id.hasPrefix("/subscriptions/"),
            id.hasSuffix("/providers/\(type)/\(name)"),
            name.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D })
        else { return [] }
        return switch type {
        case "microsoft.storage/storageaccounts": storage.map { "\(name).\($0)" }
        case "microsoft.keyvault/vaults": vault.map { ["\(name).\($0)"] } ?? []
        default: []
        }
    }

    /// The hosts of an environment of the Power Platform, and of an organization as Dataverse lists it.
    private func environment(_ item: JSONObject) -> [String] {
        let isEnvironment = item["type"]?.string?.lowercased().hasSuffix("/environments") == true
        let linked = item["properties"]?.object?["linkedEnvironmentMetadata"]?.object
        let isInstance = item["UniqueName"]?.string != nil && item["TenantId"]?.string != nil
        let addresses =
            isEnvironment
            ? [linked?["instanceUrl"], linked?["instanceApiUrl"]] : isInstance ? [item["Url"], item["ApiUrl"]] : []
        return addresses.compactMap { $0?.string.flatMap { WebAddress($0)?.host.lowercased() } }
    }
}
