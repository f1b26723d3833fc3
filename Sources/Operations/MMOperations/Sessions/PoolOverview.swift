package import MMCore

/// What lives in this process, for those who watch it: nothing here is logged, audited or counted.
package enum PoolOverview {
    /// What a table of the rows of `status` shows.
    package static let columns = ["session", "state", "account", "until", "code", "address"]
    /// Beyond so many connections only those are shown at once that have a session; the others are searched for.
    private static let most = 200
    /// How many connections a page shows.
    private static let pageSize = 50

    /// The rows of `status`: sessions and sign-ins, with codes that wait.
    /// - Parameters:
    ///   - services: of this process.
    ///   - server: the name that `mcps` lists are compared with; `nil` for the owner.
    /// - Returns: the rows, and how many connections there are beside those that they show.
    package static func sessions(_ services: SessionServices, for server: String?) async -> (
        rows: [JSONObject], unlisted: Int
    ) {
        let context = context(server)
        let connections = connections(services, server)
        guard connections.count <= most else { return (await Sessions.rows(in: context, services), connections.count) }
        return (await Status.rows(of: connections, in: context, services), 0)
    }

    /// A page of the connections whose name, description or tenant holds a text.
    /// - Parameters:
    ///   - services: of this process.
    ///   - server: the name that `mcps` lists are compared with; `nil` for the owner.
    ///   - text: what they hold, in any case; empty: all.
    ///   - page: which page, from 1.
    /// - Returns: `rows` as of `status`, `total` of the connections, `page` and `pages`.
    package static func connections(
        _ services: SessionServices, for server: String?, holding text: String, page: Int
    ) async -> JSONObject {
        let wanted = text.lowercased()
        let found = connections(services, server).filter { connection in
            wanted.isEmpty
                || [connection.name, connection.description ?? "", connection.tenant ?? ""]
                    .contains { $0.lowercased().contains(wanted) }
        }
        let pages = max(1, (found.count + pageSize - 1) / pageSize)
        let page = min(max(page, 1), pages)
        let shown = Array(found.dropFirst((page - 1) * pageSize).prefix(pageSize))
        let rows = await Status.rows(of: shown, in: context(server), services)
        return [
            "rows": .array(rows.map { .object($0) }), "total": .int(Int64(found.count)), "page": .int(Int64(page)),
            "pages": .int(Int64(pages)),
        ]
    }

    private static func context(_ server: String?) -> OperationContext {
        OperationContext(
            call: CallContext(caller: Caller(surface: .library, name: "dashboard", server: server)),
            deadline: .after(.seconds(30)), record: CallRecord())
    }

    private static func connections(_ services: SessionServices, _ server: String?) -> [Connection] {
        guard let snapshot = try? services.registry.snapshot() else { return [] }
        return server.map { snapshot.visible(to: $0) } ?? snapshot.connections
    }
}
