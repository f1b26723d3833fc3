package import MMCore

/// The live sessions of this process, for the dashboard. Its calls are not logged, audited or counted.
package enum PoolOverview {
    /// The columns of a table of the rows of `status`.
    package static let columns = ["session", "state", "account", "until", "code", "address"]
    /// The number of connections up to which all are shown. Above it, only those with a session are shown, and the
    /// others can be searched for.
    private static let most = 200
    /// The number of connections on a page.
    private static let pageSize = 50

    /// Returns the rows of `status`: sessions and sign-ins, with pending device codes.
    /// - Parameters:
    ///   - services: the services of this process.
    ///   - server: the name that `mcps` lists are compared with; `nil` for the owner.
    /// - Returns: the rows, and the number of connections if only those with a session are shown, otherwise 0.
    package static func sessions(_ services: SessionServices, for server: String?) async -> (
        rows: [SessionRow], unlisted: Int
    ) {
        let context = context(server)
        let connections = connections(services, server)
        guard connections.count <= most else { return (await Sessions.rows(in: context, services), connections.count) }
        return (await Status.rows(of: connections, in: context, services), 0)
    }

    /// Returns a page of the connections whose name, description or tenant contains a text.
    /// - Parameters:
    ///   - services: the services of this process.
    ///   - server: the name that `mcps` lists are compared with; `nil` for the owner.
    ///   - text: the text to find, case-insensitively; empty for all connections.
    ///   - page: the number of the page, from 1.
    /// - Returns: the members `rows` (as in `status`), `total` (the number of connections), `page` and `pages`.
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
            "rows": .array(rows.map { .object($0.json) }), "total": .int(Int64(found.count)), "page": .int(Int64(page)),
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
