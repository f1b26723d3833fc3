import MMCore
import MMGuard
import MMIdentity
import MMPowerShell

extension ConnectSteps {
    /// What the chosen uses need and the connection's own tokens don't hold, a line a service.
    func missing(on connection: Connection) async -> [String] {
        guard let uses = input.uses else { return [] }
        var lines: [String] = []
        for (service, names) in ConnectionUse.permissions(of: uses) {
            let granted = await rights(of: connection, on: service)
            let lacking = names.filter { name in !granted.contains { Self.covers($0, name) } }
            if !lacking.isEmpty { lines.append("\(service.title): \(lacking.joined(separator: ", "))") }
        }
        return lines
    }

    private func rights(of connection: Connection, on service: ServiceApp) async -> Set<String> {
        guard let resource = service.resource(of: connection) else { return [] }
        return await identity.rights(of: connection, on: resource)?.permissions ?? []
    }

    /// Whether a permission gives all that another one does.
    private static func covers(_ granted: String, _ wanted: String) -> Bool {
        let has = granted.lowercased().split(separator: ".")
        let needs = wanted.lowercased().split(separator: ".")
        if has == needs { return true }
        // The directory's own permissions hold those of its parts.
        if ["user", "group", "organization"].contains(needs.first), has.first == "directory", has.count > 1 {
            return needs.contains("read") || has[1] != "read"
        }
        guard has.first == needs.first, has.count > 1, needs.count > 1 else { return false }
        let isEnough =
            has[1] == needs[1] || (has[1] == "readwrite" && needs[1].hasPrefix("read"))
            || (has[1] == "read" && needs[1] == "readbasic")
        return isEnough && (has.count > 2 || needs.count == 2 || needs[1] == "readbasic" && has.last == "all")
    }

    /// What can be done about it.
    func remedy(_ missing: [String], on connection: Connection, in tenant: DiscoveredTenant) -> String? {
        guard !missing.isEmpty else { return nil }
        let uses = (input.uses ?? []).map(\.rawValue).joined(separator: ",")
        if connection.appId == SharedClient.appID {
            return "What is missing needs an app registration of the tenant's own: mm connect "
                + "\(ShellWord.quoted(tenant.domain ?? tenant.id)) --name \(ShellWord.quoted(connection.name)) --app own "
                + "--uses \(uses). Or a PowerShell module signs in by itself where it can: mm run shows its code."
        }
        return
            "Add what is missing to the app registration \(connection.appId ?? "") (API permissions) and let an administrator "
            + "consent; then: mm login \(ShellWord.quoted(connection.name)) --renew"
    }

    /// The PowerShell modules that the uses need, with the command that installs each.
    var moduleRows: [JSONValue] {
        modules.map { word, requirement in
            [
                "word": .string(word), "module": .string(requirement.name),
                "install": .string(requirement.installCommand),
            ]
        }
    }

    /// What is said of them.
    func moduleNote(_ connection: String) -> String {
        let names = modules.map { word, requirement in
            "\(requirement.name) (mm run \(ShellWord.quoted(connection)) \(word) …)"
        }
        return "In PowerShell it needs \(names.joined(separator: ", ")). What is installed, and how to install it: "
            + "mm doctor powershell"
    }

    private var modules: [(word: String, requirement: ModuleRequirement)] {
        var words: [String] = []
        for use in input.uses ?? [] {
            if let word = use.module, !words.contains(word) { words.append(word) }
        }
        return words.compactMap { word in (try? ModuleProfiles.named(word)).map { (word, $0.requirement) } }
    }
}

extension ConnectionUse {
    /// The word of the sessions that a use needs PowerShell for.
    fileprivate var module: String? {
        switch self {
        case .graph, .users, .mailbox, .flow: nil
        case .exchange: "exo"
        case .teams: "teams"
        case .sharepoint: "pnp"
        case .azure: "azure"
        case .powerplatform: "powerplatform"
        }
    }
}

extension ServiceApp {
    /// What a connection's tokens for the service are asked for; `nil` for SharePoint where its host is unknown.
    fileprivate func resource(of connection: Connection) -> ServiceResource? {
        switch self {
        case .graph: .graph
        case .exchange: .exchange
        case .sharePoint: connection.sharepointHost.map { .sharePoint($0) }
        case .teams: .teams
        case .azure: .arm
        case .flow: .flow
        case .powerApps: .powerApps
        }
    }
}
