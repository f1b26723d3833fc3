import MMCore
import TestSupport

@testable import MMOperations

/// A tenant in memory with objects of every kind, which tests change.
final class ModelTenant: SnapshotSource {
    struct State: Sendable {
        var objects: [String: [JSONObject]] = [:]
        var related: [String: [JSONValue]] = [:]
        var refused: [String: MMError] = [:]
        var directory: [String: String] = [:]
        var isReversed = false
        /// Counts what changes by itself.
        var clock = 0
        var requests = 0
    }

    let state: Mutex<State>
    let id: String
    let domain: String
    static let pageSize = 3

    /// - Parameters:
    ///   - perKind: how many objects a kind has.
    ///   - id: the tenant's id.
    ///   - domain: its domain.
    init(perKind: Int = 4, id: String = ModelTenant.guid(1), domain: String = "contoso.example", offset: Int = 0) {
        (self.id, self.domain) = (id, domain)
        var state = State()
        for user in 0..<20 { state.directory[Self.guid(9_000 + offset + user)] = "user\(user)@\(domain)" }
        for (place, kind) in SnapshotKind.all.enumerated() where kind.service != .teams {
            state.objects[kind.name] = (0..<(kind.isSingle ? 1 : perKind)).map {
                Self.object(of: kind, number: place * 100 + $0, offset: offset, domain: domain)
            }
        }
        for kind in SnapshotKind.all {
            for (place, object) in (state.objects[kind.name] ?? []).enumerated() {
                for relation in kind.relations {
                    let path = relation.path.replacing("{id}", with: kind.id(of: object))
                    state.related[path] = (0...place).map { user in
                        let id = Self.guid(9_000 + offset + user)
                        return ["id": .string(id), "userPrincipalName": .string("user\(user)@\(domain)")]
                    }
                }
            }
        }
        self.state = Mutex(state)
    }

    static func guid(_ number: Int) -> String {
        let text = String(number)
        return "5a4db0c5-0000-4000-8000-" + String(repeating: "0", count: 12 - text.count) + text
    }

    static func object(of kind: SnapshotKind, number: Int, offset: Int = 0, domain: String) -> JSONObject {
        var object: JSONObject = [
            "id": .string(guid(number + offset)), "state": "enabled", "mode": "on", "count": .int(Int64(number)),
            "words": ["b", "a", "c"], "nested": ["deep": ["flag": true, "address": .string("info@\(domain)")]],
            "@odata.etag": "W/\"1\"", "lastModifiedDateTime": "2026-01-01T00:00:00Z", "secretText": "Pa55w0rd!value",
        ]
        set(&object, kind.key, .string(guid(number + offset)))
        if !kind.isSingle, let named = kind.named.first, named != kind.key {
            for part in named.split(separator: "+") { set(&object, String(part), .string("Object \(number)")) }
        }
        if kind.key == "Identity" { object["Identity"] = .string("Object \(number)") }
        if let property = kind.onlyWith.first { object[property] = "smtp:away@fabrikam.example" }
        if kind.named == [kind.key], kind.key != "Identity" { object[kind.key] = .string("object-\(number).example") }
        return object
    }

    private static func set(_ object: inout JSONObject, _ path: String, _ value: JSONValue) {
        let parts = path.split(separator: ".").map(String.init)
        guard let first = parts.first else { return }
        guard parts.count > 1 else {
            object[first] = value
            return
        }
        var inner = object[first]?.object ?? [:]
        set(&inner, parts.dropFirst().joined(separator: "."), value)
        object[first] = .object(inner)
    }

    func pages(of kind: SnapshotKind) async throws(MMError) -> any SnapshotPages {
        let (rows, refused) = state.withLock { state in
            state.clock += 1
            let rows = (state.objects[kind.name] ?? []).map { row -> JSONObject in
                var row = row
                row["@odata.etag"] = .string("W/\"\(state.clock)\"")
                row["lastModifiedDateTime"] = .string("2026-01-01T00:00:\(10 + state.clock % 50)Z")
                if state.isReversed { row["words"] = row["words"]?.array.map { .array($0.reversed()) } }
                return row
            }
            return (state.isReversed ? rows.reversed() : rows, state.refused[kind.name])
        }
        if let refused { throw refused }
        if kind.service == .teams { throw MMError(.unsupported, "There is no session.") }
        return ModelPages(rows: rows, tenant: self)
    }

    func related(_ paths: [String], of kind: SnapshotKind) async throws(MMError) -> [[JSONValue]] {
        state.withLock { state in
            state.requests += 1
            return paths.map { path in
                let items = state.related[path] ?? []
                return state.isReversed ? items.reversed() : items
            }
        }
    }

    func names(of ids: [String]) async throws(MMError) -> [(id: String, name: String)] {
        state.withLock { state in ids.compactMap { id in state.directory[id].map { (id, $0) } } }
    }

    func tenant() async throws(MMError) -> SnapshotTenant {
        SnapshotTenant(id: id, defaultDomain: domain, initialDomain: "start.\(domain)")
    }
}

/// A few rows at a time.
struct ModelPages: SnapshotPages {
    var rows: [JSONObject]
    let tenant: ModelTenant

    mutating func next() async throws(MMError) -> [JSONObject]? {
        guard !rows.isEmpty else { return nil }
        tenant.state.withLock { $0.requests += 1 }
        defer { rows.removeFirst(min(ModelTenant.pageSize, rows.count)) }
        return Array(rows.prefix(ModelTenant.pageSize))
    }
}

/// A home with snapshots of model tenants.
struct SnapshotBench {
    let home: TestHome
    let tenant: ModelTenant

    init(_ tenant: ModelTenant = ModelTenant()) throws {
        home = try TestHome()
        self.tenant = tenant
    }

    /// Takes a snapshot into a folder of the home.
    @discardableResult
    func take(_ name: String, kinds: [SnapshotKind] = SnapshotKind.all, of other: ModelTenant? = nil) async throws
        -> SnapshotFolder
    {
        let taking = SnapshotTaking(
            from: other ?? tenant, kinds: kinds,
            explain: { error, _ in SnapshotHeader.LeftOut(reason: error.message) })
        let destination = SnapshotDestination("\(home.path)/\(name)")
        _ = try await destination.replace { (folder) async throws(MMError) in
            try await taking.write(to: folder, connection: "Model")
        }
        return try SnapshotFolder(destination.folder)
    }

    /// All files of a snapshot with their content.
    func files(_ name: String) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        func add(_ path: String) throws {
            for entry in try FolderListing.names(in: "\(home.path)/\(path)") {
                let inner = "\(path)/\(entry)"
                if SnapshotFiles.isFolder("\(home.path)/\(inner)") {
                    try add(inner)
                } else {
                    files[String(inner.dropFirst(name.count + 1))] = try ProtectedFile.read("\(home.path)/\(inner)")
                }
            }
        }
        try add(name)
        return files
    }
}
