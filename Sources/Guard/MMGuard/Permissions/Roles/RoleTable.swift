internal import CPermissionTables
internal import MMCore

/// The roles of Entra ID, Exchange and Azure with what each permits.
package struct RoleTable: Sendable {
    private struct AreaRow {
        let paths: [[String]]
        let methods: Set<String>
        let isExact: Bool
        let area: RoleArea
    }

    private struct PatternRow {
        let patterns: [String]
        let role: String
        let group: String
        let entra: String
    }

    /// The shared instance, read when advice is first needed.
    package static let standard = RoleTable()

    private let ids: [String: EntraRole]
    private let names: [String: EntraRole]
    private let areas: [AreaRow]
    private let exchange: [PatternRow]
    private let azure: [PatternRow]

    private init() {
        let table = cpermission_roles()
        let bytes = UnsafeRawBufferPointer(start: table.bytes, count: table.length)
        let json = (try? JSONParser.parse(Array(bytes))) ?? .null
        let roles = (json["roles"]?.object ?? [:]).map { EntraRole(name: $0.key, id: $0.value.string ?? "") }
        let named = Dictionary(roles.map { ($0.name, $0) }) { first, _ in first }
        names = named
        ids = Dictionary(roles.map { ($0.id, $0) }) { first, _ in first }
        func list(_ value: JSONValue?) -> [String] { value?.array?.compactMap(\.string) ?? [] }
        areas = (json["areas"]?.array ?? []).map { row in
            AreaRow(
                paths: list(row["paths"]).map { $0.split(separator: "/").map(String.init) },
                methods: Set(list(row["methods"])), isExact: row["exact"]?.bool ?? false,
                area: RoleArea(
                    reading: list(row["read"]).compactMap { named[$0] },
                    writing: list(row["write"]).compactMap { named[$0] },
                    content: row["content"]?.string.flatMap(RoleArea.Content.init)))
        }
        func patterns(_ value: JSONValue?, _ key: String) -> [PatternRow] {
            (value?.array ?? []).map { row in
                PatternRow(
                    patterns: list(row[key]).map { $0.lowercased() }, role: row["role"]?.string ?? "",
                    group: row["group"]?.string ?? "", entra: row["entra"]?.string ?? "")
            }
        }
        exchange = patterns(json["exchange"], "nouns")
        azure = patterns(json["azure"], "actions")
    }

    /// All roles of Entra ID in the table.
    package var roles: [EntraRole] { names.values.sorted { $0.name < $1.name } }

    /// Returns the role with an id that tokens carry in `wids`.
    package func role(id: String) -> EntraRole? { ids[id.lowercased()] }

    /// Returns the role with a name.
    package func role(named name: String) -> EntraRole? { names[name] }

    /// The role that permits everything.
    package var globalAdministrator: EntraRole? { names["Global Administrator"] }

    /// Returns the part of Graph that a call belongs to; `nil` if no roles are known for it.
    /// - Parameters:
    ///   - template: the template of its path, or the path itself without its version.
    ///   - method: the method.
    package func area(of template: String, method: String) -> RoleArea? {
        var steps = template.lowercased().split(separator: "/").map(String.init)
        if steps.first == "me" { steps = ["users", "{}"] + steps.dropFirst() }
        return areas.first { row in
            guard row.methods.isEmpty || row.methods.contains(method.uppercased()) else { return false }
            return row.paths.contains { path in
                guard row.isExact ? path.count == steps.count : path.count <= steps.count else { return false }
                return zip(path, steps).allSatisfy { $0 == "{}" || $0 == $1 }
            }
        }?.area
    }

    /// Returns the role of Exchange that includes a cmdlet.
    package func exchangeRole(of cmdlet: String) -> ExchangeRole {
        let words = cmdlet.lowercased().split(separator: "-", maxSplits: 1)
        let noun = words.count == 2 ? String(words[1]) : cmdlet.lowercased()
        let row = exchange.first { $0.patterns.contains { Self.matches(noun, $0) } }
        let isRead = ["get", "test", "search"].contains(words.first.map(String.init) ?? "")
        if isRead, row.map({ $0.role != "View-Only Audit Logs" && $0.role != "Message Tracking" }) ?? true {
            return ExchangeRole(
                name: row?.role == "Mail Recipients" ? "View-Only Recipients" : "View-Only Configuration",
                group: "View-Only Organization Management", entra: names["Global Reader"])
        }
        return ExchangeRole(
            name: row?.role ?? "Organization Configuration", group: row?.group ?? "Organization Management",
            entra: row.flatMap { names[$0.entra] })
    }

    /// Returns the narrowest built-in role of Azure that includes an action.
    package func azureRole(of action: String) -> String {
        let action = action.lowercased()
        if action.hasSuffix("/read") { return "Reader" }
        return azure.first { $0.patterns.contains { action.hasPrefix($0) } }?.role ?? "Contributor"
    }

    private static func matches(_ noun: String, _ pattern: String) -> Bool {
        switch (pattern.hasPrefix("*"), pattern.hasSuffix("*")) {
        case (true, true): pattern.count < 3 || noun.contains(String(pattern.dropFirst().dropLast()))
        case (true, false): noun.hasSuffix(pattern.dropFirst())
        case (false, true): noun.hasPrefix(pattern.dropLast())
        case (false, false): noun == pattern
        }
    }
}

/// A role of Exchange that includes a cmdlet.
package struct ExchangeRole: Sendable, Hashable {
    /// The management role: `Mail Recipients`.
    package let name: String
    /// The smallest role group with that role.
    package let group: String
    /// The role of Entra ID that includes it; `nil` if none does.
    package let entra: EntraRole?
}

/// A built-in role of Entra ID.
package struct EntraRole: Sendable, Hashable {
    /// The name: `Reports Reader`.
    package let name: String
    /// The id of its template, which tokens carry in `wids`.
    package let id: String
}

/// A part of Microsoft Graph in which the same roles are needed beside a permission.
package struct RoleArea: Sendable, Hashable {
    /// Content that belongs to a person: others reach it by being given access, not by a role.
    package enum Content: String, Sendable {
        case mailbox
        case site
        case chat
        case team
        case item
    }

    /// The roles that permit reading, the one with the fewest rights first.
    package let reading: [EntraRole]
    /// The roles that permit changes, the one with the fewest rights first.
    package let writing: [EntraRole]
    /// The kind of personal content; `nil` if the content belongs to no person.
    package let content: Content?

    /// Returns the roles for a call.
    package func roles(reading isRead: Bool) -> [EntraRole] { isRead ? reading : writing }
}
